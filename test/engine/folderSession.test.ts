import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAbort } from '../../src/base/errors';
import { FolderSession } from '../../src/engine/folderSession';
import type { FolderProgress, IndexerState } from '../../src/engine/indexing/messages';
import type { WaitFor } from '../../src/protocol/methods';

const never = new AbortController().signal;

function makeSession(): FolderSession {
  return new FolderSession({ id: 'a', folder: '/a' });
}

function tellProgress(session: FolderSession, state: IndexerState, run = 1, refreshed = 0): void {
  const progress: FolderProgress = {
    run,
    state,
    documentCount: 2,
    wordDocumentCount: 2,
    staticDocumentCount: 0,
    embeddableCount: 0,
    embeddedCount: 0,
    skippedCount: 0,
    fraction: 0.5,
  };
  session.take({ type: 'progress', folderId: 'a', progress, refreshed });
}

function tellDone(
  session: FolderSession,
  tier: 'static' | 'embedding',
  run = 1,
  refreshed = 0,
): void {
  tellProgress(session, 'idle', run, refreshed);
  const counts = { changedCount: 0, removedCount: 0 };
  session.take({ type: 'done', folderId: 'a', run, tier, ...counts, refreshed });
}

/** Which waits have ended by now. */
async function endedOf(waits: Record<string, Promise<void>>): Promise<string[]> {
  const ended: string[] = [];
  for (const [name, wait] of Object.entries(waits)) void wait.then(() => ended.push(name));
  await new Promise((resolve) => setImmediate(resolve));
  return ended;
}

test('ends each wait with the state it waits for', async () => {
  const session = makeSession();
  const wait = (aim: WaitFor): Promise<void> => session.wait(aim, undefined, never);
  const waits = { words: wait('words'), static: wait('static'), all: wait('all') };
  assert.deepEqual(await endedOf(waits), []);
  tellProgress(session, 'words');
  assert.deepEqual(await endedOf(waits), []);
  tellProgress(session, 'static');
  assert.deepEqual(await endedOf(waits), ['words']);
  tellProgress(session, 'embedding');
  assert.deepEqual(await endedOf(waits), ['words', 'static']);
  tellDone(session, 'embedding');
  assert.deepEqual(await endedOf(waits), ['words', 'static', 'all']);
  assert.equal(session.status.isComplete, true);
});

test('waits on for embeddings after the static tier, unless none will come', async () => {
  const session = makeSession();
  const all = session.wait('all', undefined, never);
  tellDone(session, 'static');
  assert.deepEqual(await endedOf({ all }), []);
  session.embedderProblem = 'The model is damaged';
  session.settle();
  assert.deepEqual(await endedOf({ all }), ['all']);
  assert.equal(session.status.isComplete, false);
});

test('takes a run from before the request for no answer to it', async () => {
  const session = makeSession();
  tellDone(session, 'embedding', 1);
  const number = session.expectRefresh();
  const waits = {
    words: session.wait('words', undefined, never),
    all: session.wait('all', undefined, never),
  };
  tellProgress(session, 'idle', 1);
  assert.deepEqual(await endedOf(waits), []);
  tellProgress(session, 'embedding', 2, number);
  assert.deepEqual(await endedOf(waits), ['words']);
  tellDone(session, 'embedding', 2, number);
  assert.deepEqual(await endedOf(waits), ['words', 'all']);
});

// The wait was for a run after the one under way, which never came: the comparison had been part of it.
test('is content with the run under way when the comparison asked for was part of it', async () => {
  const session = makeSession();
  tellDone(session, 'embedding', 1);
  tellProgress(session, 'embedding', 2);
  const number = session.expectRefresh();
  const all = session.wait('all', undefined, never);
  tellDone(session, 'embedding', 2, number);
  assert.deepEqual(await endedOf({ all }), ['all']);
});

test('waits for the first run of a new indexing process', async () => {
  const session = makeSession();
  tellDone(session, 'embedding', 5);
  session.expectNewProcess();
  const words = session.wait('words', undefined, never);
  assert.deepEqual(await endedOf({ words }), []);
  tellDone(session, 'embedding', 1);
  assert.deepEqual(await endedOf({ words }), ['words']);
});

test('ends every wait when work is paused, in time, or with an abort', async () => {
  const session = makeSession();
  await session.wait('all', 5, never);
  const controller = new AbortController();
  const aborted = session.wait('all', undefined, controller.signal);
  controller.abort();
  await assert.rejects(aborted, isAbort);
  const all = session.wait('all', undefined, never);
  tellProgress(session, 'paused');
  await all;
});

test('rejects waits with what went wrong when work on the folder stops', async () => {
  const session = makeSession();
  const all = session.wait('all', undefined, never);
  const error = { kind: 'expected', code: 'index', message: 'The folder is gone' } as const;
  session.take({ type: 'failed', folderId: 'a', error });
  session.take({ type: 'stopped', folderId: 'a' });
  await assert.rejects(all, { code: 'index', message: 'The folder is gone' });
});
