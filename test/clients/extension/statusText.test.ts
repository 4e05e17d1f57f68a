/** What status bar, panel and lists say for each state of engine, folders and marks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import type { EngineState } from '../../../src/clients/extension/engineHost';
import { markRow } from '../../../src/clients/extension/markRow';
import { panelStatus } from '../../../src/clients/extension/panelStatus';
import { folderLine, statusLine } from '../../../src/clients/extension/statusText';
import { english } from '../../../src/base/translate';
import type { FolderStatus, MarkInfo } from '../../../src/protocol/types';

const up: EngineState = { kind: 'up' };
const stopped: EngineState = {
  kind: 'stopped',
  error: new NearmissError('engine', 'It ended', 'Look into the log'),
};

const complete: FolderStatus = {
  folderId: 'shop-1',
  folder: '/w/shop',
  state: 'idle',
  documentCount: 1412,
  wordDocumentCount: 1412,
  staticDocumentCount: 1412,
  embeddableCount: 5000,
  embeddedCount: 5000,
  skippedCount: 3,
  fraction: 1,
  isComplete: true,
};
const halfway: FolderStatus = {
  ...complete,
  state: 'embedding',
  embeddedCount: 2500,
  fraction: 0.619,
  isComplete: false,
};

interface ToyFolder {
  readonly name: string;
  readonly state: 'waiting' | 'indexed' | 'declined' | 'off' | 'failed';
  readonly status?: FolderStatus;
  readonly problem?: string;
}

function toyFolder(state: ToyFolder['state'], status?: FolderStatus, problem?: string): ToyFolder {
  return { name: 'shop', state, status, problem };
}

function checkLine(engine: EngineState, folders: readonly ToyFolder[], text: string): void {
  assert.equal(statusLine(engine, folders, english).text, text);
}

test('says in the status bar what the engine does and how far the folders are', () => {
  checkLine({ kind: 'starting' }, [], '$(sync~spin) Nearmiss starting');
  checkLine({ kind: 'restarting', attempt: 1 }, [], '$(warning) Nearmiss restarting');
  checkLine(stopped, [toyFolder('indexed', complete)], '$(warning) Nearmiss stopped');
  checkLine(up, [], '$(search-sparkle) Nearmiss');
  checkLine(up, [toyFolder('indexed', complete)], '$(search-sparkle) Nearmiss');
  checkLine(up, [toyFolder('indexed', halfway)], '$(sync~spin) Nearmiss 61 %');
  checkLine(up, [toyFolder('indexed', { ...halfway, fraction: 1 })], '$(sync~spin) Nearmiss 99 %');
  // An index from before the engine's start is there: no "0 %" while it is compared with the folder.
  const compared = { ...halfway, state: 'scanning', fraction: 0 } as const;
  checkLine(up, [toyFolder('indexed', compared)], '$(sync~spin) Nearmiss');
  checkLine(up, [toyFolder('waiting')], '$(sync~spin) Nearmiss starting');
  checkLine(up, [toyFolder('failed')], '$(warning) Nearmiss');
  checkLine(up, [toyFolder('declined'), toyFolder('off')], '$(circle-slash) Nearmiss');
  const paused = toyFolder('indexed', { ...halfway, state: 'paused' });
  checkLine(up, [paused], '$(debug-pause) Nearmiss');
});

test('says of each folder what is done, or why nothing is', () => {
  const lines = [
    toyFolder('indexed', complete),
    toyFolder('indexed', halfway),
    toyFolder('indexed', { ...halfway, state: 'waiting', reason: 'the battery is low' }),
    toyFolder('off'),
    toyFolder('declined'),
    toyFolder('waiting'),
    toyFolder('failed', undefined, 'The folder cannot be opened'),
  ].map((folder) => folderLine(folder, english));
  assert.deepEqual(lines, [
    '1,412 files, ready',
    '1,412 files, embedding, 2,500 of 5,000 passages embedded',
    '1,412 files, 2,500 of 5,000 passages embedded, the battery is low',
    'switched off by a setting',
    'not indexed, as you wished',
    'waiting for the engine',
    'The folder cannot be opened',
  ]);
});

function panelKind(
  engine: EngineState,
  folders: readonly ToyFolder[],
  openFolderCount = 1,
): string {
  const status = panelStatus(engine, folders, { isTrusted: true, openFolderCount }, english);
  return [status.kind, status.reason, status.advice].filter(Boolean).join(': ');
}

test('tells the panel what stands in the way, the most important first', () => {
  assert.equal(panelKind(up, [], 0), 'noFolder');
  assert.equal(panelKind(up, [], 1), 'virtual');
  assert.equal(
    panelKind(stopped, [toyFolder('waiting')]),
    'engineGone: It ended: Look into the log',
  );
  assert.equal(panelKind({ kind: 'starting' }, [toyFolder('waiting')]), 'starting');
  assert.match(
    panelKind({ kind: 'restarting', attempt: 2 }, [toyFolder('waiting')]),
    /^starting: The engine ended/,
  );
  assert.match(panelKind(up, [toyFolder('declined')]), /^needsConfirmation: shop: not indexed/);
  assert.equal(panelKind(up, [toyFolder('declined'), toyFolder('indexed', complete)]), 'ready');
});

test('tells the panel of progress, pause and trust', () => {
  const paused = toyFolder('indexed', { ...halfway, state: 'paused' });
  const failed = toyFolder('failed', undefined, 'gone');
  const window = { isTrusted: false, openFolderCount: 2 };
  const status = panelStatus(up, [paused, failed], window, english);
  const { isPaused, isTrusted, problems, folders } = status;
  assert.deepEqual(
    { isPaused, isTrusted, problems, names: folders.map(({ name }) => name) },
    { isPaused: true, isTrusted: false, problems: ['shop: gone'], names: ['shop'] },
  );
  assert.equal(folders[0]?.fraction, 0.619);
});

test('makes a row of a mark: the question, the place, the verdict and its state', () => {
  const mark: MarkInfo = {
    id: '1',
    verdict: 'notRelevant',
    query: 'retry $(x)',
    path: 'src/a.ts',
    start: 4,
    end: 9,
    symbol: 'retry',
    time: '2026-11-25T14:30:12.000Z',
    checkpoint: '',
    state: 'stale',
  };
  assert.deepEqual(markRow(mark, english), {
    label: '$(thumbsdown) retry $\u2060(x)',
    description: 'src/a.ts:5-9  retry',
    detail: 'Not relevant, the code is gone, not used, 2026-11-25 14:30',
  });
  const source = { path: 'src/b.ts', start: 0, end: 1 };
  const similar = markRow({ ...mark, query: undefined, source, verdict: 'relevant' }, english);
  assert.equal(similar.label, '$(thumbsup) Similar to src/b.ts:1');
});
