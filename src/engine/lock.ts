/**
 * One engine a data folder. The engine first listens on a socket with a random name, then puts a lock file
 * that names it into place in one step. Whether an owner is alive is asked of its socket, never of a clock:
 * a socket that refuses means a dead owner, because listening comes before locking and ends with the process.
 * Two engines that find the same dead owner at once: each renames what it finds and looks at what it got, so a
 * fresh lock is put back; whoever finds another's lock in place later leaves (`isStillOwner`).
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { systemCode } from '../base/errors';
import { type EngineLock, lockPath, parseLock, readLock } from '../protocol/engineLock';

/** A socket that neither accepts nor refuses for so long belongs to an engine that is alive but stuck. */
const answerWithinMs = 2000;
const attemptCount = 5;

export type LockOutcome =
  { readonly isOwner: true } | { readonly isOwner: false; readonly owner: EngineLock | undefined };

/** Puts `lock` into place unless a living engine has it. */
export async function takeLock(dataFolder: string, lock: EngineLock): Promise<LockOutcome> {
  for (let attempt = 0; attempt < attemptCount; attempt++) {
    if (createLock(dataFolder, lock)) return { isOwner: true };
    const owner = readLock(dataFolder);
    if (owner && (await isAnswering(owner.socket))) return { isOwner: false, owner };
    removeStaleLock(dataFolder, owner);
  }
  return { isOwner: false, owner: readLock(dataFolder) };
}

/** True while the lock file is ours. False: another engine serves this folder now, or someone removed it. */
export function isStillOwner(dataFolder: string, lock: EngineLock): boolean {
  try {
    return readLock(dataFolder)?.token === lock.token;
  } catch {
    return false;
  }
}

/** Removes the lock if it is still ours. */
export function releaseLock(dataFolder: string, lock: EngineLock): void {
  if (isStillOwner(dataFolder, lock)) fs.rmSync(lockPath(dataFolder), { force: true });
}

/** True when a process listens there. */
export function isAnswering(socketPath: string, withinMs = answerWithinMs): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    const end = (isAlive: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isAlive);
    };
    // Silence means a process that holds the socket but is stopped or busy: not ours to take over.
    const timer = setTimeout(() => end(true), withinMs);
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/** Takes a dead owner's lock away; a lock that another engine has just made stays. */
export function removeStaleLock(dataFolder: string, stale: EngineLock | undefined): void {
  const place = lockPath(dataFolder);
  const aside = `${place}.${randomBytes(6).toString('hex')}`;
  try {
    fs.renameSync(place, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  const taken = parseLock(fs.readFileSync(aside, 'utf8'));
  if (taken && taken.token !== stale?.token) linkUnlessThere(aside, place);
  fs.rmSync(aside, { force: true });
  if (stale && process.platform !== 'win32') fs.rmSync(stale.socket, { force: true });
}

function createLock(dataFolder: string, lock: EngineLock): boolean {
  const place = lockPath(dataFolder);
  const draft = `${place}.${randomBytes(6).toString('hex')}`;
  fs.writeFileSync(draft, `${JSON.stringify(lock)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    return linkUnlessThere(draft, place);
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/** A hard link appears whole or not at all, and never replaces: what O_EXCL promises, without a half-written file. */
function linkUnlessThere(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    // File systems without hard links: an exclusive copy, which a reader may see half-written and then retries.
    return copyUnlessThere(from, to);
  }
}

function copyUnlessThere(from: string, to: string): boolean {
  try {
    fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}
