/**
 * The retrieval step of `retrievalStep.ts` as a graph, for a step that runs as one. What depends on the batch and is
 * not differentiated (masks, which negatives are mixed, which positives) is fed; a part that is switched off writes no
 * node at all. Names of inputs are those of `RetrievalFeeds`; every size may be open.
 */
import type { Random } from '../../base/random';
import type { GraphWriter } from './graphWriter';
import { columnOffsets, writeDiagonalVariance } from './losses/batchSoftmax';
import { offsetBlocks, ownTargets, writeContrast } from './losses/contrast';
import { writeDimensionWise } from './losses/dimensionWise';
import { mixingWeights, syntheticOffsets, writeMixedColumns } from './losses/hardNegativeMixing';
import { writeMarginDistillation } from './losses/marginDistillation';
import { type Matrix, matrixOf, rowOf, zeros } from './losses/matrix';
import { positivePlan, writeMixedPositives } from './losses/positiveMixing';
import { writePairCosines } from './losses/writing';
import {
  DIMENSION_WISE_MIN_ROWS,
  type RetrievalBatch,
  type RetrievalRecipe,
  knownMargins,
  planNegatives,
  planPositives,
} from './retrievalStep';

/** Inputs of the graph beside the encodings. Those of parts that are switched off are missing. */
export interface RetrievalFeeds {
  readonly targets: Matrix;
  readonly rowWeights: Matrix;
  readonly offsets: Matrix;
  readonly columnOffsets: Matrix;
  /** Of the negatives and, behind them, of the synthetic ones. */
  readonly negativeOffsets?: Matrix;
  readonly syntheticOffsets?: Matrix;
  readonly mixingWeights?: Matrix;
  /** The plan of mixed positives, and copies of the encodings that are not differentiated. */
  readonly others?: Matrix;
  readonly byShare?: Matrix;
  readonly fixedOwn?: Matrix;
  readonly fixedOther?: Matrix;
  readonly stoppedQueries?: Matrix;
  readonly stoppedPositives?: Matrix;
  /** One-hot: the row and the negative of each known margin; and the margins, scaled. */
  readonly marginRows?: Matrix;
  readonly marginColumns?: Matrix;
  readonly margins?: Matrix;
}

export function retrievalFeeds(
  batch: RetrievalBatch,
  recipe: RetrievalRecipe,
  random: Random,
): RetrievalFeeds {
  const { queries, positives, negatives, rowWeights } = batch;
  const rows = queries.rows;
  const plan = planPositives(batch, recipe, random);
  const pairs = planNegatives(batch, recipe, random);
  const { offsets, extraOffsets } = offsetBlocks(batch.offsets);
  return {
    targets: ownTargets(rows),
    rowWeights: matrixOf(rowWeights.map((weight) => [weight])),
    offsets,
    columnOffsets: columnOffsets(batch.offsets),
    ...(negatives && { negativeOffsets: extraOffsets }),
    ...(negatives &&
      pairs.length > 0 && {
        syntheticOffsets: syntheticOffsets(rows, 0, pairs),
        mixingWeights: mixingWeights(pairs, negatives.rows, recipe.hnm.alpha),
      }),
    ...(plan && { ...positivePlan(plan), stoppedQueries: queries, stoppedPositives: positives }),
    ...marginFeeds(batch, recipe),
  };
}

function marginFeeds(
  batch: RetrievalBatch,
  { gpl }: RetrievalRecipe,
): Pick<RetrievalFeeds, 'marginRows' | 'marginColumns' | 'margins'> {
  const { queries, negatives, owners, margins } = batch;
  const known = knownMargins(batch);
  if (gpl.weight === 0 || !negatives || known.length === 0) return {};
  const oneHot = (columns: number, columnOf: (at: number) => number): Matrix => {
    const out = zeros(known.length, columns);
    known.forEach((at, row) => (rowOf(out, row)[columnOf(at)] = 1));
    return out;
  };
  return {
    marginRows: oneHot(queries.rows, (at) => owners[at]!),
    marginColumns: oneHot(negatives.rows, (at) => at),
    margins: matrixOf(known.map((at) => [gpl.scale * margins![at]!])),
  };
}

/** Names of encodings and feeds in the graph; what is missing is a part that is off. */
export type RetrievalNames = { readonly queries: string; readonly positives: string } & {
  readonly [Name in 'negatives' | 'cleanQueries' | 'cleanPositives']?: string;
} & { readonly [Name in keyof RetrievalFeeds]: string } & {
  /** 1/τ as an input, where it is learnt; the recipe's as a constant without it. */
  readonly inverseTemperature?: string;
};

/** Writes the loss; returns the scalar. `rowCount` says whether the dimension-wise part has rows enough. */
export function writeRetrievalLoss(
  writer: GraphWriter,
  names: RetrievalNames,
  recipe: RetrievalRecipe & { readonly rowCount: number },
): string {
  const { queries, positives, targets, rowWeights } = names;
  const inverseTemperature = names.inverseTemperature ?? writer.constant(1 / recipe.tau);
  const terms = [writeRows(writer, names, recipe, inverseTemperature)];
  if (recipe.columnWeight > 0) {
    const columns = writeContrast(writer, {
      ...{ queries: positives, positives: queries, offsets: names.columnOffsets },
      ...{ inverseTemperature, targets, rowWeights },
    });
    terms.push(writer.scale(columns, recipe.columnWeight));
  }
  if (recipe.diagonal > 0) {
    const apart = writeDiagonalVariance(writer, { queries, answers: positives });
    terms.push(writer.scale(apart, recipe.diagonal));
  }
  const { lambda, t } = recipe.dcl;
  if (lambda > 0 && recipe.rowCount >= DIMENSION_WISE_MIN_ROWS) {
    const part = writeDimensionWise(writer, { first: queries, second: positives, t });
    terms.push(writer.scale(part, lambda));
  }
  const margins = writeMargins(writer, names);
  if (margins !== undefined) terms.push(writer.scale(margins, recipe.gpl.weight));
  return writer.addAll(terms);
}

function writeMargins(writer: GraphWriter, names: RetrievalNames): string | undefined {
  const { queries, positives, negatives, marginRows, marginColumns, margins } = names;
  if (!negatives || !marginRows || !marginColumns || !margins) return undefined;
  const own = writer.matmul(marginRows, queries);
  const lead = writePairCosines(writer, own, writer.matmul(marginRows, positives));
  const behind = writePairCosines(writer, own, writer.matmul(marginColumns, negatives));
  return writeMarginDistillation(writer, { positives: lead, negatives: behind, margins });
}

function writeRows(
  writer: GraphWriter,
  names: RetrievalNames,
  { offDropout }: RetrievalRecipe,
  inverseTemperature: string,
): string {
  const { queries, targets, rowWeights, offsets, cleanQueries, cleanPositives } = names;
  const isClean = offDropout.enabled && cleanQueries !== undefined && cleanPositives !== undefined;
  const { extra, extraOffsets } = writeExtra(writer, names);
  return writeContrast(writer, {
    ...{ queries, positives: writePositives(writer, names), extra },
    ...{ inverseTemperature, targets, rowWeights, offsets, extraOffsets },
    ...(isClean && { clean: { queries: cleanQueries, positives: cleanPositives } }),
    positiveScale: offDropout.enabled ? offDropout.rho : 1,
  });
}

function writePositives(writer: GraphWriter, names: RetrievalNames): string {
  const { queries, positives, others, byShare, fixedOwn, fixedOther } = names;
  const { stoppedQueries, stoppedPositives } = names;
  if (!others || !byShare || !fixedOwn || !fixedOther || !stoppedQueries || !stoppedPositives)
    return positives;
  return writeMixedPositives(
    writer,
    { queries, positives, plan: { others, byShare, fixedOwn, fixedOther } },
    { queries: stoppedQueries, positives: stoppedPositives },
  );
}

/** The columns beside the positives: negatives, and what is mixed of them. */
function writeExtra(
  writer: GraphWriter,
  names: RetrievalNames,
): { readonly extra?: string; readonly extraOffsets?: string } {
  const { negatives, negativeOffsets, syntheticOffsets, mixingWeights } = names;
  if (!negatives || !negativeOffsets) return {};
  if (!syntheticOffsets || !mixingWeights)
    return { extra: negatives, extraOffsets: negativeOffsets };
  const mixed = writeMixedColumns(writer, negatives, mixingWeights);
  return {
    extra: writer.concat([negatives, mixed], 0),
    extraOffsets: writer.concat([negativeOffsets, syntheticOffsets], 1),
  };
}
