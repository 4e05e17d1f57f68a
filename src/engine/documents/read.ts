/**
 * From a path to a document: opened without following a link out of the folder, read without waiting for a pipe,
 * decoded, secrets taken out. What cannot be read comes back with its reason; nothing here throws for a file.
 */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { sharedConverter } from './convert/converter';
import { type DocumentFormat, formatOf } from './convert/converted';
import { readHtmlPage } from './convert/htmlText';
import type { Document, Skipped } from './document';
import { decodeText } from './encoding';
import {
  type EntryRules,
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

/**
 * The document at `relative` (as the walk gives it) in the folder `root`, or why there is none. `root` may be a
 * link; nothing beneath it may.
 */
export async function readDocument(
  root: string,
  relative: string,
  options: ReadOptions = {},
): Promise<Document | Skipped> {
  // Reading small files step by step in other threads takes five times as long as reading them here.
  await Promise.resolve();
  try {
    const file = readFile(root, relative, options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES);
    if ('reason' in file) return skip(relative, file);
    const format = formatOf(relative);
    return format ? await toConverted(relative, file, format) : toDocument(relative, file);
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
  const language = languageOf(relative, lineEnd < 0 ? text : text.slice(0, lineEnd));
  const page = language === 'html' ? readHtmlPage(text) : undefined;
  return {
    path: relative,
    language,
    text: page?.text ?? text,
    ...factsOf({ bytes, stat }),
    ...(page && { outline: { headings: page.headings } }),
  };
}

/** A document that a process of its own makes text of. */
async function toConverted(
  relative: string,
  { bytes, stat }: FileContent,
  format: DocumentFormat,
): Promise<Document | Skipped> {
  const facts = factsOf({ bytes, stat });
  const conversion = await sharedConverter().convert(format, bytes);
  if ('refusal' in conversion)
    return { path: relative, reason: 'notConverted', detail: conversion.refusal };
  const { text: whole, headings, pageStarts } = conversion.converted;
  const { text } = redactSecrets(whole);
  return { path: relative, language: format, text, ...facts, outline: { headings, pageStarts } };
}

function factsOf({ bytes, stat }: FileContent): Pick<Document, 'hash' | 'sizeBytes' | 'mtimeMs'> {
  const hash = crypto.createHash('sha256').update(bytes).digest('hex');
  return { hash, sizeBytes: bytes.length, mtimeMs: stat.mtimeMs };
}

function readFile(root: string, relative: string, maxFileBytes: number): FileContent | Verdict {
  const refusal = refuse(root, relative);
  if (refusal) return refusal;
  // Without O_NONBLOCK, opening a pipe that nobody writes to waits for ever. Windows has neither flag, nor pipes
  // among files; there both are undefined, which counts as 0.
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = fs.constants;
  const file = fs.openSync(path.join(root, relative), O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    const rules = entryRules({ maxFileBytes });
    const first = readOnce(file, relative, rules);
    if ('reason' in first || isUnchanged(file, first.stat)) return first;
    return readOnce(file, relative, rules);
  } finally {
    fs.closeSync(file);
  }
}

/** Why this path must not be opened, or undefined. */
function refuse(root: string, relative: string): Verdict | undefined {
  if (!isIndexPath(relative)) {
    return { reason: 'badName', detail: 'the path leaves the folder', isListed: true };
  }
  const secret = secretPathReason(relative);
  if (secret !== undefined) return { reason: 'secret', detail: secret, isListed: true };
  const realRoot = fs.realpathSync.native(root);
  const real = fs.realpathSync.native(path.join(realRoot, relative));
  return isSamePath(real, path.join(realRoot, relative))
    ? undefined
    : judgeLink(realRoot, relative);
}

// The system may give back a name in another case or Unicode form than the one it was asked for.
function isSamePath(a: string, b: string): boolean {
  if (a === b) return true;
  if (process.platform !== 'win32' && process.platform !== 'darwin') return false;
  return a.normalize('NFC').toLowerCase() === b.normalize('NFC').toLowerCase();
}

function readOnce(file: number, relative: string, rules: EntryRules): FileContent | Verdict {
  const stat = fs.fstatSync(file);
  if (!stat.isFile()) return { reason: 'notRegular', detail: specialKind(stat), isListed: true };
  const tooLarge = judgeSize(rules, relative, stat.size);
  if (tooLarge) return tooLarge;
  // No more than the size seen first, so that reading a file that grows for ever ends.
  const buffer = Buffer.allocUnsafe(stat.size);
  let length = 0;
  while (length < buffer.length) {
    const count = fs.readSync(file, buffer, length, buffer.length - length, length);
    if (count === 0) break;
    length += count;
  }
  return { bytes: buffer.subarray(0, length), stat };
}

function isUnchanged(file: number, before: fs.Stats): boolean {
  const after = fs.fstatSync(file);
  return after.size === before.size && after.mtimeMs === before.mtimeMs;
}

function skip(relative: string, { reason, detail }: Verdict): Skipped {
  return { path: relative, reason, detail };
}
