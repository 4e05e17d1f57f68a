/**
 * What the loss graphs share: the steps of `matrix.ts` as ONNX nodes. Numbers of rows are not known when a graph is
 * written, so choices that depend on the batch (targets, masks, weights) are inputs, made by the same functions that
 * the references use; `autodiff.ts` finds the gradients.
 */
import type { GraphWriter } from '../graphWriter';

/** `[rows of a, rows of b]`. */
export function writeCosines(writer: GraphWriter, a: string, b: string): string {
  return writer.gemm(writer.normalize(a), writer.normalize(b), { b: true });
}

/** cos(a_i, b_i): `[rows, 1]`. */
export function writePairCosines(writer: GraphWriter, a: string, b: string): string {
  return writer.reduceSum(writer.mul(writer.normalize(a), writer.normalize(b)), [1]);
}

export interface EntropyNames {
  /** `[rows, columns]`. */
  readonly logits: string;
  /** One-hot, `[rows, columns]`. */
  readonly targets: string;
  /** `[rows, columns]`, added to the logits; 0 at targets. */
  readonly offsets?: string;
}

/** CE of each row: `[rows, 1]`. */
export function writeEntropyRows(
  writer: GraphWriter,
  { logits, targets, offsets }: EntropyNames,
): string {
  // Before the offsets: 0 times -Infinity would be NaN.
  const own = writer.reduceSum(writer.mul(logits, targets), [1]);
  const all = offsets === undefined ? logits : writer.add(logits, offsets);
  return writer.sub(writer.logSumExp(all, [1]), own);
}

/** Mean of `[rows, 1]`, each times its weight. */
export function writeWeightedMean(writer: GraphWriter, rows: string, weights?: string): string {
  return writer.reduceMean(weights === undefined ? rows : writer.mul(rows, weights));
}
