/** A process that computes without a turn for anything else, and whose parent is killed. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { startParentGuard } from '../../src/base/parentGuard';

const ROLE = 'NEARMISS_PARENT_GUARD_ROLE';

function start(role: string): ChildProcess {
  const env = { ...process.env, [ROLE]: role, NODE_TEST_CONTEXT: undefined };
  return fork(__filename, [], { env, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

/** Starts a process below this one and hands on its number. */
function beParent(): void {
  start('worker').on('message', (pid) => process.send!(pid));
}

/** Guarded, and then never free for the news that the channel to the parent has closed. */
function beBusy(): void {
  startParentGuard();
  process.on('disconnect', () => process.exit(1));
  process.send!(process.pid, () => {
    for (;;);
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const role = process.env[ROLE];
if (role === 'parent') beParent();
else if (role === 'worker') beBusy();
else
  test('ends a process in the middle of its work when its parent was killed', async () => {
    const parent = start('parent');
    const [pid] = (await once(parent, 'message')) as [number];
    try {
      assert.ok(isAlive(pid));
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      // It stayed for as long as its work took: the merge of two models, a minute on a busy machine.
      for (let look = 0; look < 1200 && isAlive(pid); look++)
        await new Promise((resolve) => setTimeout(resolve, 100));
      assert.ok(!isAlive(pid), 'it goes on without its parent');
    } finally {
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    }
  });
