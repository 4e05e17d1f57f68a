/**
 * Makes the static table: each token between [CLS] and [SEP] through the bi-encoder, the mean of the three
 * states, the common mean taken out, projected to the widest axes, int8 with one scale a row. The idea is
 * model2vec's.
 */
import { packInputs } from '../engine/encoders/batches';
import type { Session } from '../engine/encoders/session';
import type { StaticTable } from '../engine/encoders/staticEncoder';
import type { FramedTokenizer } from '../engine/encoders/tokenizer';
import type { PrincipalAxes } from './principalAxes';

const tokensPerBatch = 128;

/** Mean state of each token alone, `[ids, dimension]`. */
export async function tokenStates(
  session: Session,
  tokenizer: Pick<FramedTokenizer, 'clsId' | 'sepId' | 'padId'>,
  ids: readonly number[],
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (let start = 0; start < ids.length; start += tokensPerBatch) {
    const batch = ids.slice(start, start + tokensPerBatch).map((id) => ({
      ids: [tokenizer.clsId, id, tokenizer.sepId],
      secondStart: 3,
      secondType: 0,
    }));
    const output = session.outputNames[0]!;
    const { data, shape } = await session.run(packInputs(batch, tokenizer.padId), output);
    parts.push(meanOfThree(data, shape[2]!));
  }
  return joinFloats(parts);
}

function meanOfThree(states: Float32Array, dimension: number): Float32Array {
  const out = new Float32Array(states.length / 3);
  for (let i = 0; i < out.length; i++) {
    const at = Math.floor(i / dimension) * 3 * dimension + (i % dimension);
    out[i] = (states[at]! + states[at + dimension]! + states[at + 2 * dimension]!) / 3;
  }
  return out;
}

function joinFloats(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Coordinates of each row along the axes, `[rows, axes]`. */
export function projectRows(
  rows: Float32Array,
  { mean, axes }: Pick<PrincipalAxes, 'mean' | 'axes'>,
): Float32Array {
  const dimension = mean.length;
  const axisCount = axes.length / dimension;
  const rowCount = rows.length / dimension;
  const out = new Float32Array(rowCount * axisCount);
  for (let row = 0; row < rowCount; row++) {
    for (let axis = 0; axis < axisCount; axis++) {
      let sum = 0;
      for (let i = 0; i < dimension; i++) {
        sum += (rows[row * dimension + i]! - mean[i]!) * axes[axis * dimension + i]!;
      }
      out[row * axisCount + axis] = sum;
    }
  }
  return out;
}

/** Rows to int8, the largest component of each row at 127. */
export function quantizeRows(matrix: Float32Array, dimension: number): StaticTable {
  const scales = new Float32Array(matrix.length / dimension);
  const rows = new Int8Array(matrix.length);
  for (let row = 0; row < scales.length; row++) {
    const values = matrix.subarray(row * dimension, (row + 1) * dimension);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scale = largest / 127;
    scales[row] = scale;
    if (scale > 0)
      values.forEach((value, i) => (rows[row * dimension + i] = Math.round(value / scale)));
  }
  return { scales, rows };
}

/** projection.bin: mean, then one scale an axis, then the axes as int8. Kept so that a sample can be made again. */
export function encodeProjection({ mean, axes }: Pick<PrincipalAxes, 'mean' | 'axes'>): Buffer {
  const { scales, rows } = quantizeRows(axes, mean.length);
  return Buffer.concat([mean, scales, rows].map((part) => Buffer.from(part.buffer)));
}

/** What `encodeProjection` wrote, for encoders of `dimension`. */
export function decodeProjection(
  bytes: Buffer,
  dimension: number,
): Pick<PrincipalAxes, 'mean' | 'axes'> {
  const axisCount = (bytes.length - 4 * dimension) / (4 + dimension);
  const floats = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 4 * (dimension + axisCount)),
  );
  const rows = new Int8Array(bytes.buffer, bytes.byteOffset + floats.byteLength);
  const axes = new Float32Array(axisCount * dimension);
  for (let i = 0; i < axes.length; i++) {
    axes[i] = rows[i]! * floats[dimension + Math.floor(i / dimension)]!;
  }
  return { mean: floats.slice(0, dimension), axes };
}
