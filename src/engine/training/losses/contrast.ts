/**
 * The row that most losses here are: one query against its positive and other columns, by cross-entropy over
 * cos / τ. SimCSE, HNCSE, SimCSE++, CoDiEmb and the halves of BSC differ in which columns stand in it and which
 * encoding fills them.
 *
 *            positives of all rows        more columns
 *          ┌ own  ·    ·  │ negatives, synthetic vectors ┐
 *   logits │  ·  own   ·  │  ·                           │ / τ + offsets
 *          └  ·   ·   own │  ·                           ┘
 *
 * Offsets are 0, the logarithm of a column's weight, or -Infinity where a column must not count.
 */
import { BugError } from '../../../base/errors';
import type { GraphWriter } from '../graphWriter';
import {
  type Matrix,
  type RowLoss,
  addTo,
  cosines,
  crossEntropyRows,
  matrixOf,
  meanOf,
  pairCosines,
  rowOf,
  rowsBetween,
  stack,
  zeros,
} from './matrix';
import { writeCosines, writePairCosines, writeWeightedMean } from './writing';

export interface ContrastInputs {
  /** `[M, D]`. */
  readonly queries: Matrix;
  /** `[M, D]`; row i belongs to query i and is a negative of the others. */
  readonly positives: Matrix;
  /** `[E, D]`: further columns, seen by every row unless offsets say otherwise. */
  readonly extra?: Matrix;
  readonly temperature: number;
  /** `[M, M + E]`, added to the logits; a row's own positive must be 0. */
  readonly offsets?: Matrix;
  /** Weight of each row's loss, 1 when left out. The mean divides by M all the same. */
  readonly rowWeights?: ArrayLike<number>;
  /** Encodings without dropout: all logits but the positives' own are made of these (and of `extra`). */
  readonly clean?: { readonly queries: Matrix; readonly positives: Matrix };
  /** ρ of SimCSE++: factor on the own positive's logit, 1 when left out. */
  readonly positiveScale?: number;
}

export interface ContrastGradients {
  readonly queries: Matrix;
  readonly positives: Matrix;
  readonly extra?: Matrix;
  readonly clean?: { readonly queries: Matrix; readonly positives: Matrix };
  /** With respect to 1/τ. */
  readonly inverseTemperature: number;
}

/** Mean over rows of the cross-entropy of the own positive among all columns. */
export function contrast(inputs: ContrastInputs): RowLoss<ContrastGradients> {
  const { queries, positives, extra, clean } = inputs;
  const columns = clean ? clean.positives : positives;
  const all = cosines(clean ? clean.queries : queries, extra ? stack(columns, extra) : columns);
  const own = clean ? pairCosines(queries, positives) : undefined;
  const similarities = own ? withDiagonal(all.value, own.value) : all.value;
  const loss = similarityContrast({ ...inputs, similarities });
  const gradient = loss.gradients.similarities;
  const { inverseTemperature } = loss.gradients;
  if (!own) {
    const [q, c] = all.back(gradient);
    const gradients = { queries: q, ...split(c, positives.rows), inverseTemperature };
    return { ...loss, gradients };
  }
  const [q, p] = own.back(diagonalOf(gradient));
  const [cleanQueries, c] = all.back(withDiagonal(gradient, new Float64Array(queries.rows)));
  const { positives: cleanPositives, extra: e } = split(c, positives.rows);
  return {
    ...loss,
    gradients: {
      queries: q,
      positives: p,
      extra: e,
      clean: { queries: cleanQueries, positives: cleanPositives },
      inverseTemperature,
    },
  };

  function split(c: Matrix, count: number): { positives: Matrix; extra?: Matrix } {
    const first = rowsBetween(c, 0, count);
    return extra
      ? { positives: first, extra: rowsBetween(c, count, c.rows) }
      : { positives: first };
  }
}

/** The same for any similarity: `[M, M + E]`, the own positive on the diagonal. */
export function similarityContrast(
  inputs: Pick<ContrastInputs, 'temperature' | 'offsets' | 'rowWeights' | 'positiveScale'> & {
    readonly similarities: Matrix;
  },
): RowLoss<{ readonly similarities: Matrix; readonly inverseTemperature: number }> {
  const { similarities, temperature, offsets, rowWeights, positiveScale = 1 } = inputs;
  const { rows, columns } = similarities;
  if (offsets && (offsets.rows !== rows || offsets.columns !== columns))
    throw new BugError(`offsets [${offsets.rows}, ${offsets.columns}] for [${rows}, ${columns}]`);
  const factor = (at: number): number => (isOwn(at, columns) ? positiveScale : 1);
  const logits = zeros(rows, columns);
  similarities.data.forEach((value, at) => {
    logits.data[at] = (factor(at) * value) / temperature + (offsets?.data[at] ?? 0);
  });
  const entropy = crossEntropyRows(
    logits,
    Array.from({ length: rows }, (_, i) => i),
  );
  const weights = Float64Array.from({ length: rows }, (_, i) => (rowWeights?.[i] ?? 1) / rows);
  const weighted = entropy.rows.map((row, i) => row * (rowWeights?.[i] ?? 1));
  const gradient = entropy.back(weights);
  let inverseTemperature = 0;
  gradient.data.forEach((value, at) => {
    inverseTemperature += value * factor(at) * similarities.data[at]!;
    gradient.data[at] = (value * factor(at)) / temperature;
  });
  const gradients = { similarities: gradient, inverseTemperature };
  return { value: meanOf(weighted), rows: entropy.rows, gradients };
}

function isOwn(at: number, columns: number): boolean {
  return at % columns === Math.floor(at / columns);
}

/** A copy with other numbers on the diagonal. */
function withDiagonal(matrix: Matrix, diagonal: ArrayLike<number>): Matrix {
  const out = addTo(zeros(matrix.rows, matrix.columns), matrix);
  for (let i = 0; i < out.rows; i++) rowOf(out, i)[i] = diagonal[i]!;
  return out;
}

function diagonalOf(matrix: Matrix): Float64Array {
  return Float64Array.from({ length: matrix.rows }, (_, i) => rowOf(matrix, i)[i]!);
}

/** `ContrastInputs` as names in a graph. Every size may be open: the columns come in two blocks, `[M, M]` and `[M, E]`. */
export interface ContrastNames {
  readonly queries: string;
  readonly positives: string;
  readonly extra?: string;
  readonly clean?: { readonly queries: string; readonly positives: string };
  /** Scalar 1/τ. */
  readonly inverseTemperature: string;
  /** One-hot `[M, M]`, see `ownTargets`. */
  readonly targets: string;
  /** The two blocks of the offsets, see `offsetBlocks`. */
  readonly offsets?: string;
  readonly extraOffsets?: string;
  /** `[M, 1]`. */
  readonly rowWeights?: string;
  readonly positiveScale?: number;
}

/** Writes `contrast`; returns the scalar. */
export function writeContrast(writer: GraphWriter, names: ContrastNames): string {
  const { queries, positives, extra, clean, targets } = names;
  const [rows, columns] = clean ? [clean.queries, clean.positives] : [queries, positives];
  let similarities = writeCosines(writer, rows, columns);
  if (clean) {
    const own = writePairCosines(writer, queries, positives);
    const change = writer.mul(targets, writer.sub(own, similarities));
    similarities = writer.add(similarities, change);
  }
  const extraSimilarities = extra === undefined ? undefined : writeCosines(writer, rows, extra);
  return writeSimilarityContrast(writer, { ...names, similarities, extraSimilarities });
}

/** Writes `similarityContrast` for the two blocks; returns the scalar. */
export function writeSimilarityContrast(
  writer: GraphWriter,
  names: Omit<ContrastNames, 'queries' | 'positives' | 'extra' | 'clean'> & {
    readonly similarities: string;
    readonly extraSimilarities?: string;
  },
): string {
  const { inverseTemperature, targets, offsets, positiveScale = 1 } = names;
  let square = writer.mul(names.similarities, inverseTemperature);
  if (positiveScale !== 1) {
    const scale = writer.scale(targets, positiveScale - 1);
    square = writer.mul(square, writer.add(scale, writer.constant(1)));
  }
  // Before the offsets: 0 times -Infinity would be NaN.
  const own = writer.reduceSum(writer.mul(square, targets), [1]);
  const blocks = [offsets === undefined ? square : writer.add(square, offsets)];
  if (names.extraSimilarities !== undefined) {
    const side = writer.mul(names.extraSimilarities, inverseTemperature);
    blocks.push(names.extraOffsets === undefined ? side : writer.add(side, names.extraOffsets));
  }
  const logits = blocks.length === 1 ? blocks[0]! : writer.concat(blocks, 1);
  const rows = writer.sub(writer.logSumExp(logits, [1]), own);
  return writeWeightedMean(writer, rows, names.rowWeights);
}

/** One-hot `[M, M]`: the own positive of each row. */
export function ownTargets(rows: number): Matrix {
  const targets = zeros(rows, rows);
  for (let i = 0; i < rows; i++) rowOf(targets, i)[i] = 1;
  return targets;
}

/** Offsets `[M, M + E]` as the two blocks of the graph. */
export function offsetBlocks(offsets: Matrix): {
  readonly offsets: Matrix;
  readonly extraOffsets: Matrix;
} {
  const { rows, columns } = offsets;
  const block = (from: number, to: number): Matrix =>
    matrixOf(Array.from({ length: rows }, (_, i) => rowOf(offsets, i).subarray(from, to)));
  return { offsets: block(0, rows), extraOffsets: block(rows, columns) };
}
