/**
 * From a path to a document: opened without following a link out of the folder, read without waiting for a pipe,
 * decoded, secrets taken out. What cannot be read comes back with its reason; nothing here throws for a file.
 */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Document, Skipped } from './document';
import { decodeText } from './encoding';
import {
  entryRules,
  judgeLink,
  judgeSize,
  specialKind,
  type Verdict,
  verdictOfError,
} from './entry';
import { isIndexPath } from './inside';
import { languageOf } from './language';
import { DEFAULT_MAX_FILE_BYTES } from './limits';
import { redactSecrets, secretPathReason } from './secrets';

export interface ReadOptions {
  /** Default 2 MiB. */
  readonly maxFileBytes?: number;
}

/** Tells the two results of `readDocument` apart. */
export function isSkipped(result: Document | Skipped): result is Skipped {
  return 'reason' in result;
}

/** The document at `relative` (as the walk gives it) in the folder `root`, or why there is none. */
export async function readDocument(
  root: string,
  relative: string,
  options: ReadOptions = {},
): Promise<Document | Skipped> {
  try {
    const file = await readFile(root, relative, options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES);
    return 'reason' in file ? skip(relative, file) : toDocument(relative, file);
  } catch (error) {
    return skip(relative, verdictOfError(error));
  }
}

interface FileContent {
  readonly bytes: Buffer;
  readonly stat: fs.Stats;
}

function toDocument(relative: string, { bytes, stat }: FileContent): Document | Skipped {
  const decoded = decodeText(bytes);
  if ('reason' in decoded) return { path: relative, ...decoded };
  const { text } = redactSecrets(decoded.text);
  const lineEnd = text.indexOf('\n');
  return {
    path: relative,
    language: languageOf(relative, lineEnd < 0 ? text : text.slice(0, lineEnd)),
    text,
    hash: crypto.createHash('sha256').update(bytes).digest('hex'),
    sizeBytes: bytes.length,
    mtimeMs: stat.mtimeMs,
  };
}

async function readFile(
  root: string,
  relative: string,
  limitBytes: number,
): Promise<FileContent | Verdict> {
  const refusal = await refuse(root, relative);
  if (refusal) return refusal;
  // Without O_NONBLOCK opening a pipe that nobody writes to would wait for ever.
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants;
  const file = await fs.promises.open(
    path.join(root, relative),
    O_RDONLY | O_NONBLOCK | O_NOFOLLOW,
  );
  try {
    const first = await readOnce(file, limitBytes);
    if ('reason' in first || (await isUnchanged(file, first.stat))) return first;
    return await readOnce(file, limitBytes);
  } finally {
    await file.close();
  }
}

/** Why this path must not be opened, or undefined. */
async function refuse(root: string, relative: string): Promise<Verdict | undefined> {
  if (!isIndexPath(relative)) {
    return { reason: 'badName', detail: 'the path leaves the folder', isListed: true };
  }
  const secret = secretPathReason(relative);
  if (secret !== undefined) return { reason: 'secret', detail: secret, isListed: true };
  const realRoot = await fs.promises.realpath(root);
  const real = await fs.promises.realpath(path.join(root, relative));
  const expected = path.join(realRoot, relative);
  return isSamePath(real, expected) ? undefined : judgeLink(realRoot, relative);
}

// The system may give back a name in another case or Unicode form than the one it was asked for.
function isSamePath(a: string, b: string): boolean {
  if (a === b) return true;
  if (process.platform !== 'win32' && process.platform !== 'darwin') return false;
  return a.normalize('NFC').toLowerCase() === b.normalize('NFC').toLowerCase();
}

async function readOnce(
  file: fs.promises.FileHandle,
  limitBytes: number,
): Promise<FileContent | Verdict> {
  const stat = await file.stat();
  if (!stat.isFile()) return { reason: 'notRegular', detail: specialKind(stat), isListed: true };
  const rules = entryRules({ maxFileBytes: limitBytes });
  const tooLarge = judgeSize(rules, stat.size);
  if (tooLarge) return tooLarge;
  // One byte more than expected, so that a file that grows is noticed; one that grows for ever still ends.
  const buffer = Buffer.allocUnsafe(Math.min(stat.size, limitBytes) + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return { bytes: buffer.subarray(0, Math.min(length, stat.size)), stat };
}

async function isUnchanged(file: fs.promises.FileHandle, before: fs.Stats): Promise<boolean> {
  const after = await file.stat();
  return after.size === before.size && after.mtimeMs === before.mtimeMs;
}

function skip(relative: string, { reason, detail }: Verdict): Skipped {
  return { path: relative, reason, detail };
}
