/**
 * Fails a suite that leaves something behind: running children, open handles, open files, temporary files.
 * Each test file runs in a process of its own, so what the process holds is what the file opened.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after } from 'node:test';
import { childProcesses } from './processes';
import { removeFolder } from './temporaryFolder';

/** Closing takes a moment: processes end and handles close after the call that asked for it. */
const graceMs = 3000;

/**
 * Watches the rest of this test file. Call it first, before anything is opened: the folder for temporary files
 * becomes one of this process, and what was registered with `after` later runs before the check.
 */
export function leavesNothing(): void {
  const outer = process.env.TMPDIR;
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'nearmiss-leaks-'));
  process.env.TMPDIR = folder;
  const atStart = countByName(process.getActiveResourcesInfo());
  process.nextTick(() => {
    after(async () => {
      const leaks = await settledLeaks(() => findLeaks(folder, atStart));
      removeFolder(folder);
      if (outer === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = outer;
      // From Node 24 on a failing hook of the file itself is printed, but counts as no failure.
      if (leaks.length > 0) process.exitCode = 1;
      assert.deepEqual(leaks, []);
    });
  });
}

async function settledLeaks(find: () => string[]): Promise<string[]> {
  const end = performance.now() + graceMs;
  for (;;) {
    const leaks = find();
    if (leaks.length === 0 || performance.now() > end) return leaks;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function findLeaks(folder: string, atStart: ReadonlyMap<string, number>): string[] {
  const handles = countByName(process.getActiveResourcesInfo());
  return [
    ...fs.readdirSync(folder).map((name) => `temporary file ${name}`),
    ...openFiles(folder).map((file) => `open file ${file}`),
    ...childProcesses(process.pid).map(({ pid, command }) => `process ${pid} ${command}`),
    ...[...handles]
      .filter(([name]) => handleNames.has(name))
      .filter(([name, count]) => count > (atStart.get(name) ?? 0))
      .map(([name, count]) => `${count - (atStart.get(name) ?? 0)} open ${name}`),
  ];
}

/** Handles that somebody has to close; the others (promises of files, ticks) end by themselves. */
const handleNames: ReadonlySet<string> = new Set([
  'ProcessWrap',
  'TCPServerWrap',
  'TCPSocketWrap',
  'PipeServerWrap',
  'FSEventWrap',
  'StatWatcher',
  'MessagePort',
  'Worker',
]);

function countByName(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** Files below the folder that this process holds open; known on Linux only. */
function openFiles(folder: string): string[] {
  const table = '/proc/self/fd';
  if (!fs.existsSync(table)) return [];
  return fs.readdirSync(table).flatMap((descriptor) => {
    try {
      const target = fs.readlinkSync(path.join(table, descriptor));
      return target.startsWith(folder + path.sep) ? [path.relative(folder, target)] : [];
    } catch {
      return []; // the descriptor of this very listing, closed by now
    }
  });
}
