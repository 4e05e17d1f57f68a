import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { isStillOwner, releaseLock, takeLock } from '../../src/engine/lock';
import { type EngineLock, lockPath, readLock } from '../../src/protocol/engineLock';
import { leavesNothing } from '../support/leaks';
import { temporaryFolder } from '../support/temporaryFolder';

leavesNothing();
const root = temporaryFolder(after);
let folder = root;
let count = 0;
const servers: net.Server[] = [];
after(() => servers.forEach((server) => server.close()));

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(root, 'data-'));
});

/** What an engine writes that listens, or that is gone. */
async function makeOwner(isAlive: boolean, startedAt = 1): Promise<EngineLock> {
  const number = count++;
  const socket = path.join(root, `${number}.sock`);
  if (isAlive) {
    const server = net.createServer((connection) => connection.destroy()).listen(socket);
    servers.push(server);
    await new Promise((resolve) => server.once('listening', resolve));
  }
  return { pid: process.pid, startedAt, socket, token: `token${number}`, protocolVersion: 1 };
}

test('takes a free lock, for the user alone, and gives it back', async () => {
  const lock = await makeOwner(true);
  assert.deepEqual(await takeLock(folder, lock), { isOwner: true });
  assert.deepEqual(readLock(folder), lock);
  assert.equal(fs.statSync(lockPath(folder)).mode & 0o777, 0o600);
  assert.equal(isStillOwner(folder, lock), true);
  releaseLock(folder, lock);
  assert.deepEqual(fs.readdirSync(folder), []);
});

test('leaves the lock to an owner who answers', async () => {
  const first = await makeOwner(true);
  const second = await makeOwner(true);
  await takeLock(folder, first);
  assert.deepEqual(await takeLock(folder, second), { isOwner: false, owner: first });
  releaseLock(folder, second);
  assert.deepEqual(readLock(folder), first);
});

test('takes over from an owner who does not answer, though a process has its number', async () => {
  const gone = await makeOwner(false);
  fs.writeFileSync(lockPath(folder), JSON.stringify(gone));
  const lock = await makeOwner(true);
  assert.deepEqual(await takeLock(folder, lock), { isOwner: true });
  assert.deepEqual(fs.readdirSync(folder), ['engine.lock']);
});

test('decides by no clock: an owner from the future is taken over or respected all the same', async () => {
  const nextYear = Date.now() + 3e10;
  const gone = await makeOwner(false, nextYear);
  fs.writeFileSync(lockPath(folder), JSON.stringify(gone));
  const alive = await makeOwner(true, nextYear);
  assert.deepEqual(await takeLock(folder, alive), { isOwner: true });
  const later = await makeOwner(true, 1);
  assert.deepEqual(await takeLock(folder, later), { isOwner: false, owner: alive });
});

test('takes over a lock file that was cut or is no lock', async () => {
  for (const text of ['', '{"pid":', 'null']) {
    fs.writeFileSync(lockPath(folder), text);
    const lock = await makeOwner(true);
    assert.deepEqual(await takeLock(folder, lock), { isOwner: true });
    releaseLock(folder, lock);
  }
});

test('gives the lock to exactly one of many who come at once, over a dead owner', async () => {
  for (let round = 0; round < 10; round++) {
    fs.rmSync(lockPath(folder), { force: true });
    fs.writeFileSync(lockPath(folder), JSON.stringify(await makeOwner(false)));
    const comers = await Promise.all(Array.from({ length: 6 }, () => makeOwner(true)));
    await Promise.all(comers.map((lock) => takeLock(folder, lock)));
    assert.equal(comers.filter((lock) => isStillOwner(folder, lock)).length, 1);
    assert.deepEqual(fs.readdirSync(folder), ['engine.lock']);
  }
});
