/**
 * Meaning by table look-up. Each token's vector was distilled from the bi-encoder (`src/tools/distill.ts`); a
 * text is their weighted mean. Frequent tokens weigh less, after Arora et al., "A simple but tough-to-beat
 * baseline for sentence embeddings", with the frequency read off the vocabulary's order (Zipf).
 */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { NearmissError, messageOf } from '../../base/errors';
import { normalize } from '../../base/vector';
import type { StaticEncoder, Tokenizer } from './types';

/** How much a token counts: all alike, by the logarithm of its rank, or `c / (c + probability)`. */
export const weightingSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('logRank') }),
  z.object({ kind: z.literal('inverseFrequency'), coefficient: z.number().positive() }),
]);
export type Weighting = z.infer<typeof weightingSchema>;

const settingsSchema = z.object({
  dimension: z.int().positive(),
  vocabularySize: z.int().positive(),
  /** Ids below are markers: not in the table, without meaning. */
  firstToken: z.int().nonnegative(),
  /** Ids from here on are words, the most frequent first; marks and letters stand before them. */
  firstWord: z.int().nonnegative(),
  weighting: weightingSchema,
  /** Hex sha256 of the model file it was distilled from. */
  source: z.string().length(64),
});
export type StaticSettings = z.infer<typeof settingsSchema>;

const configSchema = settingsSchema.extend({ fingerprint: z.string().length(64) });

/** `[rows, dimension]` of int8, one scale a row; the row of a token is its id less `firstToken`. */
export interface StaticTable {
  readonly scales: Float32Array;
  readonly rows: Int8Array;
}

const ADVICE = 'Install Nearmiss again, or restore the files of this folder';

/** Reads and checks the table in the folder. `weighting` replaces the stored one, for comparisons. */
export async function loadStaticEncoder(
  folder: string,
  tokenizer: Tokenizer,
  weighting?: Weighting,
): Promise<StaticEncoder> {
  const { settings, table } = await readStaticTable(folder);
  if (tokenizer.vocabularySize !== settings.vocabularySize) {
    throw new NearmissError(
      'model',
      `The table in ${folder} is for ${settings.vocabularySize} tokens, the tokenizer has ${tokenizer.vocabularySize}`,
      ADVICE,
    );
  }
  return makeStaticEncoder(weighting ? { ...settings, weighting } : settings, table, tokenizer);
}

/** An encoder over a table in memory. */
export function makeStaticEncoder(
  settings: StaticSettings,
  { scales, rows }: StaticTable,
  tokenizer: Pick<Tokenizer, 'encode'>,
): StaticEncoder {
  const { dimension, firstToken } = settings;
  const factors = scales.map((scale, row) => scale * weightOf(row + firstToken, settings));
  // How often each token occurs in the text at hand; zeros between two texts.
  const counts = new Uint32Array(factors.length);
  return {
    fingerprint: staticFingerprint(settings, { scales, rows }),
    dimension,
    embed(text) {
      const sum = new Float32Array(dimension);
      const different: number[] = [];
      for (const id of tokenizer.encode(text)) {
        const row = id - firstToken;
        if (factors[row] !== undefined && counts[row]!++ === 0) different.push(row);
      }
      const weights = different.map((row) => factors[row]! * counts[row]!);
      addRows(
        sum,
        rows,
        different.map((row) => row * dimension),
        weights,
      );
      for (const row of different) counts[row] = 0;
      return normalize(sum);
    },
  };
}

/** Adds rows times weights to `sum`, four at a time: the sum is then read and written once for four of them. */
function addRows(
  sum: Float32Array,
  rows: Int8Array,
  starts: readonly number[],
  weights: readonly number[],
): void {
  for (let n = 0; n < starts.length; n += 4) {
    // Beyond the end any row does, with no weight.
    const row = (next: number): number => starts[n + next] ?? 0;
    const weight = (next: number): number => weights[n + next] ?? 0;
    const [a, b, c, d] = [row(0), row(1), row(2), row(3)];
    const [wa, wb, wc, wd] = [weight(0), weight(1), weight(2), weight(3)];
    for (let i = 0; i < sum.length; i++) {
      sum[i]! += wa * rows[a + i]! + wb * rows[b + i]! + wc * rows[c + i]! + wd * rows[d + i]!;
    }
  }
}

/** The sum of 1/rank over the vocabulary is about 10: by Zipf's law the r-th word's share is 1 / (10 r). */
const ZIPF_SUM = 10;

function weightOf(id: number, { weighting, firstWord }: StaticSettings): number {
  // Marks and letters are in code point order and all of them frequent: they rank with the first word.
  const rank = Math.max(0, id - firstWord) + 2;
  if (weighting.kind === 'none') return 1;
  if (weighting.kind === 'logRank') return Math.log(rank);
  return weighting.coefficient / (weighting.coefficient + 1 / (ZIPF_SUM * rank));
}

/** Scales a unit-length vector to int8, 127 for 1. */
export function quantizeStatic(vector: Float32Array): Int8Array {
  const bytes = new Int8Array(vector.length);
  // Through Math.round: the array alone would cut towards zero.
  for (let i = 0; i < vector.length; i++)
    bytes[i] = Math.round(127 * Math.max(-1, Math.min(1, vector[i]!)));
  return bytes;
}

/** Reads config.json and table.bin and checks one against the other. */
export async function readStaticTable(
  folder: string,
): Promise<{ settings: StaticSettings; table: StaticTable }> {
  let fingerprint: string;
  let settings: StaticSettings;
  let bytes: Buffer;
  try {
    const config: unknown = JSON.parse(await fs.readFile(path.join(folder, 'config.json'), 'utf8'));
    ({ fingerprint, ...settings } = configSchema.parse(config));
    bytes = await fs.readFile(path.join(folder, 'table.bin'));
  } catch (error) {
    const message = `The static table in ${folder} cannot be read: ${messageOf(error)}`;
    throw new NearmissError('model', message, ADVICE, { cause: error });
  }
  const rowCount = settings.vocabularySize - settings.firstToken;
  if (bytes.length === rowCount * (Float32Array.BYTES_PER_ELEMENT + settings.dimension)) {
    const table = splitTable(bytes, rowCount);
    if (staticFingerprint(settings, table) === fingerprint) return { settings, table };
  }
  throw new NearmissError(
    'model',
    `The static table in ${folder} is damaged: its sha256 is not the one recorded for it`,
    ADVICE,
  );
}

/** table.bin: all scales as little-endian floats, then all rows. */
function splitTable(bytes: Buffer, rowCount: number): StaticTable {
  const scaleBytes = rowCount * Float32Array.BYTES_PER_ELEMENT;
  // Copied, for a pooled buffer may begin at an odd address.
  const scales = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + scaleBytes),
  );
  const rows = new Int8Array(
    bytes.buffer,
    bytes.byteOffset + scaleBytes,
    bytes.length - scaleBytes,
  );
  return { scales, rows };
}

/** The bytes of table.bin. */
export function joinTable({ scales, rows }: StaticTable): Buffer {
  return Buffer.concat([bytesOf(scales), bytesOf(rows)]);
}

/** Hex sha256 over everything that decides an embedding. */
export function staticFingerprint(settings: StaticSettings, table: StaticTable): string {
  const keys = Object.keys(settingsSchema.shape) as (keyof StaticSettings)[];
  const ordered = JSON.stringify(keys.map((key) => settings[key]));
  return crypto
    .createHash('sha256')
    .update(ordered)
    .update(bytesOf(table.scales))
    .update(bytesOf(table.rows))
    .digest('hex');
}

function bytesOf(array: Float32Array | Int8Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
