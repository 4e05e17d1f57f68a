/** A folder on disk as a source of documents: the documents room's walk, rules and reading behind one face. */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemCode } from '../../base/errors';
import { judgeEntry, judgeSize, type EntryRules, type Verdict } from '../documents/entry';
import { joinPath, openFolder, type OpenFolder } from '../documents/folder';
import { readDocument } from '../documents/read';
import { openRoot, rulesOf, walkFolder, type FoundFile, type WalkOptions } from '../documents/walk';
import type { DocumentSource, Examined } from './rooms';

/** The folder at `root` under these options. Nothing is read before it is asked for. */
export function openSource(root: string, options: WalkOptions): DocumentSource<FoundFile> {
  return {
    async walk(signal) {
      const files: FoundFile[] = [];
      const skipped = await walkFolder(root, options, (file) => void files.push(file), signal);
      return { files, skipped };
    },
    ignoredFolders: (signal) => findIgnoredFolders(root, rulesOf(options), signal),
    async examine(paths) {
      const opened = new Map<string, OpenFolder | Verdict>();
      const look = { root: openRoot(root), rules: rulesOf(options), opened };
      return Promise.all(
        paths.map(async (file) => ({ path: file, ...(await examine(look, file)) })),
      );
    },
    read: (file) => readDocument(root, file.path, options),
  };
}

/** One look at some paths: folders on the way are listed once. */
interface Look {
  readonly root: string;
  readonly rules: EntryRules;
  readonly opened: Map<string, OpenFolder | Verdict>;
}

async function examine(look: Look, file: string): Promise<Examined<FoundFile>> {
  const stat = await fs.lstat(path.join(look.root, file)).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  });
  if (stat === undefined) return { kind: 'missing' };
  const verdict = judgePath(look, file);
  if (verdict === 'missing') return { kind: 'missing' };
  const leftOut = verdict ?? (stat.isDirectory() ? undefined : judgeSize(look.rules, stat.size));
  if (leftOut) {
    const { reason, detail, isListed } = leftOut;
    return isListed
      ? { kind: 'skipped', skipped: { path: file, reason, detail } }
      : { kind: 'missing' };
  }
  if (stat.isDirectory()) return { kind: 'folder' };
  return { kind: 'file', file: { path: file, sizeBytes: stat.size, mtimeMs: stat.mtimeMs } };
}

/** Goes down to the path as the walk does: what leaves it out, if anything. */
function judgePath(look: Look, file: string): Verdict | 'missing' | undefined {
  let folder = '';
  for (const name of file.split('/')) {
    const listing = open(look, folder);
    if (listing === undefined || 'reason' in listing) return listing ?? 'missing';
    const entry = listing.entries.find((candidate) => candidate.name === name);
    if (entry === undefined) return 'missing';
    const at = joinPath(folder, name);
    const verdict = judgeEntry(look.rules, listing.rules, at, entry);
    if (verdict) return verdict;
    folder = at;
  }
  return undefined;
}

/** A folder with its rules, those of the folders around it first. */
function open(look: Look, folder: string): OpenFolder | Verdict | undefined {
  const known = look.opened.get(folder);
  if (known) return known;
  const slash = folder.lastIndexOf('/');
  const outer = folder === '' ? undefined : open(look, slash < 0 ? '' : folder.slice(0, slash));
  if (outer !== undefined && 'reason' in outer) return outer;
  const opened = openFolder(look.root, folder, outer?.rules);
  look.opened.set(folder, opened);
  return opened;
}

/** Folders that rules leave out whole, relative with `/`: the walk never enters them. */
async function findIgnoredFolders(
  root: string,
  rules: EntryRules,
  signal: AbortSignal,
): Promise<string[]> {
  const look = { root: openRoot(root), rules, opened: new Map<string, OpenFolder | Verdict>() };
  const ignored: string[] = [];
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    await nextTurn();
    signal.throwIfAborted();
    const opened = open(look, folder);
    if (opened === undefined || 'reason' in opened) {
      if (folder !== '') ignored.push(folder);
      continue;
    }
    for (const entry of opened.entries) {
      if (entry.kind !== 'folder') continue;
      const at = joinPath(folder, entry.name);
      if (judgeEntry(rules, opened.rules, at, entry)) ignored.push(at);
      else waiting.push(at);
    }
  }
  return ignored;
}
