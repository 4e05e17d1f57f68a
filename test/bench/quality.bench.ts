/**
 * `npm run bench -- quality-SET`: ranking on one retrieval set by the way users go: `nearmiss index --wait`, then
 * `nearmiss search --queries` for each folder of the set, then the set's own scorer. `quality-sts` compares
 * sentence pairs by embedding; `quality` runs everything.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { cosine } from '../../src/base/vector';
import { loadBundledEncoders } from '../../src/engine/encoders/bundled';
import { runCli, stopEngine } from '../support/product';
import {
  type Answer,
  benchCache,
  type Figures,
  loadSentencePairs,
  loadSet,
  type QualitySet,
  SET_NAMES,
  type SetName,
} from './quality';
import { benchArgument, benchOption, type Figure, note, report } from './report';

/** What the product shall reach: nDCG@10, by spans where the set has them. */
const targets: Readonly<Record<SetName, number>> = {
  'code-npm': 0.82,
  'code-cosqa': 0.6,
  'docs-tldr': 0.62,
  'docs-cranfield': 0.43,
};
/** The least that re-ranking may change a set by. */
const worstRerankEffect = -0.002;
/** Long enough for the largest set on two slow cores. */
const timeoutMs = 60 * 60_000;

const dataFolder = benchOption('data') ?? benchCache('data');

async function main(): Promise<void> {
  const names = [...SET_NAMES, 'sts'].filter((name) => !benchArgument || name === benchArgument);
  if (names.length === 0) {
    note(`No set ${benchArgument}; there are: ${[...SET_NAMES, 'sts'].join(', ')}`);
    process.exitCode = 2;
  }
  for (const name of names) {
    if (name === 'sts') await measureSentencePairs();
    else await measureSet(await loadSet(name as SetName), name as SetName);
  }
  await stopEngine(dataFolder);
}

async function measureSet(set: QualitySet, name: SetName): Promise<void> {
  const indexMs = await indexAll(set);
  const reranked = await searchAll(set, ['--limit', '10']);
  const fused = await searchAll(set, ['--limit', '10', '--no-rerank']);
  const deep = await searchAll(set, ['--limit', '100', '--no-rerank']);
  report(`quality-${set.name}`, [
    { label: headlineLabel(reranked), value: headline(reranked), atLeast: targets[name] },
    { label: 'the same without re-ranking', value: headline(fused) },
    {
      label: 'gained by re-ranking',
      value: headline(reranked) - headline(fused),
      atLeast: worstRerankEffect,
      digits: 4,
    },
    { label: 'Recall@100 of the first stage', value: deep.recall100 },
    { label: 'nDCG@10 by document', value: reranked.ndcg },
    ...categories(reranked),
    { label: 'indexing, already known texts reused', value: indexMs / 1000, unit: 's' },
  ]);
}

async function measureSentencePairs(): Promise<void> {
  const pairs = await loadSentencePairs();
  const encoders = await loadBundledEncoders(installationRoot(), { threads: os.cpus().length });
  const { embedder } = encoders;
  const rows = await embedder.embedDocuments([...pairs.first, ...pairs.second]);
  const row = (index: number): Float32Array =>
    rows.subarray(index * embedder.space.dimension, (index + 1) * embedder.space.dimension);
  const count = pairs.first.length;
  const similarities = pairs.first.map((_, index) => cosine(row(index), row(count + index)));
  report('quality-sts', [
    {
      label: `Spearman of the cosine (${embedder.space.arithmetic})`,
      value: pairs.spearman(similarities),
      digits: 4,
    },
  ]);
  encoders.dispose();
}

async function indexAll(set: QualitySet): Promise<number> {
  let ms = 0;
  for (const { scope, dir } of set.folders) {
    note(`indexing ${set.name} ${scope}`);
    const result = await run(['index', dir, '--wait', '--yes', '--json', '--data', dataFolder]);
    ms += result.ms;
    const { files, skipped } = JSON.parse(result.stdout) as { files: number; skipped: unknown[] };
    note(`${files} files, ${skipped.length} skipped`);
  }
  return ms;
}

/** Asks every query of the set, each in the folder of its scope. */
async function searchAll(set: QualitySet, options: readonly string[]): Promise<Figures> {
  const answers = new Map<string, readonly Answer[]>();
  for (const { scope, dir } of set.folders) {
    const queries = set.queries.filter((query) => query.scope === scope);
    const file = path.join(dataFolder, `queries-${process.pid}.jsonl`);
    const lines = queries.map(({ id, text }) => JSON.stringify({ _id: id, text }));
    fs.writeFileSync(file, `${lines.join('\n')}\n`);
    note(`searching ${set.name} ${scope} ${options.join(' ')}`);
    const { stdout, ms } = await run(
      ['search', '--queries', file, '--folder', dir, '--data', dataFolder].concat(options),
    );
    fs.rmSync(file);
    note(`${(ms / queries.length).toFixed(0)} ms a query`);
    for (const line of stdout.split('\n').filter(Boolean)) {
      const { qid, results } = JSON.parse(line) as { qid: string; results: Answer[] };
      answers.set(qid, results);
    }
  }
  return set.judge(answers);
}

async function run(args: readonly string[]): Promise<{ stdout: string; ms: number }> {
  const result = await runCli(args, { timeoutMs });
  if (result.status === 0) return result;
  throw new Error(`nearmiss ${args.join(' ')} ended with ${result.status}: ${result.stderr}`);
}

function headline(figures: Figures): number {
  return figures.spans ?? figures.ndcg;
}

function headlineLabel({ spans, queryCount }: Figures): string {
  return `nDCG@10${spans === undefined ? '' : ' by spans, binary'}, ${queryCount} queries`;
}

function categories({ byCategory }: Figures): Figure[] {
  return Object.entries(byCategory).map(([category, value]) => ({ label: `  ${category}`, value }));
}

void main();
