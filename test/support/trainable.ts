/** Toy encoders in training: their files, chunks of random words for them, and their lifetime. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { seededRandom } from '../../src/base/random';
import type { EncoderGraphOptions } from '../../src/engine/training/encoderGraphs';
import {
  type ChunkInputs,
  type TrainableEncoder,
  openTrainableEncoder,
} from '../../src/engine/training/trainableEncoder';
import { removeFolder } from './temporaryFolder';
import { type ToyOptions, writeToyCheckpoint } from './toyCheckpoint';

/** The model file of a toy checkpoint. */
export function toyBytes(options: ToyOptions = {}): Uint8Array {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-toy-'));
  try {
    writeToyCheckpoint(folder, options);
    return fs.readFileSync(path.join(folder, 'onnx/model.onnx'));
  } finally {
    removeFolder(folder);
  }
}

/** Rows of random words, padded on the right. */
export function chunkOf(lengths: readonly number[], seed = 1): ChunkInputs {
  const random = seededRandom(seed);
  const width = Math.max(...lengths);
  const shape = [lengths.length, width];
  const numbers = (at: (row: number, column: number) => number): BigInt64Array =>
    BigInt64Array.from({ length: lengths.length * width }, (_, index) =>
      BigInt(at(Math.floor(index / width), index % width)),
    );
  return {
    input_ids: { data: numbers(() => 5 + Math.floor(60 * random())), shape },
    attention_mask: { data: numbers((row, column) => (column < lengths[row]! ? 1 : 0)), shape },
    token_type_ids: { data: numbers((_, column) => column % 2), shape },
  };
}

/** Opens an encoder, uses it and disposes of it. */
export async function withEncoder(
  bytes: Uint8Array,
  options: EncoderGraphOptions,
  use: (encoder: TrainableEncoder) => Promise<void>,
): Promise<void> {
  const encoder = await openTrainableEncoder(bytes, options);
  try {
    await use(encoder);
  } finally {
    encoder.dispose();
  }
}
