/**
 * Localized contrastive estimation (Gao et al. 2021, arXiv 2101.08751), the loss of the cross-encoder. A group is a
 * query's positive and negatives taken from the retriever's own top results:  L = mean_q [ lse_{d∈G} s(q,d) − s(q,d⁺) ].
 * A weight w of a negative enters as s + ln w, one of a group as a factor of its loss. With several positives the loss is averaged over them, each time with
 * the others left out of the group.
 */
import type { GraphWriter } from '../graphWriter';
import { type Loss, type Matrix, addTo, crossEntropyRows, meanOf, rowOf, zeros } from './matrix';
import { writeEntropyRows } from './writing';

/** One query's scores: positives first, then negatives. */
export interface Group {
  readonly positiveCount: number;
  readonly negativeCount: number;
  /** Of the negatives, 1 each when left out; 0 leaves one out. */
  readonly weights?: readonly number[];
  /** How much the group counts among the others, 1 when left out. */
  readonly weight?: number;
}

/**
 * A row of the loss: which group, which column is its positive, which columns count, and its share of the mean.
 * Groups of several positives make several rows.
 */
export interface GroupRow {
  readonly group: number;
  readonly positive: number;
  readonly share: number;
}

/** The rows of the groups, and their offsets `[rows, width]`; columns beyond a group's end do not count. */
function groupRows(
  groups: readonly Group[],
  width: number,
): { readonly rows: readonly GroupRow[]; readonly offsets: Matrix } {
  const rows = groups.flatMap(({ positiveCount, weight = 1 }, group) =>
    Array.from({ length: positiveCount }, (_, positive) => ({
      group,
      positive,
      share: weight / (groups.length * positiveCount),
    })),
  );
  const offsets = zeros(rows.length, width);
  rows.forEach(({ group, positive }, i) => {
    const { positiveCount, negativeCount, weights } = groups[group]!;
    const row = rowOf(offsets, i).fill(-Infinity);
    row[positive] = 0;
    for (let n = 0; n < negativeCount; n++) row[positiveCount + n] = Math.log(weights?.[n] ?? 1);
  });
  return { rows, offsets };
}

/** LCE over scores `[groups, width]`, each row a group's, padded at its end. `rows` has one loss a group. */
export function localizedContrastive(
  scores: Matrix,
  groups: readonly Group[],
  temperature = 1,
): Loss<{ readonly scores: Matrix }> & { readonly rows: Float64Array } {
  const { rows, offsets } = groupRows(groups, scores.columns);
  const logits = zeros(rows.length, scores.columns);
  rows.forEach(({ group }, i) => {
    rowOf(logits, i).set(rowOf(scores, group).map((score) => score / temperature));
  });
  // -Infinity plus a padded column's number stays -Infinity.
  const entropy = crossEntropyRows(
    addTo(logits, offsets),
    rows.map(({ positive }) => positive),
  );
  const gradient = entropy.back(rows.map(({ share }) => share / temperature));
  const out = zeros(scores.rows, scores.columns);
  const losses = new Float64Array(groups.length);
  rows.forEach(({ group }, i) => {
    rowOf(gradient, i).forEach((v, d) => (rowOf(out, group)[d]! += v));
    const { positiveCount, weight = 1 } = groups[group]!;
    losses[group]! += (weight * entropy.rows[i]!) / positiveCount;
  });
  return { value: meanOf(losses), rows: losses, gradients: { scores: out } };
}

/** The rows of `groupRows` as matrices for the graph. */
export interface GroupFeeds {
  /** `[rows, groups]`, one-hot: repeats the scores of a group for each of its positives. */
  readonly repeat: Matrix;
  /** `[rows, width]`. */
  readonly targets: Matrix;
  readonly offsets: Matrix;
  /** `[rows, 1]`. */
  readonly shares: Matrix;
}

export function groupFeeds(groups: readonly Group[], width: number): GroupFeeds {
  const { rows, offsets } = groupRows(groups, width);
  const repeat = zeros(rows.length, groups.length);
  const targets = zeros(rows.length, width);
  const shares = zeros(rows.length, 1);
  rows.forEach(({ group, positive, share }, i) => {
    rowOf(repeat, i)[group] = 1;
    rowOf(targets, i)[positive] = 1;
    shares.data[i] = share;
  });
  return { repeat, targets, offsets, shares };
}

/** Writes LCE; the names are those of `GroupFeeds`. Returns the scalar. */
export function writeLocalizedContrastive(
  writer: GraphWriter,
  scores: string,
  feeds: Readonly<Record<keyof GroupFeeds, string>>,
  temperature = 1,
): string {
  const logits = writer.matmul(feeds.repeat, writer.scale(scores, 1 / temperature));
  return writer.reduceSum(writer.mul(writeEntropyRows(writer, { logits, ...feeds }), feeds.shares));
}
