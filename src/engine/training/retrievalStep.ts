/**
 * One retrieval step out of the parts of the papers (training-methods, section 9): a row's logits are
 *
 *   own positive | positives of other rows | negatives of all rows | its own synthetic negatives     / τ + offsets
 *
 * by cross-entropy, plus the other direction over the square block, the level of its diagonal, the dimension-wise part
 * and a teacher's margins. With every part but the first switched off it is SimCSE; each part is a flag of the recipe,
 * and at zero its code is not entered.
 */
import type { Random } from '../../base/random';
import { diagonalVariance } from './losses/batchSoftmax';
import { type ContrastInputs, contrast } from './losses/contrast';
import { dimensionWise } from './losses/dimensionWise';
import {
  MIXING_DEFAULTS,
  type MixedPair,
  chooseMixedPairs,
  mixColumns,
  syntheticOffsets,
} from './losses/hardNegativeMixing';
import { marginDistillation } from './losses/marginDistillation';
import {
  type Matrix,
  addTo,
  cosines,
  matrixOf,
  pairCosines,
  rowOf,
  stack,
  transpose,
  zeros,
} from './losses/matrix';
import { type MixedPositive, choosePositives, mixPositives } from './losses/positiveMixing';
import type { Recipe } from './recipe';

export type RetrievalRecipe = Pick<
  Recipe,
  'tau' | 'columnWeight' | 'diagonal' | 'mixing' | 'hnm' | 'pm' | 'dcl' | 'offDropout' | 'gpl'
>;

/** Below this many rows correlations of coordinates are noise, and that part is left out. */
export const DIMENSION_WISE_MIN_ROWS = 32;

/** The encodings of a batch. Row i of `positives` belongs to query i. */
export interface RetrievalBatch {
  readonly queries: Matrix;
  readonly positives: Matrix;
  /** `[E, D]`: negatives of all rows. */
  readonly negatives?: Matrix;
  /** The row that each negative was given for. */
  readonly owners: readonly number[];
  /** `[M, M + E]`: -Infinity where a column must not count for a row, the logarithm of its weight elsewhere. */
  readonly offsets: Matrix;
  readonly rowWeights: readonly number[];
  /** True for rows with a mark of a person: their positives are never mixed. */
  readonly isExplicit: readonly boolean[];
  /** The teacher's lead of the positive over each negative, where it is known. */
  readonly margins?: readonly (number | undefined)[];
  /** Encodings without dropout, where there is dropout. */
  readonly clean?: { readonly queries: Matrix; readonly positives: Matrix };
}

export interface RetrievalLoss {
  readonly value: number;
  readonly rows: Float64Array;
  readonly queries: Matrix;
  readonly positives: Matrix;
  readonly negatives?: Matrix;
  readonly clean?: { readonly queries: Matrix; readonly positives: Matrix };
  /** With respect to 1/tau. */
  readonly inverseTemperature: number;
}

/** The loss and its gradients for one batch. */
export function retrievalLoss(
  batch: RetrievalBatch,
  recipe: RetrievalRecipe,
  random: Random,
): RetrievalLoss {
  const rowPart = rowLoss(batch, recipe, random);
  const { queries, positives } = rowPart;
  let { value, inverseTemperature } = rowPart;
  if (recipe.columnWeight > 0) {
    const columns = contrast({
      queries: batch.positives,
      positives: batch.queries,
      temperature: recipe.tau,
      offsets: transpose(squareOf(batch.offsets)),
      rowWeights: batch.rowWeights,
    });
    value += recipe.columnWeight * columns.value;
    inverseTemperature += recipe.columnWeight * columns.gradients.inverseTemperature;
    addTo(positives, columns.gradients.queries, recipe.columnWeight);
    addTo(queries, columns.gradients.positives, recipe.columnWeight);
  }
  if (recipe.diagonal > 0) {
    const part = diagonalVariance(batch.queries, batch.positives);
    value += recipe.diagonal * part.value;
    addTo(queries, part.gradients.queries, recipe.diagonal);
    addTo(positives, part.gradients.answers, recipe.diagonal);
  }
  if (recipe.dcl.lambda > 0 && batch.queries.rows >= DIMENSION_WISE_MIN_ROWS) {
    const part = dimensionWise({ first: batch.queries, second: batch.positives, t: recipe.dcl.t });
    value += recipe.dcl.lambda * part.value;
    addTo(queries, part.gradients.first, recipe.dcl.lambda);
    addTo(positives, part.gradients.second, recipe.dcl.lambda);
  }
  if (recipe.gpl.weight > 0) value += recipe.gpl.weight * addMargins(batch, rowPart, recipe.gpl);
  return { ...rowPart, value, inverseTemperature };
}

/** GPL's margins of a row's own positive over its own negatives; gradients are added with the recipe's weight. */
function addMargins(
  batch: RetrievalBatch,
  sums: Pick<RetrievalLoss, 'queries' | 'positives' | 'negatives'>,
  { weight, scale }: Recipe['gpl'],
): number {
  const { queries, positives, negatives, owners, margins } = batch;
  const known = knownMargins(batch);
  if (!negatives || !sums.negatives || known.length === 0) return 0;
  const rows = known.map((at) => owners[at]!);
  const pick = (matrix: Matrix, numbers: readonly number[]): Matrix =>
    matrixOf(numbers.map((number) => rowOf(matrix, number)));
  const own = pick(queries, rows);
  const lead = pairCosines(own, pick(positives, rows));
  const behind = pairCosines(own, pick(negatives, known));
  const loss = marginDistillation({
    ...{ positives: lead.value, negatives: behind.value },
    margins: known.map((at) => scale * margins![at]!),
  });
  const put = (to: Matrix, numbers: readonly number[], from: Matrix): void =>
    numbers.forEach((number, i) => {
      const sum = rowOf(to, number);
      rowOf(from, i).forEach((value, d) => (sum[d]! += weight * value));
    });
  const [toQueries, toPositives] = lead.back(loss.gradients.positives);
  const [alsoQueries, toNegatives] = behind.back(loss.gradients.negatives);
  put(sums.queries, rows, addTo(toQueries, alsoQueries));
  put(sums.positives, rows, toPositives);
  put(sums.negatives, known, toNegatives);
  return loss.value;
}

/** The negatives whose margin a teacher has given. */
export function knownMargins({ owners, margins }: RetrievalBatch): number[] {
  return owners.flatMap((_, at) => (margins?.[at] === undefined ? [] : [at]));
}

function rowLoss(batch: RetrievalBatch, recipe: RetrievalRecipe, random: Random): RetrievalLoss {
  const mixed = mixOfPositives(batch, recipe, random);
  const synthetic = mixOfNegatives(batch, recipe, random);
  const { negatives, offsets, rowWeights } = batch;
  const inputs: ContrastInputs = {
    queries: batch.queries,
    positives: mixed?.value ?? batch.positives,
    extra: synthetic && negatives ? stack(negatives, synthetic.value) : negatives,
    offsets: synthetic ? widen(offsets, synthetic.offsets) : offsets,
    rowWeights,
    temperature: recipe.tau,
    ...(recipe.offDropout.enabled && { clean: batch.clean, positiveScale: recipe.offDropout.rho }),
  };
  const loss = contrast(inputs);
  const { gradients } = loss;
  const { queries } = gradients;
  let { positives } = gradients;
  if (mixed) {
    const back = mixed.back(gradients.positives);
    positives = back.positives;
    addTo(queries, back.queries);
  }
  let negativeGradient = gradients.extra;
  if (synthetic && negatives && negativeGradient) {
    const [own, made] = split(negativeGradient, negatives.rows);
    negativeGradient = addTo(own, synthetic.back(made));
  }
  const { value, rows } = loss;
  const { clean, inverseTemperature } = gradients;
  return {
    ...{ value, rows, queries, positives, negatives: negativeGradient, clean },
    inverseTemperature,
  };
}

/** HNCSE's mixed positives; undefined when the flag is off. */
function mixOfPositives(
  batch: RetrievalBatch,
  recipe: RetrievalRecipe,
  random: Random,
): ReturnType<typeof mixPositives> | undefined {
  const plan = planPositives(batch, recipe, random);
  const { queries, positives } = batch;
  return plan && mixPositives({ queries, positives, plan, stopGradient: true });
}

/** How each positive is mixed; undefined when the flag is off. */
export function planPositives(
  { queries, positives, offsets, isExplicit }: RetrievalBatch,
  { pm, mixing }: RetrievalRecipe,
  random: Random,
): MixedPositive[] | undefined {
  if (!pm.enabled) return undefined;
  const isMixed = drawMixed(queries.rows, mixing, random);
  return choosePositives(cosines(queries, positives).value, pm, {
    isExplicit: (row) => (isExplicit[row] ?? false) || !isMixed[row],
    isNegative: (row, column) => row !== column && rowOf(offsets, row)[column] !== -Infinity,
  });
}

/** HNCSE's synthetic negatives between a row's own; undefined when there are none. */
function mixOfNegatives(
  batch: RetrievalBatch,
  recipe: RetrievalRecipe,
  random: Random,
): (ReturnType<typeof mixColumns> & { readonly offsets: Matrix }) | undefined {
  const pairs = planNegatives(batch, recipe, random);
  if (!batch.negatives || pairs.length === 0) return undefined;
  const own = syntheticOffsets(batch.queries.rows, 0, pairs);
  return { ...mixColumns(batch.negatives, pairs, recipe.hnm.alpha), offsets: own };
}

/** Which of a row's own negatives are mixed; none when the flag is off. */
export function planNegatives(
  { queries, positives, negatives, owners, offsets }: RetrievalBatch,
  { hnm, mixing }: RetrievalRecipe,
  random: Random,
): MixedPair[] {
  if (!negatives || hnm.k < 2 || hnm.s === 0) return [];
  const isMixed = drawMixed(queries.rows, mixing, random);
  const isNegative = (row: number, column: number): boolean =>
    isMixed[row]! &&
    owners[column] === row &&
    rowOf(offsets, row)[queries.rows + column] !== -Infinity;
  const inputs = { queries, columns: negatives, positives, isNegative };
  return chooseMixedPairs(inputs, { ...MIXING_DEFAULTS, ...hnm }, random);
}

/** Which rows are mixed in this step. At 1 nothing is drawn, so that what is drawn next stays the same. */
function drawMixed(rowCount: number, mixing: number, random: Random): boolean[] {
  return Array.from({ length: rowCount }, () => mixing === 1 || random() < mixing);
}

function squareOf(offsets: Matrix): Matrix {
  const out = zeros(offsets.rows, offsets.rows);
  for (let i = 0; i < out.rows; i++) rowOf(out, i).set(rowOf(offsets, i).subarray(0, out.rows));
  return out;
}

/** Two matrices side by side. */
function widen(left: Matrix, right: Matrix): Matrix {
  const out = zeros(left.rows, left.columns + right.columns);
  for (let i = 0; i < out.rows; i++) {
    rowOf(out, i).set(rowOf(left, i));
    rowOf(out, i).set(rowOf(right, i), left.columns);
  }
  return out;
}

function split({ columns, data, rows }: Matrix, count: number): [Matrix, Matrix] {
  const at = count * columns;
  return [
    { rows: count, columns, data: data.slice(0, at) },
    { rows: rows - count, columns, data: data.slice(at) },
  ];
}
