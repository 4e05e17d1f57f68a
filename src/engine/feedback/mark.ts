/**
 * One mark: the user's verdict on a chunk, for a query or for the places like a source span. Journal, export
 * and shared files use this one shape, with lines from 1 and ends inclusive, because people read and share
 * them; everything inside the engine counts from 0. The id is a hash of what was marked, so the same mark is
 * the same on every machine.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Chunk } from '../documents/document';

export const MARK_VERSION = 1;

export type Verdict = 'relevant' | 'notRelevant';

/** Lines of a file, from 1, end inclusive, and a hash of their text. */
export interface MarkedSource {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly hash: string;
}

/** Where a mark's chunk is, and by what it is known again. */
export interface MarkedPlace extends MarkedSource {
  /** Names from outside in, as the chunk has them; empty where nothing is named. */
  readonly symbol: string;
}

export interface Mark extends MarkedPlace {
  readonly v: typeof MARK_VERSION;
  readonly id: string;
  /** As typed. Exactly one of `query` and `source` is there. */
  readonly query?: string;
  readonly source?: MarkedSource;
  readonly verdict: Verdict;
  /** ISO 8601. */
  readonly time: string;
  /** Where the hit stood, from 1. */
  readonly rank?: number;
  /** Fingerprint of the model that answered; empty where none was loaded. */
  readonly checkpoint: string;
  /** The hit was opened, nobody judged it. */
  readonly weak?: true;
  /** Who set it, where that was somebody else who shares this repository. */
  readonly author?: string;
}

const line = z.int().min(1);
const place = {
  path: z.string().min(1).max(32_768),
  start: line,
  end: line,
  hash: z.string().max(200),
};
const symbol = z.string().max(100_000);
export const sourceSchema = z.object(place);
export const placeSchema = z.object({ ...place, symbol });

export const markSchema: z.ZodType<Mark> = z
  .object({
    v: z.literal(MARK_VERSION),
    id: z.string().min(1).max(200),
    query: z.string().min(1).max(1_000_000).optional(),
    source: sourceSchema.optional(),
    ...place,
    symbol,
    verdict: z.enum(['relevant', 'notRelevant']),
    time: z.iso.datetime({ offset: true }),
    rank: line.optional(),
    checkpoint: z.string().max(200),
    weak: z.literal(true).optional(),
    author: z.string().max(1000).optional(),
  })
  .refine((mark) => (mark.query === undefined) !== (mark.source === undefined), {
    message: 'it needs a query or a source, not both',
  })
  .refine((mark) => mark.start <= mark.end, { message: 'its lines run backwards' });

/** A mark without its id, and its id: a hash of all that it says, whoever said it. */
export function withId(mark: Omit<Mark, 'id' | 'v'>): Mark {
  const { query, source, path, start, end, symbol: names, hash, verdict, time, rank } = mark;
  const parts = [
    query,
    source,
    path,
    start,
    end,
    names,
    hash,
    verdict,
    time,
    rank,
    mark.checkpoint,
  ];
  const said = JSON.stringify([...parts, mark.weak].map((part) => part ?? null));
  const id = createHash('sha256').update(said).digest('hex').slice(0, ID_DIGITS);
  return ordered({ ...mark, v: MARK_VERSION, id });
}

const ID_DIGITS = 20;

/** The fields in the order of the shape, so that equal marks are equal lines. */
export function ordered(mark: Mark): Mark {
  const { v, id, query, source, path, start, end, symbol: names, hash } = mark;
  const { verdict, time, rank, checkpoint, weak, author } = mark;
  return {
    v,
    id,
    query,
    source: source && {
      path: source.path,
      start: source.start,
      end: source.end,
      hash: source.hash,
    },
    path,
    start,
    end,
    symbol: names,
    hash,
    verdict,
    time,
    rank,
    checkpoint,
    weak,
    ...(author !== undefined && { author }),
  };
}

/** By what the text of a chunk is known again, wherever it moves. */
export function contentHash(chunk: Pick<Chunk, 'text'>): string {
  return createHash('sha256').update(chunk.text).digest('hex').slice(0, HASH_DIGITS);
}

const HASH_DIGITS = 32;

/** The place of a chunk as marks write it. */
export function placeOf(chunk: Pick<Chunk, 'text' | 'span' | 'symbol'>, path: string): MarkedPlace {
  const { start, end } = chunk.span;
  return { path, start: start + 1, end, hash: contentHash(chunk), symbol: chunk.symbol };
}
