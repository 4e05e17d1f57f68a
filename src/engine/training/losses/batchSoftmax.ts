/**
 * Batch-softmax contrastive loss (Chernyavskiy et al. 2022, arXiv 2110.15725): each query against all answers and each
 * answer against all queries,  L = ½ [ mean_i −y_i ln softmax_row(S)_ii + mean_i −y_i ln softmax_col(S)_ii ].
 * Pairs labelled 0 stay in the matrix with weight 0, and get no gradient on their own score: a mark "not relevant" must
 * never become such a row. Appended answers are seen by the row direction only.
 */
import type { GraphWriter } from '../graphWriter';
import { contrast, similarityContrast, writeSimilarityContrast } from './contrast';
import {
  type Loss,
  type Matrix,
  addTo,
  dotRows,
  multiply,
  pairCosines,
  rowOf,
  scaled,
  transpose,
  zeros,
} from './matrix';
import { squaredError, writeSquaredError } from './similarity';
import { writePairCosines } from './writing';

export interface BatchSoftmaxInputs {
  /** `[M, D]`. */
  readonly queries: Matrix;
  readonly answers: Matrix;
  readonly temperature: number;
  /** 1 for a pair that belongs together, 0 for one that does not; 1 when left out. */
  readonly labels?: ArrayLike<number>;
  /** `[E, D]`: further answers. */
  readonly appended?: Matrix;
  /** `[M, M + E]`: masks; the columns' direction takes the first M. */
  readonly offsets?: Matrix;
  /** How vectors are made comparable: by their length, or each coordinate by its range over the batch. */
  readonly normalization?: 'cosine' | 'coordinate';
}

export interface BatchSoftmaxGradients {
  readonly queries: Matrix;
  readonly answers: Matrix;
  readonly appended?: Matrix;
  /** With respect to α = 1/τ, for a learned temperature. */
  readonly inverseTemperature: number;
}

/** A learned α stays within these: on separable data it would grow without end. */
const INVERSE_TEMPERATURE_RANGE = [1, 100] as const;

export function clampInverseTemperature(alpha: number): number {
  const [low, high] = INVERSE_TEMPERATURE_RANGE;
  return Math.min(Math.max(alpha, low), high);
}

export function batchSoftmax(inputs: BatchSoftmaxInputs): Loss<BatchSoftmaxGradients> & {
  readonly rows: Float64Array;
  readonly columns: Float64Array;
} {
  if (inputs.normalization === 'coordinate') return coordinateSoftmax(inputs);
  const { queries, answers, appended, temperature, labels, offsets } = inputs;
  const rowWeights = labels;
  const byRow = contrast({
    queries,
    positives: answers,
    extra: appended,
    temperature,
    rowWeights,
    offsets,
  });
  const byColumn = contrast({
    queries: answers,
    positives: queries,
    temperature,
    rowWeights,
    offsets: offsets && columnOffsets(offsets),
  });
  const half = (a: Matrix, b: Matrix): Matrix => scaled(addTo(a, b), 0.5);
  const [rows, columns] = [byRow.gradients, byColumn.gradients];
  return {
    value: (byRow.value + byColumn.value) / 2,
    rows: byRow.rows,
    columns: byColumn.rows,
    gradients: {
      queries: half(rows.queries, columns.positives),
      answers: half(rows.positives, columns.queries),
      appended: rows.extra && scaled(rows.extra, 0.5),
      inverseTemperature: (rows.inverseTemperature + columns.inverseTemperature) / 2,
    },
  };
}

/** The offsets of the columns' direction: the square block, turned. */
export function columnOffsets(offsets: Matrix): Matrix {
  const square = zeros(offsets.rows, offsets.rows);
  for (let i = 0; i < offsets.rows; i++)
    rowOf(square, i).set(rowOf(offsets, i).subarray(0, offsets.rows));
  return transpose(square);
}

/** The form for vectors divided by each coordinate's range; answers appended there are not asked for. */
function coordinateSoftmax(inputs: BatchSoftmaxInputs): ReturnType<typeof batchSoftmax> {
  const { temperature, labels: rowWeights, offsets } = inputs;
  const [queries, answers] = [byRange(inputs.queries), byRange(inputs.answers)];
  const similarities = dotRows(queries.value, answers.value);
  const byRow = similarityContrast({ similarities, temperature, rowWeights, offsets });
  const byColumn = similarityContrast({
    similarities: transpose(similarities),
    temperature,
    rowWeights,
    offsets: offsets && columnOffsets(offsets),
  });
  const [rows, columns] = [byRow.gradients, byColumn.gradients];
  const gradient = scaled(addTo(rows.similarities, transpose(columns.similarities)), 0.5);
  return {
    value: (byRow.value + byColumn.value) / 2,
    rows: byRow.rows,
    columns: byColumn.rows,
    gradients: {
      queries: queries.back(multiply(gradient, answers.value)),
      answers: answers.back(multiply(transpose(gradient), queries.value)),
      inverseTemperature: (rows.inverseTemperature + columns.inverseTemperature) / 2,
    },
  };
}

/** Each column divided by its largest minus its smallest value; a constant column is left out (0). */
function byRange(a: Matrix): { readonly value: Matrix; back(gradient: Matrix): Matrix } {
  const turned = transpose(a);
  const ranges = Array.from({ length: a.columns }, (_, d) => {
    const column = rowOf(turned, d);
    const [high, low] = [Math.max(...column), Math.min(...column)];
    return { range: high - low, high: column.indexOf(high), low: column.indexOf(low) };
  });
  const factor = (d: number): number => (ranges[d]!.range > 0 ? 1 / ranges[d]!.range : 0);
  const value = zeros(a.rows, a.columns);
  a.data.forEach((x, at) => (value.data[at] = x * factor(at % a.columns)));
  return {
    value,
    back(gradient) {
      const out = zeros(a.rows, a.columns);
      gradient.data.forEach((g, at) => {
        const d = at % a.columns;
        out.data[at]! += g * factor(d);
        const slope = -g * value.data[at]! * factor(d);
        rowOf(out, ranges[d]!.high)[d]! += slope;
        rowOf(out, ranges[d]!.low)[d]! -= slope;
      });
      return out;
    },
  };
}

/** Labels from here on are 1 for the softmax part of the combo. */
const COMBO_LABEL = 0.5;

/** Labels of the combo's softmax part: 1 from one half on. */
export function binaryLabels(labels: ArrayLike<number>): Float64Array {
  return Float64Array.from(labels, (y) => (y >= COMBO_LABEL ? 1 : 0));
}

/**
 * The combo that aligns the diagonal: softmax fixes the order inside a row, squared error the level across rows.
 * L = μ L_BSC(labels ≥ ½) + (1 − μ) mean (cos(q_i, a_i) − y_i)².
 */
export function comboLoss(
  inputs: Omit<BatchSoftmaxInputs, 'labels'> & {
    readonly labels: ArrayLike<number>;
    readonly mu: number;
  },
): Loss<BatchSoftmaxGradients> {
  const { queries, answers, labels, mu } = inputs;
  const softmaxPart = batchSoftmax({ ...inputs, labels: binaryLabels(labels) });
  const pairs = pairCosines(queries, answers);
  const level = squaredError(pairs.value, labels);
  const [toQueries, toAnswers] = pairs.back(level.gradients.similarities);
  const { gradients } = softmaxPart;
  const mix = (a: Matrix, b: Matrix): Matrix => addTo(scaled(a, mu), b, 1 - mu);
  return {
    value: mu * softmaxPart.value + (1 - mu) * level.value,
    gradients: {
      queries: mix(gradients.queries, toQueries),
      answers: mix(gradients.answers, toAnswers),
      appended: gradients.appended && scaled(gradients.appended, mu),
      inverseTemperature: mu * gradients.inverseTemperature,
    },
  };
}

/**
 * Alignment of the diagonal without labels: the variance of cos(q_i, a_i) over the pairs that belong together. An
 * optional addition of ours; the paper's own term is the combo.
 */
export function diagonalVariance(
  queries: Matrix,
  answers: Matrix,
): Loss<{ readonly queries: Matrix; readonly answers: Matrix }> {
  const pairs = pairCosines(queries, answers);
  const mean = pairs.value.reduce((sum, x) => sum + x / pairs.value.length, 0);
  const apart = pairs.value.map((x) => x - mean);
  const [toQueries, toAnswers] = pairs.back(apart.map((x) => (2 * x) / apart.length));
  return {
    value: apart.reduce((sum, x) => sum + x ** 2 / apart.length, 0),
    gradients: { queries: toQueries, answers: toAnswers },
  };
}

/** `BatchSoftmaxInputs` as names in a graph. */
export interface BatchSoftmaxNames {
  readonly queries: string;
  readonly answers: string;
  readonly appended?: string;
  /** Scalar α = 1/τ: a constant, or what is learned. */
  readonly inverseTemperature: string;
  /** One-hot `[M, M]`, see `ownTargets`. */
  readonly targets: string;
  /** The blocks of the offsets, and the first of them turned. */
  readonly offsets?: string;
  readonly extraOffsets?: string;
  readonly columnOffsets?: string;
  /** `[M, 1]`. */
  readonly labels?: string;
  readonly normalization?: 'cosine' | 'coordinate';
}

/** Writes `batchSoftmax`; returns the scalar. */
export function writeBatchSoftmax(writer: GraphWriter, names: BatchSoftmaxNames): string {
  const { appended, inverseTemperature, targets, labels: rowWeights } = names;
  const isCosine = names.normalization !== 'coordinate';
  const comparable = (x: string): string =>
    isCosine ? writer.normalize(x) : writeByRange(writer, x);
  const [q, a] = [comparable(names.queries), comparable(names.answers)];
  const more = appended === undefined ? undefined : writer.normalize(appended);
  const common = { inverseTemperature, targets, rowWeights };
  const byRow = writeSimilarityContrast(writer, {
    ...common,
    similarities: writer.gemm(q, a, { b: true }),
    extraSimilarities: more && writer.gemm(q, more, { b: true }),
    offsets: names.offsets,
    extraOffsets: names.extraOffsets,
  });
  const byColumn = writeSimilarityContrast(writer, {
    ...common,
    similarities: writer.gemm(a, q, { b: true }),
    offsets: names.columnOffsets,
  });
  return writer.scale(writer.add(byRow, byColumn), 0.5);
}

function writeByRange(writer: GraphWriter, x: string): string {
  const highest = writer.reduceMax(x, [0]);
  const range = writer.add(highest, writer.reduceMax(writer.neg(x), [0]));
  const isSpread = writer.greater(range, writer.constant(0));
  const isFlat = writer.sub(writer.constant(1), isSpread);
  return writer.mul(x, writer.div(isSpread, writer.add(range, isFlat)));
}

/** Writes the combo: `binary` are the labels of the softmax part, `labels` those of the squared error, `[M, 1]`. */
export function writeComboLoss(
  writer: GraphWriter,
  names: Omit<BatchSoftmaxNames, 'labels' | 'normalization'> & {
    readonly labels: string;
    readonly binary: string;
  },
  mu: number,
): string {
  const softmaxPart = writeBatchSoftmax(writer, { ...names, labels: names.binary });
  const similarities = writePairCosines(writer, names.queries, names.answers);
  const level = writeSquaredError(writer, { similarities, labels: names.labels });
  return writer.add(writer.scale(softmaxPart, mu), writer.scale(level, 1 - mu));
}

/** Writes `diagonalVariance`; returns the scalar. */
export function writeDiagonalVariance(
  writer: GraphWriter,
  names: { readonly queries: string; readonly answers: string },
): string {
  const pairs = writePairCosines(writer, names.queries, names.answers);
  return writer.reduceMean(writer.square(writer.sub(pairs, writer.reduceMean(pairs))));
}
