import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Event, Options, SubscribeCallback } from '@parcel/watcher';
import { silentLogger } from '../../../src/base/log';
import { FolderWatcher, type WatcherOptions } from '../../../src/engine/indexing/watcher';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';

leavesNothing();

/** A watcher over a stand-in for the system's events, and what it reported. */
function watched(options: Partial<WatcherOptions> = {}) {
  const folder = temporaryFolder(after);
  const reports: (readonly string[] | string)[] = [];
  const watches: Options[] = [];
  let listener: SubscribeCallback = () => undefined;
  const watcher = new FolderWatcher({
    folder,
    log: silentLogger,
    ignoredFolders: async () => ['node_modules', 'odd[name]'],
    onPaths: (paths) => reports.push(paths),
    onCompare: (reason) => reports.push(reason),
    subscribe: async (_, callback, how) => {
      listener = callback;
      watches.push(how);
      return { unsubscribe: async () => undefined };
    },
    ...options,
  });
  const events = (names: readonly string[]): Event[] =>
    names.map((name) => ({ type: 'update', path: path.join(folder, name) }));
  return {
    folder,
    reports,
    watches,
    watcher,
    report: (...names: string[]) => void listener(null, events(names)),
    fail: (message: string) => void listener(new Error(message), []),
  };
}

test('gathers the paths of a burst into one report', async () => {
  const { watcher, report, reports } = watched();
  assert.equal(await watcher.watch(), true);
  report('a.ts', 'b/c.ts');
  report('a.ts');
  await delay(200);
  assert.deepEqual(reports, [['a.ts', 'b/c.ts']]);
  watcher.dispose();
});

test('cuts ignored folders off at the source, but none whose name is a pattern', async () => {
  const { watcher, watches, folder } = watched();
  await watcher.watch();
  assert.ok(watches[0]?.ignore?.includes(path.join(folder, 'node_modules')));
  assert.equal(
    watches[0]?.ignore?.some((each) => String(each).includes('odd')),
    false,
  );
  watcher.dispose();
});

test('asks for a comparison when many paths changed, and when rules did', async () => {
  const { watcher, report, reports } = watched();
  await watcher.watch();
  report(...Array.from({ length: 600 }, (_, i) => `f${i}.ts`));
  await delay(150);
  report('src/.gitignore', 'src/a.ts');
  await delay(150);
  assert.deepEqual(reports, ['600 changes at once', 'ignore rules changed']);
  watcher.dispose();
});

test('begins anew after rules changed or events were lost, and only then', async () => {
  const { watcher, watches, report, fail, reports } = watched();
  await watcher.watch();
  assert.equal(await watcher.watch(), false);
  report('.nearmissignore');
  await delay(150);
  assert.equal(await watcher.watch(), true);
  fail('Events were dropped');
  assert.equal(await watcher.watch(), true);
  assert.equal(watches.length, 3);
  assert.equal(reports.at(-1), 'the watcher lost events');
  watcher.dispose();
});

test('compares now and then where the folder cannot be watched', async () => {
  const refuse = () =>
    Promise.reject(new Error('inotify_add_watch failed: No space left on device'));
  const { watcher, reports } = watched({ subscribe: refuse, pollEveryMs: 20 });
  assert.equal(await watcher.watch(), false);
  assert.equal(watcher.mode, 'polling');
  await delay(70);
  assert.ok(reports.length >= 2);
  watcher.dispose();
  const before = reports.length;
  await delay(50);
  assert.equal(reports.length, before);
});

test('hears of files that come, change and go, and not of ignored ones', async () => {
  const { watcher, folder, reports } = watched({ subscribe: undefined });
  writeFiles(folder, { 'src/a.ts': 'one', 'src/gone.ts': 'two', 'node_modules/x/y.js': '' });
  await watcher.watch();
  writeFiles(folder, { 'src/a.ts': 'changed', 'src/new.ts': 'new', 'node_modules/x/z.js': '' });
  fs.rmSync(path.join(folder, 'src/gone.ts'));
  const expected = ['src/a.ts', 'src/gone.ts', 'src/new.ts'];
  const heard = (): string[] => [...new Set(reports.flat())].sort();
  for (let i = 0; i < 100 && heard().length < expected.length; i++) await delay(30);
  assert.deepEqual(heard(), expected);
  watcher.dispose();
});
