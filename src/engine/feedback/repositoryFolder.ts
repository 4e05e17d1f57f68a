/**
 * The folder `.nearmiss` in a workspace, which comes with the repository and so from anybody: only plain files of a
 * bounded size are read, nothing is followed that leads elsewhere, and what is written replaces a file in one step.
 */
import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { messageOf, NearmissError, systemCode } from '../../base/errors';

/** Never indexed: its queries would answer every query. */
export const SHARED_FOLDER = '.nearmiss';

// A name that became a link between the look and the opening is refused by the system; a pipe would wait for ever.
const READ_PLAINLY = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The bytes of a file beneath the folder, undefined where there is none. Throws a NearmissError for all but a plain file. */
export async function readShared(
  root: string,
  name: string,
  largestBytes: number,
): Promise<Buffer | undefined> {
  const file = path.join(root, SHARED_FOLDER, name);
  return explained(file, async () => {
    if (!(await isPlainWay(root, name))) return undefined;
    const stat = await statOf(file);
    if (!stat) return undefined;
    checkFile(file, stat, largestBytes);
    const handle = await fs.open(file, READ_PLAINLY);
    try {
      checkFile(file, await handle.stat(), largestBytes);
      return await readAtMost(handle, file, largestBytes);
    } finally {
      await handle.close();
    }
  });
}

/** Writes a file beneath the folder, which is made where it is missing. */
export async function writeShared(
  root: string,
  name: string,
  bytes: string | Uint8Array,
): Promise<void> {
  const file = path.join(root, SHARED_FOLDER, name);
  await explained(file, async () => {
    await isPlainWay(root, name);
    await fs.mkdir(path.dirname(file), { recursive: true });
    await isPlainWay(root, name);
    const draft = `${file}.${randomBytes(4).toString('hex')}`;
    try {
      // Others who have the repository read it as they read its other files.
      await fs.writeFile(draft, bytes, { flag: 'wx', mode: 0o644 });
      await fs.rename(draft, file);
    } finally {
      await fs.rm(draft, { force: true });
    }
  });
}

/** Takes a file beneath the folder away, where it is there. */
export async function removeShared(root: string, name: string): Promise<void> {
  const file = path.join(root, SHARED_FOLDER, name);
  await explained(file, async () => {
    if (await isPlainWay(root, name)) await fs.rm(file, { force: true });
  });
}

/** False where a folder on the way is missing; throws where one is a link or no folder. */
async function isPlainWay(root: string, name: string): Promise<boolean> {
  const steps = [SHARED_FOLDER, ...name.split('/').slice(0, -1)];
  for (let count = 1; count <= steps.length; count++) {
    const folder = path.join(root, ...steps.slice(0, count));
    const stat = await statOf(folder);
    if (!stat) return false;
    if (!stat.isDirectory()) throw refused(folder, 'it is not a folder of its own');
  }
  return true;
}

function checkFile(file: string, stat: Stats, largestBytes: number): void {
  if (!stat.isFile()) throw refused(file, 'it is not a plain file');
  if (stat.size > largestBytes)
    throw refused(file, `it has ${stat.size} bytes, and ${largestBytes} are the most`);
}

/** What grows while it is read is refused as well. */
async function readAtMost(
  handle: fs.FileHandle,
  file: string,
  largestBytes: number,
): Promise<Buffer> {
  const bytes = Buffer.alloc(largestBytes + 1);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
    if (bytesRead === 0) return Buffer.from(bytes.subarray(0, length));
    length += bytesRead;
  }
  throw refused(file, `${largestBytes} bytes are the most`);
}

async function statOf(file: string): Promise<Stats | undefined> {
  try {
    return await fs.lstat(file);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function explained<T>(file: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof NearmissError || systemCode(error) === undefined) throw error;
    throw refused(file, messageOf(error), error);
  }
}

function refused(file: string, reason: string, cause?: unknown): NearmissError {
  return new NearmissError(
    'permission',
    `${file} is left alone: ${reason}`,
    'See what the repository holds there',
    { cause },
  );
}
