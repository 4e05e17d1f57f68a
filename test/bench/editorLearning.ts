/**
 * What a run of learning takes in the editor, and what a person feels of it: a hundred marks on some twenty thousand chunks,
 * *Learn from Marks* from the command to the verdict, and the longest block of the extension host meanwhile. Who marks is
 * simulated: doc comments of the sample are the questions, the first hit in the comment's own file is right, and up to two
 * hits of other files next to it are wrong. What the run takes is the figure, not what it learns.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { seededRandom, shuffle } from '../../src/base/random';
import type { EngineClient } from '../../src/clients/engineClient';
import { pseudoQueries } from '../../src/engine/training/pseudoQueries';
import { chunkCount, indexedFolder, withWorld } from './editorWorld';
import { benchOption, type Figure, note } from './report';
import { blockMeter, blocksOf } from '../support/editor/blockMeter';
import { moveIndex } from '../support/editor/sample';
import { eventually } from '../support/editor/workbench';

const moreFiles = Number(benchOption('files') ?? 1380);
const markCount = Number(benchOption('marks') ?? 100);
const mostOfAFile = markCount > 100 ? 20 : 1;
/** Minutes that a run may take before the bench gives up. */
const patienceMinutes = 60;

export async function measureLearning(): Promise<Figure[]> {
  const { dataFolder, folder } = await indexedFolder(moreFiles);
  const fill = (world: { workspace: string; dataFolder: string }): Promise<void> => {
    fs.cpSync(folder, world.workspace, { recursive: true, preserveTimestamps: true });
    moveIndex({ data: dataFolder, folder }, world.dataFolder, world.workspace);
    return Promise.resolve();
  };
  const extensions = [blockMeter()];
  return withWorld({ name: 'bench', isIndexed: true, extensions, fill }, async (world) => {
    const { window, workspace } = world;
    await window.openPanel();
    await window.statusReady.waitFor();
    const client = world.client();
    await markAsUser(client, workspace);
    const { marks } = await client.call('listMarks', { folder: workspace });
    const start = performance.now();
    await window.command('Nearmiss: Learn from Marks');
    await window.quickRows.filter({ hasText: 'Learn now, about' }).first().click();
    const report = await eventually(
      () => client.call('learningReport', { folder: workspace }),
      (made) => made !== null,
      patienceMinutes * 60_000,
    );
    const wallSeconds = (performance.now() - start) / 1000;
    note(`${report!.verdict} (${wallSeconds.toFixed(0)} s)`);
    for (const { tier, sentence, seconds } of report!.tiers)
      note(`  ${tier} (${seconds.toFixed(0)} s): ${sentence}`);
    // The meter writes what it has seen twice a second.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return [
      { label: 'chunks', value: await chunkCount(world), digits: 0 },
      { label: 'marks', value: marks.length, digits: 0 },
      { label: 'command to verdict', value: wallSeconds, unit: 's', atMost: 240 },
      {
        label: 'longest block of the host, from its eleventh second on',
        value: blocksOf(world.folder).afterStartMs,
        unit: 'ms',
        atMost: 50,
      },
    ];
  });
}

async function markAsUser(client: EngineClient, folder: string): Promise<void> {
  let count = 0;
  for (const { query, path: own } of shuffle(questionsOf(folder), seededRandom(1))) {
    if (count >= markCount) break;
    const { hits } = await client.call('search', { folder, query, limit: 10, rerank: true });
    const right = hits.findIndex((hit) => hit.path === own);
    if (right < 0) continue;
    const wrong = [...hits.keys()]
      .filter((at) => hits[at]!.path !== own)
      .sort((a, b) => Math.abs(a - right) - Math.abs(b - right))
      .slice(0, 2);
    for (const at of [right, ...wrong].slice(0, markCount - count)) {
      const { path: place, start, end } = hits[at]!;
      const verdict = at === right ? 'relevant' : 'notRelevant';
      const mark = { folder, query, path: place, start, end, verdict, rank: at + 1 } as const;
      await client.call('addMark', mark);
      count++;
    }
  }
}

/** What doc comments of the sample say: where many marks are wanted, several of a file. */
function questionsOf(folder: string): { readonly query: string; readonly path: string }[] {
  const files = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return files.flatMap((name) => {
    if (name.startsWith('more') || !/\.[cm]?[jt]s$/.test(name)) return [];
    const text = fs.readFileSync(path.join(folder, name), 'utf8');
    const commented = [...text.matchAll(/\/\*\*[^]*?\*\/[^]{0,1500}/g)].slice(0, mostOfAFile);
    const found = commented.flatMap(([own]) =>
      pseudoQueries({ kind: 'code', definitions: [], text: own }),
    );
    return found.map(({ query }) => ({ query, path: name.split(path.sep).join('/') }));
  });
}
