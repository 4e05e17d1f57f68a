/**
 * Heads in training, in 64-bit arithmetic over stored base embeddings: f(h) = norm(h + B A h) on queries alone, or on
 * both sides. Nothing is encoded, so a step takes milliseconds; documents' embeddings are never changed.
 */
import { seededRandom } from '../../base/random';
import { type HeadKind, type Head, newHead } from '../encoders/heads';
import { type Batch, BatchMaker } from './batchMaker';
import { dropoutMasks } from './dropout';
import type { Learner, StepOutcome, Weight } from './loop';
import { LearnedTemperature } from './learnedTemperature';
import { anchorLoss } from './losses/anchor';
import { type Matrix, dotOf, rowOf, scaled, unitRows, zeros } from './losses/matrix';
import { referenceOf } from './losses/negativeOnly';
import { negativeRowsLoss } from './negativeRows';
import { heldOutPool, rankingFigure } from './heldOut';
import { type Plan, seedFor } from './plan';
import { meanOverSlots, mixPurpose } from './positiveSlots';
import type { Recipe } from './recipe';
import type { RetrievalLossGraphs } from './retrievalLossGraph';
import { retrievalLoss } from './retrievalStep';
import { pairStep } from './pairStep';

export interface HeadTask {
  readonly kind: HeadKind;
  readonly plan: Plan;
  /** Base embeddings of the plan's texts, `[texts, dimension]`. */
  readonly vectors: Float32Array;
  readonly dimension: number;
  /** Fingerprint of the checkpoint they are of. */
  readonly base: string;
  readonly recipe: Recipe;
  readonly seed: number;
  /** Graphs of the loss, several times as fast as the reference, which stands in where none are given. */
  readonly losses?: RetrievalLossGraphs;
}

/** Documents that held-out queries are asked of, where there are more. */
const MOST_DOCUMENTS = 10_000;

export class HeadLearner implements Learner {
  readonly weights: ReadonlyMap<string, Weight>;
  readonly head: Head;
  private readonly batches: BatchMaker;
  private readonly documents: readonly number[];
  private readonly temperature: LearnedTemperature;

  constructor(private readonly task: HeadTask) {
    const { kind, base, dimension, recipe, seed } = task;
    this.head = newHead({ kind, base, dimension, rank: recipe.rank }, seedFor(seed, 'head', 0));
    this.temperature = new LearnedTemperature(recipe);
    this.weights = new Map([
      ...this.temperature.weights,
      ['a', { dims: [recipe.rank, dimension], data: this.head.a, isDecayed: true }],
      ['b', { dims: [dimension, recipe.rank], data: this.head.b, isDecayed: true }],
    ]);
    this.batches = new BatchMaker(task);
    this.documents = heldOutPool(task.plan, MOST_DOCUMENTS, task.seed);
  }

  async step(stepIndex: number): Promise<StepOutcome> {
    const batch = this.batches.at(stepIndex);
    const map = new HeadMap(this.head, this.task, stepIndex);
    const { loss, rows, inverseTemperature } = await this.lossOf(batch, map, stepIndex);
    const gradients = new Map([
      ...map.gradients(),
      // A batch of pairs says nothing about the temperature of searches.
      ...(inverseTemperature === undefined ? [] : this.temperature.gradients(inverseTemperature)),
    ]);
    return { loss, rows, gradients };
  }

  async evaluate(): Promise<number> {
    const { heldOut } = this.task.plan;
    const map = new HeadMap(this.head, this.task);
    const asked = [...heldOut.rows.map(({ query }) => query), ...heldOut.pairs.map(({ a }) => a)];
    const queries = placesOf(asked);
    const documents = placesOf(this.documents);
    const [q, d] = [map.cleanRows([...queries.keys()]), map.plainDocuments([...documents.keys()])];
    return rankingFigure(heldOut, this.documents, (a, b) =>
      dotOf(rowOf(q, queries.get(a)!), rowOf(d, documents.get(b)!)),
    );
  }

  private async lossOf(
    batch: Batch,
    map: HeadMap,
    stepIndex: number,
  ): Promise<Pick<StepOutcome, 'loss' | 'rows'> & { readonly inverseTemperature?: number }> {
    if (batch.kind === 'pairs') return this.pairLossOf(batch, map);
    const { recipe } = this.task;
    const searched =
      batch.rows.length > 0 ? await this.rowsLossOf(batch, map, stepIndex) : undefined;
    const parts: Pick<StepOutcome, 'loss' | 'rows'>[] = searched ? [searched] : [];
    if (batch.alone.length > 0) parts.push(this.negativeRows(batch, map));
    const anchor = recipe.anchor > 0 ? recipe.anchor * map.anchor(batch.anchors) : 0;
    return {
      loss: parts.reduce((sum, { loss }) => sum + loss, anchor),
      rows: parts.flatMap(({ rows }) => rows),
      inverseTemperature: searched?.inverseTemperature,
    };
  }

  /** The retrieval loss over the batch's slots of positives; gradients go back into the map. */
  private async rowsLossOf(
    batch: Batch & { readonly kind: 'rows' },
    map: HeadMap,
    stepIndex: number,
  ): Promise<Pick<StepOutcome, 'loss' | 'rows'> & { readonly inverseTemperature: number }> {
    const { recipe, seed, losses } = this.task;
    const queries = map.queries(batch.queries);
    const positives = batch.slots.map((slot) => map.documents(slot.positives));
    const negatives = batch.negatives.length > 0 ? map.documents(batch.negatives) : undefined;
    const clean = recipe.offDropout.enabled ? map.clean(batch.queries) : undefined;
    const { owners, rowWeights } = batch;
    const common = {
      ...{ queries: queries.value, negatives: negatives?.value, owners, rowWeights },
      isExplicit: batch.rows.map(({ isExplicit }) => isExplicit),
    };
    const slots = batch.slots.map(({ offsets, margins }, at) => ({
      ...{ ...common, offsets, margins, positives: positives[at]!.value },
      clean: clean && { queries: clean.value, positives: positives[at]!.value },
    }));
    const own = { ...recipe, tau: this.temperature.tau };
    const loss = await meanOverSlots(slots, (slot, at) => {
      const random = seededRandom(seedFor(seed, mixPurpose(at), stepIndex));
      return losses ? losses.loss(slot, own, random) : retrievalLoss(slot, own, random);
    });
    queries.back(loss.queries);
    if (negatives && loss.negatives) negatives.back(loss.negatives);
    if (clean && loss.clean) clean.back(loss.clean.queries);
    positives.forEach((slot, at) => {
      slot.back(loss.positives[at]!);
      if (loss.clean) slot.back(loss.clean.positives[at]!);
    });
    const rows = batch.rows.map(({ line }, row) => ({ line, loss: loss.rows[row]! }));
    return { loss: loss.value, rows, inverseTemperature: loss.inverseTemperature };
  }

  private negativeRows(
    batch: Batch & { readonly kind: 'rows' },
    map: HeadMap,
  ): Pick<StepOutcome, 'loss' | 'rows'> {
    const queries = map.queries(batch.alone.map(({ row }) => row.query));
    const negatives = map.documents(batch.alone.map(({ negative }) => negative));
    const references = this.references(batch, map);
    const { tau, negativeOnly: weight } = this.task.recipe;
    const loss = negativeRowsLoss(queries.value, negatives.value, references, { tau, weight });
    queries.back(loss.queries);
    negatives.back(loss.negatives);
    const rows = batch.alone.map(({ row }, index) => ({ line: row.line, loss: loss.rows[index]! }));
    return { loss: loss.value, rows };
  }

  /** Mean cosine of the three best unmarked texts under the head as it is, for each row without a positive. */
  private references(batch: Batch & { readonly kind: 'rows' }, map: HeadMap): number[] {
    const now = map.cleanRows(batch.alone.map(({ row }) => row.query));
    return batch.alone.map(({ row, unmarked }, index) => {
      const query = rowOf(now, index);
      const own = new Set(row.negatives);
      const documents = unmarked.filter((number) => !own.has(number));
      if (documents.length === 0) return -1;
      const rows = rowsOf(map.plainDocuments(documents));
      return referenceOf(Array.from(rows, (document) => dotOf(query, document)));
    });
  }

  private pairLossOf(
    batch: Batch & { readonly kind: 'pairs' },
    map: HeadMap,
  ): Pick<StepOutcome, 'loss' | 'rows'> {
    const first = map.queries(batch.pairs.map(({ a }) => a));
    const second = map.documents(batch.pairs.map(({ b }) => b));
    const scores = batch.pairs.map(({ score }) => score);
    const loss = pairStep(first.value, second.value, scores, this.task.recipe.sts);
    first.back(loss.first);
    second.back(loss.second);
    const rows = batch.pairs.map(({ line }) => ({ line, loss: loss.value }));
    return { loss: loss.value, rows };
  }
}

/** Each number once, and its place in the order they came in. */
function placesOf(numbers: readonly number[]): Map<number, number> {
  return new Map([...new Set(numbers)].map((number, place) => [number, place]));
}

function* rowsOf(matrix: Matrix): Generator<Float64Array> {
  for (let i = 0; i < matrix.rows; i++) yield rowOf(matrix, i);
}

interface Mapped {
  readonly value: Matrix;
  /** Takes the gradient of the value in. */
  back(gradient: Matrix): void;
}

/** The head applied to embeddings, and the gradients of its two matrices summed over all uses in one step. */
class HeadMap {
  private readonly a: Matrix;
  private readonly b: Matrix;
  private readonly gradientA: Matrix;
  private readonly gradientB: Matrix;
  private useCount = 0;

  constructor(
    head: Head,
    private readonly task: HeadTask,
    private readonly stepIndex = 0,
  ) {
    const { rank, dimension } = head;
    this.a = { rows: rank, columns: dimension, data: Float64Array.from(head.a) };
    this.b = { rows: dimension, columns: rank, data: Float64Array.from(head.b) };
    this.gradientA = zeros(rank, dimension);
    this.gradientB = zeros(dimension, rank);
  }

  /** Queries, with dropout on the head's input. */
  queries(numbers: readonly number[]): Mapped {
    return this.map(this.dropped(this.base(numbers)));
  }

  clean(numbers: readonly number[]): Mapped {
    return this.map(this.base(numbers));
  }

  /** Documents: through the head where it is shared, as they are otherwise. */
  documents(numbers: readonly number[]): Mapped {
    const value = this.base(numbers);
    if (this.task.kind === 'query-head') return { value, back: () => undefined };
    return this.map(this.dropped(value));
  }

  plainDocuments(numbers: readonly number[]): Matrix {
    const value = this.base(numbers);
    return this.task.kind === 'query-head' ? value : this.rows(value);
  }

  cleanRows(numbers: readonly number[]): Matrix {
    return this.rows(this.base(numbers));
  }

  /** mean(1 - cos(f(x), x)), its gradient taken in with the recipe's weight. */
  anchor(numbers: readonly number[]): number {
    if (numbers.length === 0) return 0;
    const base = this.base(numbers);
    const mapped = this.map(base);
    const loss = anchorLoss(mapped.value, base);
    mapped.back(scaled(loss.gradients.now, this.task.recipe.anchor));
    return loss.value;
  }

  rows(rows: Matrix): Matrix {
    return unitRows(this.raw(rows).value).value;
  }

  gradients(): Map<string, Float32Array> {
    return new Map([
      ['a', Float32Array.from(this.gradientA.data)],
      ['b', Float32Array.from(this.gradientB.data)],
    ]);
  }

  private base(numbers: readonly number[]): Matrix {
    const { vectors, dimension } = this.task;
    const out = zeros(numbers.length, dimension);
    numbers.forEach((number, row) => {
      rowOf(out, row).set(vectors.subarray(number * dimension, (number + 1) * dimension));
    });
    return out;
  }

  /** Each use in a step draws its own mask. */
  private dropped(rows: Matrix): Matrix {
    const { dropout } = this.task.recipe;
    if (dropout === 0) return rows;
    const key = { seed: this.task.seed, purpose: `${this.useCount++}`, step: this.stepIndex };
    const mask = dropoutMasks(dropout, key)(rows.data.length);
    return { ...rows, data: rows.data.map((value, i) => value * mask[i]!) };
  }

  private map(rows: Matrix): Mapped {
    const { value: raw, inner } = this.raw(rows);
    const unit = unitRows(raw);
    return { value: unit.value, back: (gradient) => this.take(rows, inner, unit.back(gradient)) };
  }

  private raw(rows: Matrix): { readonly value: Matrix; readonly inner: Matrix } {
    const { rank, dimension } = { rank: this.a.rows, dimension: this.a.columns };
    const inner = zeros(rows.rows, rank);
    const value = { ...rows, data: Float64Array.from(rows.data) };
    for (let i = 0; i < rows.rows; i++) {
      const [h, u, y] = [rowOf(rows, i), rowOf(inner, i), rowOf(value, i)];
      for (let r = 0; r < rank; r++) u[r] = dotOf(rowOf(this.a, r), h);
      for (let d = 0; d < dimension; d++) y[d]! += dotOf(rowOf(this.b, d), u);
    }
    return { value, inner };
  }

  /** dB += g (A h)^T and dA += (B^T g) h^T, row by row. */
  private take(rows: Matrix, inner: Matrix, gradient: Matrix): void {
    const rank = this.a.rows;
    for (let i = 0; i < rows.rows; i++) {
      const [h, u, g] = [rowOf(rows, i), rowOf(inner, i), rowOf(gradient, i)];
      const back = new Float64Array(rank);
      for (let d = 0; d < g.length; d++) {
        const [weights, sums] = [rowOf(this.b, d), rowOf(this.gradientB, d)];
        for (let r = 0; r < rank; r++) {
          back[r]! += weights[r]! * g[d]!;
          sums[r]! += g[d]! * u[r]!;
        }
      }
      for (let r = 0; r < rank; r++) {
        const sums = rowOf(this.gradientA, r);
        for (let d = 0; d < h.length; d++) sums[d]! += back[r]! * h[d]!;
      }
    }
  }
}
