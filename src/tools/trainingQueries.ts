/**
 * From code to what `nearmiss mine` reads: for each chunk that says what it does, a file with the chunk without those
 * words, and a line with the words as a query for it. Whole sources are held out, so that the development figures are of
 * code nobody learnt from. A package often ships the same code built several ways: a text counts once, and a query that
 * several texts answer is left out, since all but one of them would be learnt as wrong.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Random, sample, seededRandom, shuffle } from '../base/random';
import type { ChunkSplitter } from '../engine/documents/chunk';
import { isSkipped, readDocument } from '../engine/documents/read';
import { walkFolder } from '../engine/documents/walk';
import { type PseudoQuery, pseudoQueries } from '../engine/training/pseudoQueries';
import type { JudgedTexts, TrainingSource } from './trainingSources';

export interface QuerySettings {
  /** Queries of one source, of all that are learnt from, and of all that are held out, at most. */
  readonly mostPerSource: number;
  readonly most: number;
  readonly mostHeldOut: number;
  /** Of the sources. */
  readonly heldOutShare: number;
  readonly seed: number;
}

/** What came of a source, for the model's card. */
export interface SourceCount {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly queryCount: number;
  readonly isHeldOut: boolean;
}

interface FoundQuery extends PseudoQuery {
  /** Of the file that the chunk becomes. */
  readonly path: string;
}

/** Writes `train/` and `dev/` with files, and `train.jsonl` and `dev.jsonl` with queries, below the folder. */
export async function writeQueries(
  sources: readonly TrainingSource[],
  { splitter, judged, folder }: { splitter: ChunkSplitter; judged: JudgedTexts; folder: string },
  settings: QuerySettings,
): Promise<SourceCount[]> {
  const random = seededRandom(settings.seed);
  const read: { source: TrainingSource; queries: FoundQuery[] }[] = [];
  const seen = new Set<string>();
  for (const source of sources)
    read.push({ source, queries: await queriesOf(source, { splitter, judged, seen, random }) });
  const asked = countOf(read.flatMap(({ queries }) => queries.map(wordingOf)));
  const found = read.flatMap(({ source, queries }) => {
    const own = queries.filter((query) => asked.get(wordingOf(query)) === 1);
    const some = sampleQueries(own, settings.mostPerSource, random);
    return some.length > 0 ? [{ source, queries: some }] : [];
  });
  const heldOutCount = Math.max(1, Math.round(settings.heldOutShare * found.length));
  const heldOut = new Set(
    shuffle(found, random)
      .slice(0, found.length < 2 ? 0 : heldOutCount)
      .map(({ source }) => source),
  );
  for (const side of ['train', 'dev'] as const) {
    const own = found.filter(({ source }) => heldOut.has(source) === (side === 'dev'));
    const queries = sampleQueries(
      own.flatMap(({ queries }) => queries),
      side === 'train' ? settings.most : settings.mostHeldOut,
      random,
      SHARE_OF_NAMES,
    );
    writeSide(path.join(folder, side), queries);
  }
  return found.map(({ source: { name, version, licence, ...source }, queries }) => ({
    ...{ name, version, licence, queryCount: queries.length },
    isHeldOut: [...heldOut].some(({ folder }) => folder === source.folder),
  }));
}

/** Names cut into words say less than what somebody wrote; more of them would teach their wording. */
const SHARE_OF_NAMES = 0.2;

/** What somebody wrote before names, and of all together few names. */
function sampleQueries(
  queries: readonly FoundQuery[],
  most: number,
  random: Random,
  shareOfNames = 1,
): FoundQuery[] {
  const isName = ({ kind }: FoundQuery): boolean => kind === 'name';
  const written = sample(
    queries.filter((query) => !isName(query)),
    most,
    random,
  );
  const names = sample(queries.filter(isName), most - written.length, random);
  const room = Math.round((written.length * shareOfNames) / (1 - shareOfNames));
  return shuffle([...written, ...names.slice(0, room)], random);
}

function wordingOf({ query }: FoundQuery): string {
  return query.toLowerCase();
}

function countOf(values: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

async function queriesOf(
  source: TrainingSource,
  {
    splitter,
    judged,
    seen,
    random,
  }: {
    readonly splitter: ChunkSplitter;
    readonly judged: JudgedTexts;
    /** Hashes of texts that are taken already; new ones are added. */
    readonly seen: Set<string>;
    readonly random: Random;
  },
): Promise<FoundQuery[]> {
  const { folder, include, exclude, name } = source;
  const paths: string[] = [];
  await walkFolder(
    folder,
    { include, exclude, usesGitRules: false },
    ({ path: at }) => void paths.push(at),
  );
  const queries: FoundQuery[] = [];
  for (const at of paths.sort()) {
    const document = await readDocument(folder, at);
    if (isSkipped(document)) continue;
    for (const [number, chunk] of (await splitter.split(document)).entries()) {
      if (chunk.kind === 'generated' || judged.has(chunk.text)) continue;
      const all = pseudoQueries(chunk);
      const written = all.filter(({ kind }) => kind !== 'name');
      const [query] = sample(written.length > 0 ? written : all, 1, random);
      if (!query || judged.has(query.text)) continue;
      const hash = hashOf(query.text);
      if (seen.has(hash)) continue;
      seen.add(hash);
      const { dir, name: base, ext } = path.posix.parse(at);
      const place = path.posix.join(name.replace('/', '-'), dir, `${base}.${number}${ext}`);
      queries.push({ ...query, path: place });
    }
  }
  return queries;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text.replaceAll(/\s+/g, ' ')).digest('base64');
}

function writeSide(folder: string, queries: readonly FoundQuery[]): void {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  // A repository around the folder may ignore names such as `dist`, which packages ship.
  fs.writeFileSync(path.join(folder, '.nearmissignore'), '!*\n');
  const lines = queries.map(({ path: place, text, query }) => {
    const file = path.join(folder, place);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, `${text.trimEnd()}\n`);
    const lineCount = text.trimEnd().split('\n').length;
    return JSON.stringify({ query, positives: [`${place}:1-${lineCount}`] });
  });
  fs.writeFileSync(`${folder}.jsonl`, lines.map((line) => `${line}\n`).join(''));
}
