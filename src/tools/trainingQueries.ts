/**
 * From code to what `nearmiss mine` reads: for each chunk that says what it does, a file with the chunk without those
 * words, and a line with the words as a query for it. Whole sources are held out, so that the development figures are of
 * code nobody learnt from.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Random, sample, seededRandom, shuffle } from '../base/random';
import type { ChunkSplitter } from '../engine/documents/chunk';
import { isSkipped, readDocument } from '../engine/documents/read';
import { walkFolder } from '../engine/documents/walk';
import { type PseudoQuery, pseudoQueries } from '../engine/training/pseudoQueries';
import type { JudgedTexts, TrainingSource } from './trainingSources';

export interface QuerySettings {
  /** Queries of one source, and of all, at most. */
  readonly mostPerSource: number;
  readonly most: number;
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
  const found: { source: TrainingSource; queries: FoundQuery[] }[] = [];
  for (const source of sources) {
    const all = await queriesOf(source, splitter, judged, random);
    if (all.length > 0)
      found.push({ source, queries: sample(all, settings.mostPerSource, random) });
  }
  const heldOutCount = Math.max(1, Math.round(settings.heldOutShare * found.length));
  const heldOut = new Set(
    shuffle(found, random)
      .slice(0, found.length < 2 ? 0 : heldOutCount)
      .map(({ source }) => source),
  );
  for (const side of ['train', 'dev'] as const) {
    const own = found.filter(({ source }) => heldOut.has(source) === (side === 'dev'));
    const queries = sample(
      own.flatMap(({ queries }) => queries),
      settings.most,
      random,
    );
    writeSide(path.join(folder, side), queries);
  }
  return found.map(({ source: { name, version, licence, ...source }, queries }) => ({
    ...{ name, version, licence, queryCount: queries.length },
    isHeldOut: [...heldOut].some(({ folder }) => folder === source.folder),
  }));
}

async function queriesOf(
  source: TrainingSource,
  splitter: ChunkSplitter,
  judged: JudgedTexts,
  random: Random,
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
      const [query] = sample(pseudoQueries(chunk), 1, random);
      if (!query || judged.has(query.text)) continue;
      const { dir, name: base, ext } = path.posix.parse(at);
      const place = path.posix.join(name.replace('/', '-'), dir, `${base}.${number}${ext}`);
      queries.push({ ...query, path: place });
    }
  }
  return queries;
}

function writeSide(folder: string, queries: readonly FoundQuery[]): void {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const lines = queries.map(({ path: place, text, query }) => {
    const file = path.join(folder, place);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, `${text.trimEnd()}\n`);
    const lineCount = text.trimEnd().split('\n').length;
    return JSON.stringify({ query, positives: [`${place}:1-${lineCount}`] });
  });
  fs.writeFileSync(`${folder}.jsonl`, lines.map((line) => `${line}\n`).join(''));
}
