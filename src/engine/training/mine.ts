/**
 * Mines a file of queries against an indexed folder: a training record a query, its texts as the encoders read them.
 * Queries come as {"query", "positives", "negatives"} a line; positives and negatives are places, `path:start-end`, with
 * lines as a person counts them. A bad line is named by its number before anything is mined.
 */
import * as fs from 'node:fs/promises';
import * as z from 'zod';
import { NearmissError } from '../../base/errors';
import { unreadable } from '../../base/fileFailure';
import { seededRandom } from '../../base/random';
import { foldQuery } from './duplicates';
import { faultOf, placeOf } from './fieldFault';
import { type FolderChunks, type FolderMeans, folderPool } from './folderPool';
import {
  type MinedGroup,
  type MiningQuery,
  type MiningSettings,
  type MiningSpace,
  mineGroup,
} from './negatives';
import { parsePlace } from './places';

const lineSchema = z.object({
  query: z.string().trim().min(1),
  positives: z.array(z.string()).default([]),
  negatives: z.array(z.string()).default([]),
});

/** A query and its places, and the line it stands in, from 1. */
export type MineQuery = z.infer<typeof lineSchema> & { readonly line: number };

/** What training reads: a record of `nearmiss train`. */
export interface MinedRecord {
  readonly task: 'ir';
  readonly query: string;
  readonly positives: readonly string[];
  readonly negatives: readonly string[];
  /** The frozen re-ranker's lead of the first positive over each negative, where there is one. */
  readonly margins?: readonly (number | null)[];
  readonly source: 'mined';
}

export interface MineOptions {
  readonly settings: MiningSettings;
  /** Votes of spaces by name, for weighted and fused voting; 1 for those that are left out. */
  readonly weights?: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface MineOutcome {
  readonly records: readonly MinedRecord[];
  readonly groups: readonly MinedGroup[];
  /** What could not be mined, and why: a sentence each. */
  readonly skipped: readonly string[];
}

const FORM = 'Each line is {"query","positives":["path:start-end"],"negatives":[…]}';

/** Reads and checks a file of queries. Throws a NearmissError('usage') that names the line. */
export async function readMineQueries(file: string): Promise<MineQuery[]> {
  let content: string;
  try {
    content = await fs.readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
  return content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((text, index) => (text.trim() === '' ? [] : [parseLine(text, index + 1, file)]));
}

function parseLine(text: string, line: number, file: string): MineQuery {
  const wrong = (what: string): NearmissError =>
    new NearmissError('usage', `Line ${line} of ${file} ${what}`, FORM);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong('is not JSON');
  }
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) {
    const finding = parsed.error.issues[0]!;
    throw wrong(`is wrong${placeOf(finding)}: ${faultOf(finding)}`);
  }
  for (const place of [...parsed.data.positives, ...parsed.data.negatives])
    if (!parsePlace(place)) throw wrong(`has the place ${place}, which is not path:start-end`);
  return { ...parsed.data, line };
}

/** A record for each query that has a chunk to tell from others. The same seed gives the same records. */
export async function mineRecords(
  queries: readonly MineQuery[],
  means: FolderMeans,
  { settings, weights = {}, seed, signal, onProgress }: MineOptions,
): Promise<MineOutcome> {
  const texts = queries.map(({ query }) => query);
  const made = await folderPool(means, texts, seededRandom(seed));
  const pool = { ...made, spaces: weighed(made.spaces, weights) };
  const skipped: string[] = [];
  const placed = queries.map((query) => chunksOf(query, pool.chunks, skipped));
  const accepted = acceptedByQuery(placed);
  const records: MinedRecord[] = [];
  const groups: MinedGroup[] = [];
  for (const [i, query] of placed.entries()) {
    signal?.throwIfAborted();
    onProgress?.(i, placed.length);
    const acceptedElsewhere = [...accepted.get(foldQuery(query.text))!];
    const random = seededRandom(seed + queries[i]!.line);
    const group = await mineGroup({ ...query, acceptedElsewhere }, pool, settings, random);
    if (group.positives.length + group.negatives.length === 0) continue;
    groups.push(group);
    const margins = group.negatives.map(({ margin }) => margin ?? null);
    const textOf = (id: number): string => pool.chunks.get(id)!.text;
    records.push({
      ...{ task: 'ir', query: query.text, source: 'mined' },
      positives: group.positives.map(textOf),
      negatives: group.negatives.map(({ chunkId }) => textOf(chunkId)),
      ...(margins.some((margin) => margin !== null) && { margins }),
    });
  }
  return { records, groups, skipped };
}

/** The spaces with their votes. Throws a NearmissError('usage') that names a space which is not there. */
function weighed(
  spaces: readonly MiningSpace[],
  weights: Readonly<Record<string, number>>,
): MiningSpace[] {
  const names = spaces.map(({ name }) => name);
  const odd = Object.keys(weights).find((name) => !names.includes(name));
  if (odd !== undefined)
    throw new NearmissError(
      'usage',
      `There is no space ${odd} to weigh`,
      `The spaces are ${names.join(', ')}`,
    );
  return spaces.map((space) => ({ ...space, weight: weights[space.name] ?? space.weight }));
}

/** The chunks of a query's places. A place outside the index is noted and left out. */
function chunksOf(query: MineQuery, chunks: FolderChunks, skipped: string[]): MiningQuery {
  const find = (places: readonly string[]): number[] => {
    const ids = places.flatMap((place) => {
      const { path, start, end } = parsePlace(place)!;
      const found = chunks.at(path, start, end);
      if (found.length === 0) skipped.push(`Line ${query.line}: ${place} is not in the index`);
      return found;
    });
    return [...new Set(ids)];
  };
  const positives = find(query.positives);
  return { text: query.query, positives, explicit: find(query.negatives) };
}

/** What was accepted for a query that reads the same, by its folded text. */
function acceptedByQuery(queries: readonly MiningQuery[]): Map<string, Set<number>> {
  const accepted = new Map<string, Set<number>>();
  for (const { text, positives } of queries) {
    const key = foldQuery(text);
    const ids = accepted.get(key) ?? new Set();
    for (const id of positives) ids.add(id);
    accepted.set(key, ids);
  }
  return accepted;
}
