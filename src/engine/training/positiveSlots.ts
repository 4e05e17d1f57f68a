/**
 * Several positives a query (CoDiEmb, arXiv 2508.11442): each slot of positives is a loss over the same queries and
 * negatives, and the step is their mean, so a query's other positives are never its negatives. With every other part
 * switched off it is `losses/severalPositives.ts`; with one slot it is that slot's loss, bit for bit.
 */
import { type Matrix, addTo, scaled } from './losses/matrix';
import type { RetrievalBatch, RetrievalLoss } from './retrievalStep';

/** The mean of the slots' losses; gradients of positives are slot by slot. */
export interface SlotsLoss extends Omit<RetrievalLoss, 'positives' | 'clean'> {
  readonly positives: readonly Matrix[];
  readonly clean?: { readonly queries: Matrix; readonly positives: readonly Matrix[] };
}

/** What the random mixing of a slot is seeded for. */
export function mixPurpose(slot: number): string {
  return slot === 0 ? 'mix' : `mix ${slot}`;
}

/** Asks for the loss of each slot, at least one, in order, and takes the mean. */
export async function meanOverSlots(
  slots: readonly RetrievalBatch[],
  lossOf: (batch: RetrievalBatch, slot: number) => RetrievalLoss | Promise<RetrievalLoss>,
): Promise<SlotsLoss> {
  const losses: RetrievalLoss[] = [];
  for (const [slot, batch] of slots.entries()) losses.push(await lossOf(batch, slot));
  const [first] = losses;
  if (!first || losses.length === 1) return asSlots(first!);
  const share = 1 / losses.length;
  const total = (of: (loss: RetrievalLoss) => number): number =>
    losses.reduce((sum, loss) => sum + share * of(loss), 0);
  const mean = <M extends Matrix | undefined>(of: (loss: RetrievalLoss) => M): M =>
    (of(first) && meanMatrix(losses.map((loss) => of(loss)!))) as M;
  const clean = mean((loss) => loss.clean?.queries);
  return {
    value: total(({ value }) => value),
    rows: first.rows.map((_, row) => total(({ rows }) => rows[row]!)),
    queries: mean(({ queries }) => queries),
    positives: losses.map(({ positives }) => scaled(positives, share)),
    negatives: mean(({ negatives }) => negatives),
    clean: clean && {
      queries: clean,
      positives: losses.map((loss) => scaled(loss.clean!.positives, share)),
    },
    inverseTemperature: total(({ inverseTemperature }) => inverseTemperature),
  };
}

function asSlots({ positives, clean, ...rest }: RetrievalLoss): SlotsLoss {
  return {
    ...rest,
    positives: [positives],
    clean: clean && { queries: clean.queries, positives: [clean.positives] },
  };
}

function meanMatrix(matrices: readonly Matrix[]): Matrix {
  const share = 1 / matrices.length;
  return matrices
    .slice(1)
    .reduce((sum, one) => addTo(sum, one, share), scaled(matrices[0]!, share));
}
