/**
 * `npm run bench -- editor`: what a person at the editor waits for, in a real workbench with the packed extension: key
 * press to painted hits over some ten thousand chunks, beside the editor's own text search on the same folder; opening
 * a folder that was never indexed to the first useful hit; and the longest block of the extension host meanwhile.
 * `npm run bench -- editor-learning`: a hundred marks learned from there, over some twenty thousand chunks.
 */
import * as fs from 'node:fs';
import type { Frame, Page } from 'playwright-core';
import { measureLearning } from './editorLearning';
import { chunkCount, fillFiles, indexedFolder, withWorld } from './editorWorld';
import { benchArgument, benchOption, type Figure, note, quantile, report } from './report';
import { blockMeter, blocksOf } from '../support/editor/blockMeter';
import { moveIndex } from '../support/editor/sample';
import { eventually } from '../support/editor/workbench';
import type { World } from '../support/editor/world';

/** Beside the sample's some 2,500 chunks. */
const moreFiles = Number(benchOption('files') ?? 550);
const rounds = Number(benchOption('rounds') ?? 3);
/** How long the host is watched after the first hits. */
const watchedMs = 20_000;

const questions = [
  'remove a class from every selected element',
  'parse options of the command line',
  'redirect the request to another origin',
  'write log lines to a file',
  'validate an email address',
  'cache responses in memory',
  'abort a request that takes too long',
  'where are cookies read',
  'load a document from a stream',
  'pool of connections to one origin',
  'retry after a failed request',
  'serialize the values of a form',
];
/** Words of the same code for the editor's own search. */
const words = [
  'removeClass',
  'parseOptions',
  'redirect',
  'transport',
  'email',
  'MemoryCacheStore',
  'AbortSignal',
  'getCookies',
  'decodeStream',
  'balanced',
  'RetryHandler',
  'serializeArray',
];

async function main(): Promise<void> {
  if (benchArgument === 'learning') return report('editor-learning', await measureLearning());
  const figures = [...(await measureOpening()), ...(await measureTyping())];
  report('editor', figures);
}

/** From a folder that was never seen to a hit that answers, and what the host feels of it. */
async function measureOpening(): Promise<Figure[]> {
  note('opening a folder that was never indexed');
  const opened = await withWorld(
    {
      name: 'bench',
      isIndexed: false,
      extensions: [blockMeter()],
      fill: (place) => fillFiles(place, moreFiles),
    },
    async (world) => {
      const { window, openedAtMs } = world;
      await window.openPanel();
      await window.box.fill(questions[0] ?? '');
      await eventually(
        () => window.hitNames(),
        (names) => names.slice(0, 3).some((name) => name.startsWith('cheerio/api/attributes.ts:')),
      );
      const firstHitMs = performance.now() - openedAtMs;
      await new Promise((resolve) => setTimeout(resolve, watchedMs));
      return { firstHitMs, activatedMs: activationMs(world), blocks: blocksOf(world.folder) };
    },
  );
  note('the host without the extension');
  const bare = await withWorld(
    {
      name: 'bench',
      isIndexed: false,
      extensions: [blockMeter()],
      isBare: true,
      fill: (place) => fillFiles(place, moreFiles),
    },
    async (world) => {
      await new Promise((resolve) => setTimeout(resolve, watchedMs));
      return blocksOf(world.folder);
    },
  );
  const { firstHitMs, activatedMs, blocks } = opened;
  return [
    { label: 'folder opened to first useful hit', value: firstHitMs / 1000, unit: 's', atMost: 60 },
    { label: 'activation', value: activatedMs, unit: 'ms', atMost: 100, digits: 0 },
    {
      label: 'longest block of the host while indexing',
      value: blocks.afterStartMs,
      unit: 'ms',
      atMost: 50,
    },
    {
      label: 'longest block of the host while it starts',
      value: blocks.whileStartingMs,
      unit: 'ms',
    },
    { label: 'the same without the extension', value: bare.afterStartMs, unit: 'ms' },
    { label: 'the same without it, while it starts', value: bare.whileStartingMs, unit: 'ms' },
  ];
}

/** Key press to paint, in the panel and in the editor's own search view. */
async function measureTyping(): Promise<Figure[]> {
  const { dataFolder, folder } = await indexedFolder(moreFiles);
  const fill = async (world: { workspace: string; dataFolder: string }): Promise<void> => {
    fs.cpSync(folder, world.workspace, { recursive: true, preserveTimestamps: true });
    moveIndex({ data: dataFolder, folder }, world.dataFolder, world.workspace);
  };
  return withWorld({ name: 'bench', isIndexed: true, fill }, async (world) => {
    const { window } = world;
    await window.openPanel();
    await window.statusReady.waitFor();
    const frame = await window.panelFrame();
    const ours: number[] = [];
    await typeAndMeasure(window.page, frame, questions, '#box', '#hits > li', []);
    for (let round = 0; round < rounds; round++)
      await typeAndMeasure(window.page, frame, questions, '#box', '#hits > li', ours);
    await window.command('View: Show Search');
    const search = '.search-view .search-widget textarea';
    const theirs: number[] = [];
    const main = window.page.mainFrame();
    await main.waitForSelector(search);
    await typeAndMeasure(window.page, main, words, search, '.search-view .monaco-list-row', []);
    for (let round = 0; round < rounds; round++)
      await typeAndMeasure(
        window.page,
        main,
        words,
        search,
        '.search-view .monaco-list-row',
        theirs,
      );
    return [
      { label: 'chunks', value: await chunkCount(world), digits: 0 },
      {
        label: 'key press to painted hits: p50',
        value: quantile(ours, 0.5),
        unit: 'ms',
        atMost: 250,
        digits: 0,
      },
      {
        label: 'key press to painted hits: p95',
        value: quantile(ours, 0.95),
        unit: 'ms',
        digits: 0,
      },
      {
        label: "the editor's own search: p50",
        value: quantile(theirs, 0.5),
        unit: 'ms',
        digits: 0,
      },
      {
        label: "the editor's own search: p95",
        value: quantile(theirs, 0.95),
        unit: 'ms',
        digits: 0,
      },
    ];
  });
}

/**
 * Empties the box, puts all but the last letter in unseen, presses that key, and takes the time from the key's own
 * event to the first frame after a row is in the list.
 */
async function typeAndMeasure(
  page: Page,
  frame: Frame,
  texts: readonly string[],
  box: string,
  row: string,
  times: number[],
): Promise<void> {
  for (const text of texts) {
    await frame.fill(box, '');
    await frame.waitForFunction(`!document.querySelector('${row}')`);
    await frame.focus(box);
    await frame.evaluate(`(() => {
      const box = document.querySelector('${box}');
      const setter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(box), 'value').set;
      setter.call(box, ${JSON.stringify(text.slice(0, -1))});
      box.setSelectionRange(box.value.length, box.value.length);
      let pressed;
      box.addEventListener('keydown', (event) => (pressed ??= event.timeStamp), { once: true, capture: true });
      globalThis.painted = new Promise((resolve) => {
        const look = () => {
          if (document.querySelector('${row}')) resolve(performance.now() - pressed);
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      });
    })()`);
    await page.keyboard.press(text.slice(-1));
    times.push(await frame.evaluate<number>('globalThis.painted'));
  }
}

function activationMs(world: World): number {
  return Number(/activated in (\d+) ms/.exec(world.ownLog())?.[1] ?? NaN);
}

void main();
