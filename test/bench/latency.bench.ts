/**
 * `npm run bench -- latency`: how long a client waits for an answer over some fifty thousand chunks, warm: without
 * re-ranking, to the first hits with it, both while another folder is being embedded, and the memory this takes.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { EngineClient } from '../../src/clients/engineClient';
import { makeCorpus } from './corpus';
import { budgetMs, openClient, residentMemory, sampleQueries, stopEngine } from './engine';
import { largeIndex } from './largeIndex';
import { benchOption, type Figure, note, quantile, report } from './report';

const rounds = Number(benchOption('rounds') ?? 4);
/** A person types the next query no faster. */
const pauseMs = 100;

async function main(): Promise<void> {
  const { dataFolder, folder } = await largeIndex();
  const busyFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-bench-'));
  const client = openClient(dataFolder);
  try {
    const { status } = await client.call('index', { folder, waitFor: 'all' });
    await measureQueries(client, folder, 1);
    const quiet = await measureQueries(client, folder, rounds);
    const first = await measureFirstHits(client, folder);
    const searching = residentMemory(dataFolder);
    await startEmbedding(client, busyFolder);
    const busy = await measureQueries(client, folder, rounds);
    const busyFirst = await measureFirstHits(client, folder);
    const embedding = residentMemory(dataFolder);
    const stillBusy = (await client.call('status', { folder: busyFolder })).folders[0];
    if (stillBusy?.isComplete) note('The other folder was done before the queries were');
    report('latency', [
      { label: 'chunks', value: status.embeddedCount, digits: 0 },
      ...quantiles('query', quiet, { p50: 20, p99: 60 }),
      ...quantiles('first hits with re-ranking', first.firstHits, { p99: 80 }),
      ...quantiles('re-ranked hits', first.final, {}),
      ...quantiles('query while embedding', busy, { p50: 20, p99: 60 }),
      ...quantiles('first hits while embedding', busyFirst.firstHits, { p99: 80 }),
      { label: 'engine searching', value: searching.engineMb, unit: 'MB', atMost: 600, digits: 0 },
      { label: 'engine embedding', value: embedding.engineMb, unit: 'MB', atMost: 1000, digits: 0 },
      {
        label: 'engine and its processes embedding',
        value: embedding.allMb,
        unit: 'MB',
        atMost: 1000,
        digits: 0,
      },
    ]);
  } finally {
    await client.call('clear', { folder: busyFolder });
    client.dispose();
    await stopEngine(dataFolder);
    fs.rmSync(busyFolder, { recursive: true, force: true });
  }
}

/** A folder with enough code to embed for minutes; returns when embedding is under way. */
async function startEmbedding(client: EngineClient, folder: string): Promise<void> {
  for (const { path: name, text } of makeCorpus(1200, 7_200_000)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    // Another text in each chunk than in the large folder, or all of it would be known.
    fs.writeFileSync(file, text.replaceAll(/\b(const|function|return|int)\b/g, '$1 /* bench */'));
  }
  await client.call('index', { folder, waitFor: 'static', isConfirmed: true });
}

async function measureQueries(
  client: EngineClient,
  folder: string,
  roundCount: number,
): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < roundCount; round++)
    for (const query of sampleQueries) {
      const start = performance.now();
      await client.call('search', { folder, query, limit: 10, rerank: false, budgetMs });
      times.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  return times;
}

async function measureFirstHits(
  client: EngineClient,
  folder: string,
): Promise<{ readonly firstHits: number[]; readonly final: number[] }> {
  const firstHits: number[] = [];
  const final: number[] = [];
  let start = 0;
  let ticket = 0;
  const listening = client.on('firstHits', (hits) => {
    if (hits.ticket === ticket) firstHits.push(performance.now() - start);
  });
  for (const query of sampleQueries) {
    ticket++;
    start = performance.now();
    await client.call('search', { folder, query, limit: 10, rerank: true, budgetMs, ticket });
    final.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  listening.dispose();
  return { firstHits, final };
}

function quantiles(
  label: string,
  times: readonly number[],
  target: { readonly p50?: number; readonly p99?: number },
): Figure[] {
  return [
    { label: `${label}, p50`, value: quantile(times, 0.5), unit: 'ms', atMost: target.p50 },
    { label: `${label}, p99`, value: quantile(times, 0.99), unit: 'ms', atMost: target.p99 },
  ];
}

void main();
