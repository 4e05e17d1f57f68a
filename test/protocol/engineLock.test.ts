import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import {
  buildOf,
  createDataFolder,
  type EngineLock,
  parseLock,
  readLock,
  resolveDataFolder,
} from '../../src/protocol/engineLock';
import { temporaryFolder } from '../support/temporaryFolder';

const folder = temporaryFolder(after);
const lock: EngineLock = { pid: 1, startedAt: 2, socket: '/s', token: 't', protocolVersion: 1 };

const places: readonly [string, NodeJS.Platform, Record<string, string>, string][] = [
  ['XDG_DATA_HOME', 'linux', { XDG_DATA_HOME: '/xdg' }, '/xdg/nearmiss'],
  ['no relative XDG_DATA_HOME', 'linux', { XDG_DATA_HOME: 'xdg' }, '/h/.local/share/nearmiss'],
  ['the home folder on Linux', 'linux', {}, '/h/.local/share/nearmiss'],
  ['Application Support on macOS', 'darwin', {}, '/h/Library/Application Support/Nearmiss'],
  ['NEARMISS_HOME before all others', 'linux', { NEARMISS_HOME: '/n', XDG_DATA_HOME: '/x' }, '/n'],
];
for (const [what, platform, env, expected] of places) {
  test(`puts data where the platform keeps it: ${what}`, () => {
    assert.equal(resolveDataFolder(undefined, { platform, env, home: '/h' }), expected);
  });
}

test('takes the folder that was asked for, made absolute', () => {
  const around = { platform: 'linux', env: { NEARMISS_HOME: '/n' }, home: '/h' } as const;
  assert.equal(resolveDataFolder('here', around), path.resolve('here'));
});

test('reads a lock and nothing that merely looks like one', () => {
  assert.deepEqual(parseLock(JSON.stringify(lock)), lock);
  for (const text of [
    undefined,
    '',
    '{',
    'null',
    '[]',
    '{"pid":1}',
    JSON.stringify(lock).slice(0, -3),
  ])
    assert.equal(parseLock(text), undefined);
});

test('finds no lock in a folder without one', () => {
  assert.equal(readLock(folder), undefined);
});

test('closes a data folder to other users, also one that was open before', () => {
  const data = path.join(folder, 'a/b');
  fs.mkdirSync(data, { recursive: true, mode: 0o755 });
  fs.chmodSync(data, 0o755);
  createDataFolder(data);
  assert.equal(fs.statSync(path.join(data, 'log')).mode & 0o777, 0o700);
  assert.equal(fs.statSync(data).mode & 0o777, 0o700);
});

test('says in a sentence that a data folder cannot be made', () => {
  const file = path.join(folder, 'file');
  fs.writeFileSync(file, '');
  assert.throws(() => createDataFolder(path.join(file, 'data')), {
    name: 'NearmissError',
    code: 'permission',
    message: /cannot be used \(ENOTDIR\)/,
  });
});

test('tells two builds of one file apart', () => {
  const file = path.join(folder, 'engine.js');
  fs.writeFileSync(file, 'one');
  const before = buildOf(file);
  fs.writeFileSync(file, 'three');
  assert.notEqual(buildOf(file), before);
});
