/** A folder on disk as a source of documents: the documents room's walk, rules and reading behind one face. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { judgeEntry } from '../documents/entry';
import { type Examined, examinePath } from '../documents/explain';
import { joinPath, openFolder } from '../documents/folder';
import type { FolderRules } from '../documents/ignore';
import { readDocument } from '../documents/read';
import { openRoot, rulesOf, walkFolder, type FoundFile, type WalkOptions } from '../documents/walk';
import type { DocumentSource } from './rooms';

/** The folder at `root` under these options. Nothing is read before it is asked for. */
export function openSource(root: string, options: WalkOptions): DocumentSource {
  return {
    async walk(signal) {
      const files: FoundFile[] = [];
      const skipped = await walkFolder(root, options, (file) => void files.push(file), signal);
      return { files, skipped };
    },
    ignoredFolders: (signal) => findIgnoredFolders(root, options, signal),
    async examine(paths) {
      const seen = [];
      for (const file of paths) {
        seen.push({ path: file, ...examine(root, file, options) });
        await nextTurn();
      }
      return seen;
    },
    read: (file) => readDocument(root, file.path, options),
  };
}

/** Left out by a rule: the index has no word on them. */
const unlisted: ReadonlySet<string> = new Set(['ignored', 'excluded']);

function examine(root: string, file: string, options: WalkOptions): Examined {
  const seen = examinePath(root, file, options);
  if (seen.kind === 'skipped' && unlisted.has(seen.skipped.reason)) return { kind: 'missing' };
  return seen;
}

/** Folders that rules leave out whole, relative with `/`: the walk never enters them. */
async function findIgnoredFolders(
  root: string,
  options: WalkOptions,
  signal: AbortSignal,
): Promise<string[]> {
  const rules = rulesOf(options);
  const realRoot = openRoot(root);
  const ignored: string[] = [];
  const waiting: { readonly folder: string; readonly outer?: FolderRules }[] = [{ folder: '' }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    await nextTurn();
    signal.throwIfAborted();
    const opened = openFolder(realRoot, next.folder, next.outer);
    if ('reason' in opened) {
      if (next.folder !== '') ignored.push(next.folder);
      continue;
    }
    for (const entry of opened.entries) {
      if (entry.kind !== 'folder') continue;
      const folder = joinPath(next.folder, entry.name);
      if (judgeEntry(rules, opened.rules, folder, entry)) ignored.push(folder);
      else waiting.push({ folder, outer: opened.rules });
    }
  }
  return ignored;
}
