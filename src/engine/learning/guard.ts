/**
 * Queries that must not get worse: what a folder says about itself. Doc comments, headings and test titles ask for their
 * own chunk, commit messages for the lines that the commit changed. Nobody marked them, so nothing is learned from those
 * that are measured; others fill batches, at a small weight.
 */
import { execFile } from 'node:child_process';
import { type Random, shuffle } from '../../base/random';
import { redactSecrets } from '../documents/secrets';
import { followChunk } from '../feedback/follow';
import type { PastQuery } from '../feedback/pastQueries';
import type { ChunkRow, Snapshot } from '../store/types';
import { foldQuery } from '../training/duplicates';
import { countWords, type PseudoKind, pseudoQueries } from '../training/pseudoQueries';
import type { Reach } from './scope';

export interface GuardQuery {
  readonly query: string;
  readonly kind: PseudoKind | 'commit' | 'past';
  /** Chunks that answer it. */
  readonly chunkIds: readonly number[];
  /** The chunk's text without what the query was taken from; of commits there is none. */
  readonly rest?: string;
  readonly path: string;
  readonly symbol: string;
}

/** Chunks that are looked at for queries. */
const LOOKED_AT = 1500;
/** Names are looked up by words and say the least about meaning. */
const ORDER: readonly PseudoKind[] = ['comment', 'heading', 'test', 'name'];

/** Queries of each kind in turn, up to the count, drawn by the generator; no query twice. Of some files, or of all. */
export function pseudoGuard(
  snapshot: Snapshot,
  count: number,
  random: Random,
  isAsked: (path: string) => boolean = () => true,
): GuardQuery[] {
  const ids = snapshot
    .paths()
    .filter((path) => isAsked(path))
    .flatMap((path) => snapshot.chunksAt(path, 0, MOST_LINES).map(({ id }) => id));
  const drawn = snapshot.chunks(shuffle(ids, random).slice(0, LOOKED_AT));
  const found = drawn.flatMap((chunk) => queriesOf(chunk));
  const byKind = ORDER.map((kind) => found.filter((query) => query.kind === kind));
  const seen = new Set<string>();
  const chosen: GuardQuery[] = [];
  for (let turn = 0; chosen.length < count && turn < LOOKED_AT; turn++)
    for (const queries of byKind) {
      const query = queries[turn];
      if (!query || chosen.length >= count || seen.has(foldQuery(query.query))) continue;
      seen.add(foldQuery(query.query));
      chosen.push(query);
    }
  return chosen;
}

function queriesOf(chunk: ChunkRow): GuardQuery[] {
  const { id, path, symbol } = chunk;
  return pseudoQueries(chunk)
    .filter(({ query }) => redactSecrets(query).count === 0)
    .map(({ query, kind, text }) => ({ query, kind, chunkIds: [id], rest: text, path, symbol }));
}

/**
 * The first so many are measured, of the others those that say nothing about the same chunks may be learned from: the name of
 * a chunk teaches what its comment asks.
 */
export function partGuard(
  made: readonly GuardQuery[],
  count: number,
): { readonly guard: readonly GuardQuery[]; readonly filler: readonly GuardQuery[] } {
  const guard = made.slice(0, count);
  const measured = new Set(guard.flatMap(({ chunkIds }) => chunkIds));
  const filler = made
    .slice(count)
    .filter(({ chunkIds }) => !chunkIds.some((id) => measured.has(id)));
  return { guard, filler };
}

/** What the user asked and found before, newest first, where its chunk is still there; none that was marked as well. */
export function pastGuard(
  snapshot: Snapshot,
  past: readonly PastQuery[],
  marked: readonly { readonly asked: string }[],
  count: number,
): GuardQuery[] {
  const known = new Set(marked.map(({ asked }) => foldQuery(asked)));
  const fresh = past.filter(({ query }) => !known.has(foldQuery(query))).reverse();
  const found = fresh.flatMap(({ query, place }): GuardQuery[] => {
    const chunk = followChunk(snapshot, [place]);
    if (!chunk) return [];
    const { id, path, symbol } = chunk;
    return [{ query, kind: 'past', chunkIds: [id], path, symbol }];
  });
  return found.slice(0, count);
}

/** What of these queries is answered in a part of the folder. */
export function guardWithin({ has }: Reach, queries: readonly GuardQuery[]): GuardQuery[] {
  return queries
    .map((query) => ({ ...query, chunkIds: query.chunkIds.filter(has) }))
    .filter(({ chunkIds }) => chunkIds.length > 0);
}

const MOST_LINES = Number.MAX_SAFE_INTEGER;
const COMMITS = 200;
/** A commit that touches more says too little about any one place. */
const MOST_FILES = 3;
const MOST_OUTPUT_BYTES = 20_000_000;

/**
 * Commit subjects and the chunks that the commits changed. Newest first, a file for its newest commit alone, so that its
 * lines are still those. Nothing where the folder has no history, or no git.
 */
export async function commitGuard(
  folder: string,
  snapshot: Snapshot,
  count: number,
): Promise<GuardQuery[]> {
  const seen = new Set<string>();
  const found: GuardQuery[] = [];
  for (const { subject, files } of parseLog(await gitLog(folder))) {
    const fresh = files.filter(({ path }) => !seen.has(path));
    for (const { path } of files) seen.add(path);
    if (files.length > MOST_FILES || fresh.length === 0 || !isQuery(subject)) continue;
    const chunks = fresh.flatMap(({ path, hunks }) =>
      hunks.flatMap(({ start, end }) => snapshot.chunksAt(path, start, Math.max(end, start + 1))),
    );
    if (chunks.length === 0) continue;
    const chunkIds = [...new Set(chunks.map(({ id }) => id))];
    const [{ path, symbol }] = chunks as [ChunkRow];
    found.push({ query: subject, kind: 'commit', chunkIds, path, symbol });
    if (found.length >= count) break;
  }
  return found;
}

function isQuery(subject: string): boolean {
  const count = countWords(subject);
  return 3 <= count && count <= 20 && redactSecrets(subject).count === 0;
}

interface Commit {
  readonly subject: string;
  readonly files: readonly {
    readonly path: string;
    readonly hunks: readonly { readonly start: number; readonly end: number }[];
  }[];
}

const NEW_FILE = '+++ b/';

/** Reads `git log -U0 --format=%x00%s`. */
export function parseLog(log: string): Commit[] {
  return log
    .split('\0')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const [subject = '', ...lines] = part.split('\n');
      const files: { path: string; hunks: { start: number; end: number }[] }[] = [];
      // Lines of a hunk that begin like a header are passed over; a file that is gone has no name after its own header.
      let [file, left]: [(typeof files)[number] | undefined, number] = [undefined, 0];
      for (const line of lines) {
        if (left > 0) {
          if (/^[-+]/.test(line)) left--;
          continue;
        }
        if (line.startsWith('diff --git ')) file = undefined;
        else if (line.startsWith(NEW_FILE)) {
          file = { path: line.slice(NEW_FILE.length).replace(/\t$/, ''), hunks: [] };
          files.push(file);
        }
        const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
        if (!hunk) continue;
        const [removed, added] = [Number(hunk[1] ?? 1), Number(hunk[3] ?? 1)];
        left = removed + added;
        const start = Math.max(0, Number(hunk[2]) - 1);
        file?.hunks.push({ start, end: start + added });
      }
      return { subject: subject.trim(), files };
    });
}

function gitLog(folder: string): Promise<string> {
  // No pager, no hooks, no external diff: the folder's own settings must not run programs.
  const quiet = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];
  // Names as they are, whatever alphabet they are in; and before them what is looked for, whatever the user's settings say.
  const names = [
    'core.quotePath=false',
    'i18n.logOutputEncoding=UTF-8',
    'diff.mnemonicPrefix=false',
  ];
  const prefixes = ['--src-prefix=a/', '--dst-prefix=b/'];
  const log = [
    'log',
    `-n${COMMITS}`,
    '--no-merges',
    '--no-ext-diff',
    '--no-textconv',
    '--relative',
  ];
  const form = ['-U0', '--no-color', '--format=%x00%s'];
  return new Promise((resolve) => {
    const options = {
      cwd: folder,
      maxBuffer: MOST_OUTPUT_BYTES,
      timeout: 20_000,
      windowsHide: true,
    };
    execFile(
      'git',
      [...quiet, ...names.flatMap((name) => ['-c', name]), ...log, ...prefixes, ...form],
      options,
      (error, stdout) => resolve(error ? '' : stdout),
    );
  });
}
