/**
 * Which rows a step sees. An epoch is a seeded order of all rows, cut into steps, the last one shorter; a step holds
 * one task alone. What must not count against a row is masked: its own other positives, texts that read the same,
 * texts that the base cannot tell from a positive, and the positives of the same query asked elsewhere.
 */
import { type Random, seededRandom, sample, shuffle } from '../../base/random';
import { type Batch as EpochBatch, type Dataset, planEpoch } from './batches';
import { type Matrix, rowOf, zeros } from './losses/matrix';
import { shuffleByNeighbours, shuffleByShingle } from './neighbourShuffle';
import { type PairRow, type Plan, type Row, documentsOf, fold, seedFor } from './plan';
import type { Recipe } from './recipe';

/** A row that has negatives and nothing to set against them but what else there is. */
export interface LoneNegative {
  readonly row: Row;
  readonly negative: number;
  /** Texts that the row says nothing about. */
  readonly unmarked: readonly number[];
}

/** One positive of each row, and what follows from that choice. */
export interface PositiveSlot {
  readonly positives: readonly number[];
  readonly offsets: Matrix;
  /** The teacher's lead of the positive over each negative, where it is known. */
  readonly margins: readonly (number | undefined)[];
}

/** What one step is made of; texts by number. */
export type Batch =
  | {
      readonly kind: 'rows';
      readonly rows: readonly Row[];
      readonly queries: readonly number[];
      /** At least one; each is a loss over the same queries and negatives, and the step is their mean (CoDiEmb). */
      readonly slots: readonly PositiveSlot[];
      readonly negatives: readonly number[];
      /** The row of each negative. */
      readonly owners: readonly number[];
      readonly rowWeights: readonly number[];
      readonly alone: readonly LoneNegative[];
      readonly anchors: readonly number[];
    }
  | { readonly kind: 'pairs'; readonly pairs: readonly PairRow[] };

export interface BatchTask {
  readonly plan: Plan;
  readonly recipe: Recipe;
  readonly seed: number;
  /** Base embeddings of all texts, for the mask of near-duplicates; without them only equal texts are masked. */
  readonly vectors?: Float32Array;
  readonly dimension: number;
}

/** Unmarked texts that a lone negative is compared with. */
const UNMARKED_COUNT = 64;

/** From more rows on, comparing each with each takes too long, and shared words say which are alike. */
const MOST_COMPARED = 5000;

export class BatchMaker {
  private readonly documents: readonly number[];
  private readonly epochLength: number;
  private current: { readonly number: number; readonly batches: readonly EpochBatch[] } | undefined;
  private readonly positivesOf = new Map<string, Set<number>>();

  constructor(private readonly task: BatchTask) {
    const { plan } = task;
    this.documents = documentsOf({ train: plan.train, heldOut: { rows: [], pairs: [] } });
    for (const { query, positives } of plan.train.rows) {
      const key = this.folded(query);
      const known = this.positivesOf.get(key) ?? new Set();
      for (const positive of positives) known.add(positive);
      this.positivesOf.set(key, known);
    }
    this.epochLength = this.epoch(0).length;
  }

  /** Worked out when asked for: a second copy of all texts would double what a large set takes. */
  private folded(text: number): string {
    return fold(this.task.plan.texts[text]!);
  }

  /** The batch of a step; the same for the same number. */
  at(stepIndex: number): Batch {
    const length = this.epochLength;
    const { task, records } = this.epoch(Math.floor(stepIndex / length))[stepIndex % length]!;
    const { rows, pairs } = this.task.plan.train;
    if (task === 'sts') return { kind: 'pairs', pairs: records.map((record) => pairs[record]!) };
    return this.rowBatch(
      records.map((record) => rows[record]!),
      stepIndex,
    );
  }

  /** The steps of an epoch: as many in each, in an order of its own. */
  private epoch(number: number): readonly EpochBatch[] {
    if (this.current?.number === number) return this.current.batches;
    const { rows, pairs } = this.task.plan.train;
    const { recipe } = this.task;
    const random = seededRandom(seedFor(this.task.seed, 'epoch', number));
    const datasets: Dataset[] = [
      { task: 'ir', records: [...rows.keys()], batchSize: recipe.rows },
      { task: 'sts', records: [...pairs.keys()], batchSize: recipe.sts.rows },
    ];
    const { ratio, repeats: mostRepeats } = recipe.sampler;
    const planned = planEpoch(datasets, { leftovers: 'keep', ratio, mostRepeats }, random);
    const batches = pairs.length === 0 ? (this.byNeighbours(random) ?? planned) : planned;
    this.current = { number, batches };
    return batches;
  }

  /** Rows that read alike stand in one step, so that what they answer is hard to tell apart; easy steps first. */
  private byNeighbours(random: Random): EpochBatch[] | undefined {
    const { recipe, vectors, dimension, plan } = this.task;
    const { rows } = plan.train;
    if (recipe.shuffleGroup < 2 || !vectors || rows.length <= recipe.rows) return undefined;
    const queries = zeros(rows.length > MOST_COMPARED ? 0 : rows.length, dimension);
    for (let row = 0; row < queries.rows; row++) {
      const { query } = rows[row]!;
      rowOf(queries, row).set(vectors.subarray(query * dimension, (query + 1) * dimension));
    }
    const texts = rows.map(({ query }) => this.folded(query));
    const { shuffleGroup: groupSize } = recipe;
    const groups = (
      rows.length > MOST_COMPARED
        ? shuffleByShingle(texts, groupSize, random)
        : shuffleByNeighbours(
            { vectors: queries, texts },
            { groupSize },
            shuffle([...rows.keys()], random),
          )
    ).flat();
    return Array.from({ length: Math.ceil(rows.length / recipe.rows) }, (_, step) => ({
      task: 'ir',
      records: groups.slice(step * recipe.rows, (step + 1) * recipe.rows),
    }));
  }

  private rowBatch(all: readonly Row[], stepIndex: number): Batch {
    const { recipe, seed } = this.task;
    const random = seededRandom(seedFor(seed, 'batch', stepIndex));
    const rows = all.filter(({ positives }) => positives.length > 0);
    const positives = rows.map((row) => sample(row.positives, 1, random)[0]!);
    const chosen = rows.map((row) => chooseNegatives(row, recipe.negatives, random));
    const negatives = chosen.flat();
    const owners = chosen.flatMap((list, row) => list.map(() => row));
    const alone = recipe.negativeOnly > 0 ? all.flatMap((row) => this.lone(row, random)) : [];
    const queries = rows.map(({ query }) => query);
    const anchors =
      recipe.anchor > 0
        ? [...all.map(({ query }) => query), ...sample(this.documents, recipe.anchorTexts, random)]
        : [];
    const further = this.furtherPositives(rows, positives, random);
    const slots = [positives, ...further].map((chosenPositives): PositiveSlot => ({
      positives: chosenPositives,
      offsets: this.offsets(rows, [...chosenPositives, ...negatives], owners),
      margins: negatives.map((negative, at) => {
        const row = rows[owners[at]!]!;
        // The teacher compared with the first positive.
        if (chosenPositives[owners[at]!] !== row.positives[0]) return undefined;
        return row.margins?.[row.negatives.indexOf(negative)];
      }),
    }));
    const rowWeights = rows.map(({ weight }) => weight);
    return {
      kind: 'rows',
      ...{ rows, queries, slots, negatives, owners, alone, rowWeights, anchors },
    };
  }

  /** More slots, where the recipe asks for them and a row has as many; a row that has fewer repeats its own. */
  private furtherPositives(
    rows: readonly Row[],
    first: readonly number[],
    random: Random,
  ): number[][] {
    const most = Math.max(0, ...rows.map(({ positives }) => positives.length));
    const count = Math.min(this.task.recipe.positives, most);
    if (count < 2) return [];
    const orders = rows.map(({ positives }, row) => [
      first[row]!,
      ...shuffle(
        positives.filter((positive) => positive !== first[row]),
        random,
      ),
    ]);
    return Array.from({ length: count - 1 }, (_, slot) =>
      orders.map((order) => order[(slot + 1) % order.length]!),
    );
  }

  private lone(row: Row, random: () => number): LoneNegative[] {
    if (row.positives.length > 0 || row.negatives.length === 0) return [];
    const own = new Set(row.negatives);
    const unmarked = sample(this.documents, UNMARKED_COUNT, random).filter(
      (text) => !own.has(text),
    );
    return [{ row, negative: sample(row.negatives, 1, random)[0]!, unmarked }];
  }

  /** `[M, M + E]`: the mask of section 2, and the logarithm of each negative's weight for its own row. */
  private offsets(
    rows: readonly Row[],
    columns: readonly number[],
    owners: readonly number[],
  ): Matrix {
    const offsets = zeros(rows.length, columns.length);
    const weight = Math.log(this.task.recipe.hardNegativeAlpha);
    rows.forEach((row, i) => {
      const out = rowOf(offsets, i);
      const isPositive = this.duplicateTest(row);
      columns.forEach((column, j) => {
        if (j === i) return;
        const isOwn = j >= rows.length && owners[j - rows.length] === i;
        if (isPositive(column) && !(isOwn && row.isExplicit)) out[j] = -Infinity;
        else if (isOwn)
          out[j] = weight + Math.log(row.negativeWeights[row.negatives.indexOf(column)] ?? 1);
      });
    });
    return offsets;
  }

  /** True for texts that answer the row's query, or read like one that does. */
  private duplicateTest(row: Row): (text: number) => boolean {
    const answers = [...(this.positivesOf.get(this.folded(row.query)) ?? row.positives)];
    const texts = new Set(answers.map((answer) => this.folded(answer)));
    const ceiling = this.task.recipe.duplicateCosine;
    return (text) =>
      texts.has(this.folded(text)) ||
      (ceiling < 1 && answers.some((answer) => this.cosine(answer, text) > ceiling));
  }

  private cosine(a: number, b: number): number {
    const { vectors, dimension } = this.task;
    if (!vectors) return -1;
    let sum = 0;
    for (let i = 0; i < dimension; i++)
      sum += vectors[a * dimension + i]! * vectors[b * dimension + i]!;
    return sum;
  }
}

/** A row's negatives for one step, without replacement. */
function chooseNegatives(row: Row, count: number, random: () => number): number[] {
  return row.negatives.length <= count ? [...row.negatives] : sample(row.negatives, count, random);
}
