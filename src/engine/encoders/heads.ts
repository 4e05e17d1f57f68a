/**
 * Heads: low-rank maps on top of a frozen bi-encoder, f(h) = norm(h + B A h). A query head is applied to queries alone,
 * so no stored embedding changes; a shared head is applied to both sides, to the stored *base* embeddings, and nothing
 * is encoded again. B is zero at the start: an untrained head changes nothing.
 */
import * as fs from 'node:fs/promises';
import { NearmissError, messageOf } from '../../base/errors';
import { seededRandom } from '../../base/random';
import { normalize } from '../../base/vector';
import { decodeSafetensors, encodeSafetensors } from './safetensors';
import type { Embedder } from './types';

export type HeadKind = 'query-head' | 'shared-head';

/** A map of embeddings of one checkpoint. */
export interface Head {
  readonly kind: HeadKind;
  /** Fingerprint of the checkpoint whose embeddings it maps; another's would come out as noise. */
  readonly base: string;
  readonly dimension: number;
  readonly rank: number;
  /** `[rank, dimension]`. */
  readonly a: Float32Array;
  /** `[dimension, rank]`. */
  readonly b: Float32Array;
}

/** The name of an adapter's file in the folder of a result. */
export const ADAPTER_FILE = 'adapter.safetensors';
const FORMAT = 'nearmiss-head-1';

/** A head that changes nothing yet: A drawn at random with the spread of 1/sqrt(dimension), B zero. */
export function newHead(
  shape: Pick<Head, 'kind' | 'base' | 'dimension' | 'rank'>,
  seed: number,
): Head {
  const { dimension, rank } = shape;
  const random = seededRandom(seed);
  const spread = Math.sqrt(3 / dimension);
  const a = Float32Array.from({ length: rank * dimension }, () => spread * (2 * random() - 1));
  return { ...shape, a, b: new Float32Array(dimension * rank) };
}

/** Maps rows of embeddings, `[rows, dimension]`, to new unit-length rows. The caller owns the array. */
export function applyHead(head: Head, rows: Float32Array): Float32Array {
  const { dimension, rank, a, b } = head;
  const out = Float32Array.from(rows);
  const inner = new Float64Array(rank);
  for (let start = 0; start < rows.length; start += dimension) {
    for (let r = 0; r < rank; r++) {
      let sum = 0;
      for (let i = 0; i < dimension; i++) sum += a[r * dimension + i]! * rows[start + i]!;
      inner[r] = sum;
    }
    for (let i = 0; i < dimension; i++) {
      let sum = rows[start + i]!;
      for (let r = 0; r < rank; r++) sum += b[i * rank + r]! * inner[r]!;
      out[start + i] = sum;
    }
    normalize(out.subarray(start, start + dimension));
  }
  return out;
}

/** The embedder with its queries mapped by the head; documents stay as they are stored. */
export function withQueryHead(embedder: Embedder, head: Head): Embedder {
  checkBase(head, embedder.space.checkpoint);
  return {
    space: embedder.space,
    embedDocuments: (texts, signal) => embedder.embedDocuments(texts, signal),
    embedQuery: async (text, signal) => applyHead(head, await embedder.embedQuery(text, signal)),
    dispose: () => embedder.dispose(),
  };
}

/** Throws a NearmissError('model') when the head was trained on another checkpoint. */
export function checkBase(head: Pick<Head, 'base'>, fingerprint: string): void {
  if (head.base === fingerprint) return;
  throw new NearmissError(
    'model',
    `The adapter was trained on the checkpoint ${head.base.slice(0, 12)}, and this is ${fingerprint.slice(0, 12)}`,
    'Use it with the checkpoint it was trained on, or train it again',
  );
}

/** The bytes of a head's file. */
export function encodeHead(head: Head): Uint8Array {
  const { kind, base, dimension, rank, a, b } = head;
  return encodeSafetensors({
    tensors: new Map([
      ['a', { dims: [rank, dimension], data: a }],
      ['b', { dims: [dimension, rank], data: b }],
    ]),
    metadata: { format: FORMAT, kind, base },
  });
}

/** Reads a head. Throws a NearmissError('model') that names the file when it is missing, damaged or something else. */
export async function readHead(file: string): Promise<Head> {
  let bytes: Uint8Array;
  try {
    bytes = await fs.readFile(file);
  } catch (error) {
    throw unusable(file, messageOf(error), error);
  }
  const { tensors, metadata } = decodeSafetensors(bytes, file);
  const { format, kind, base = '' } = metadata;
  const a = tensors.get('a');
  const b = tensors.get('b');
  if (format !== FORMAT) throw unusable(file, `its format is ${format ?? 'not said'}`);
  if (kind !== 'query-head' && kind !== 'shared-head')
    throw unusable(file, 'it is of no known kind');
  const [rank = 0, dimension = 0] = a?.dims ?? [];
  if (!a || !b || b.dims.join() !== `${dimension},${rank}` || a.dims.length !== 2)
    throw unusable(file, 'its two matrices do not fit together');
  if (![...a.data, ...b.data].every(Number.isFinite))
    throw unusable(file, 'it holds no finite numbers');
  return { kind, base, dimension, rank, a: a.data, b: b.data };
}

function unusable(file: string, reason: string, cause?: unknown): NearmissError {
  const message = `The adapter ${file} cannot be used: ${reason}`;
  return new NearmissError('model', message, 'Train it again', { cause });
}
