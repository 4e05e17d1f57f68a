/**
 * Marks as records of each part's training. A head reads the texts that encoders read; the re-ranker reads the lines that a
 * search would show it; the weights of the ranking learn from places. Mined negatives stand beside what was marked, at
 * most nine of both, and no record of a held-out query is among them.
 */
import * as fs from 'node:fs/promises';
import { seededRandom } from '../../base/random';
import { encoderText } from '../documents/encoderText';
import { parseQuery } from '../search/query';
import { bestWindow, rerankText } from '../search/rerank';
import type { SearchContext } from '../search/types';
import type { ChunkRow } from '../store/types';
import type { RunControl } from '../training/control';
import { folderPool } from '../training/folderPool';
import { mineGroup, MINING_DEFAULTS, type MiningSettings } from '../training/negatives';
import { seedFor } from '../training/plan';
import type { GuardQuery } from './guard';
import type { MarkedPair, MarkedQuery } from './markData';

/** A query with chunks that were marked and chunks that were mined. */
export interface Group {
  readonly query: MarkedQuery;
  readonly mined: readonly number[];
}

/** Texts of a query that the re-ranker scores: one right, the others wrong. */
const MOST_SCORED = 10;
/** Filler rows weigh little and are at most as many as marks' rows. */
const FILLER_SHARE = 1;

export interface MineOptions {
  readonly control: RunControl;
  readonly seed: number;
  readonly onQuery: () => void;
  /** Indexes of queries that ask the same: what answers one of them is no negative of another. */
  readonly alike?: readonly (readonly number[])[];
  /** How negatives are mined; for benches. */
  readonly settings?: Partial<MiningSettings>;
}

/** Mines for each query that has an answer; others keep what was marked. */
export async function mineGroups(
  index: SearchContext,
  queries: readonly MarkedQuery[],
  { control, seed, onQuery, alike = [], settings }: MineOptions,
): Promise<Group[]> {
  const texts = queries.map(({ text }) => text);
  const alikeTo = new Map(alike.flatMap((group) => group.map((at) => [at, group] as const)));
  const pool = await folderPool(index, texts, seededRandom(seedFor(seed, 'pool', 0)));
  const groups: Group[] = [];
  for (const [at, query] of queries.entries()) {
    await control.turn();
    onQuery();
    if (query.relevant.length === 0) {
      groups.push({ query, mined: [] });
      continue;
    }
    const asked = {
      text: query.text,
      positives: query.relevant.map(({ chunkId }) => chunkId),
      explicit: query.wrong.map(({ chunkId }) => chunkId),
      acceptedElsewhere: (alikeTo.get(at) ?? []).flatMap((other) =>
        queries[other]!.relevant.map(({ chunkId }) => chunkId),
      ),
    };
    const random = seededRandom(seedFor(seed, 'mine', at));
    const { negatives } = await mineGroup(asked, pool, { ...MINING_DEFAULTS, ...settings }, random);
    const mined = negatives.flatMap(({ chunkId, source }) =>
      source === 'explicit' ? [] : [chunkId],
    );
    groups.push({ query, mined });
  }
  return groups;
}

/** Records of a head: marks, mined negatives, pairs, and queries that the folder asks itself as filler. */
export function headRecords(
  index: SearchContext,
  groups: readonly Group[],
  filler: readonly GuardQuery[],
  pairs: readonly MarkedPair[],
): object[] {
  const textOf = chunkTexts(index, ({ path, symbol, text }) => encoderText(path, { symbol, text }));
  const rows = groups.map(({ query, mined }) => ({
    ...{ task: 'ir', query: query.text, source: 'explicit' },
    positives: textOf(query.relevant.map(({ chunkId }) => chunkId)),
    negatives: textOf([...query.wrong.map(({ chunkId }) => chunkId), ...mined]),
    weight: weightOf(query),
  }));
  const made = filler.slice(0, Math.ceil(FILLER_SHARE * rows.length)).flatMap((guard) =>
    guard.rest === undefined
      ? []
      : [
          {
            ...{ task: 'ir', query: guard.query, negatives: [], source: 'synthetic' },
            positives: [encoderText(guard.path, { symbol: guard.symbol, text: guard.rest })],
          },
        ],
  );
  const alike = pairs.flatMap(({ a, b, isAlike }) => {
    const [first, second] = textOf([a, b]);
    if (first === undefined || second === undefined) return [];
    return [{ task: 'sts', a: first, b: second, score: isAlike ? 1 : 0 }];
  });
  return [...rows, ...made, ...alike];
}

/** What a query counts: as much as the surest of its marks; an answer that was only opened is half of one. */
function weightOf({ relevant, wrong }: MarkedQuery): number {
  return Math.max(0.01, ...relevant.map(({ weight }) => weight), wrong.length > 0 ? 1 : 0);
}

/** Groups of the re-ranker: of each query with an answer, the lines that a search gives it to read. */
export function crossRecords(index: SearchContext, groups: readonly Group[]): object[] {
  return groups
    .filter(
      ({ query, mined }) => query.relevant.length > 0 && query.wrong.length + mined.length > 0,
    )
    .map(({ query, mined }) => {
      const { asked, text, relevant, wrong } = query;
      const parsed = parseQuery(asked);
      const textOf = chunkTexts(index, (chunk) =>
        rerankText(chunk, bestWindow(chunk, parsed, index.tokenizer)),
      );
      const negatives = textOf([...wrong.map(({ chunkId }) => chunkId), ...mined]);
      const most = MOST_SCORED - 1;
      return {
        ...{ task: 'ir', query: text, source: 'explicit', weight: weightOf(query) },
        positives: textOf(relevant.map(({ chunkId }) => chunkId)),
        negatives: negatives.slice(0, most),
      };
    });
}

/** Places for the weights of the ranking. */
export function fusionRecords(groups: readonly Group[]): object[] {
  const placeOf = ({ path, span }: MarkedQuery['relevant'][number]): string =>
    `${path}:${span.start + 1}-${span.end}`;
  return groups
    .filter(({ query }) => query.relevant.length > 0)
    .map(({ query }) => ({
      ...{ task: 'ir', query: query.asked, source: 'explicit', weight: weightOf(query) },
      positives: query.relevant.map((chunk) => placeOf(chunk)),
      negatives: query.wrong.map((chunk) => placeOf(chunk)),
    }));
}

export async function writeRecords(file: string, records: readonly object[]): Promise<void> {
  await fs.writeFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}

function chunkTexts(
  { snapshot }: SearchContext,
  toText: (chunk: ChunkRow) => string,
): (ids: readonly number[]) => string[] {
  return (ids) => snapshot.chunks(ids).map((chunk) => toText(chunk));
}
