/**
 * The bi-encoder in training: a step encodes its texts chunk by chunk, works out the loss over the whole batch, and goes
 * over the chunks a second time with each text's part of the gradient (GradCache), so that memory is needed for one chunk
 * and the number of in-batch negatives is free. Which weights learn was decided when the encoder was opened.
 */
import type { Disposable } from '../../base/lifecycle';
import { seededRandom } from '../../base/random';
import type { Sequence } from '../encoders/batches';
import { frameText } from '../encoders/biEncoder';
import type { Checkpoint } from '../encoders/checkpoint';
import type { FramedTokenizer } from '../encoders/tokenizer';
import { type Batch, BatchMaker } from './batchMaker';
import { type ChunkOptions, chunkInputs, cutChunks } from './chunks';
import { heldOutPool, rankingFigure } from './heldOut';
import type { Learner, StepOutcome, Weight } from './loop';
import { LearnedTemperature } from './learnedTemperature';
import { anchorLoss } from './losses/anchor';
import { type Matrix, dotOf, matrixOf, rowOf, scaled, zeros } from './losses/matrix';
import { referenceOf } from './losses/negativeOnly';
import { middleLayerLoss } from './losses/similarity';
import { negativeRowsLoss } from './negativeRows';
import { pairStep } from './pairStep';
import { type Plan, seedFor } from './plan';
import { meanOverSlots, mixPurpose } from './positiveSlots';
import type { Recipe } from './recipe';
import { RetrievalLossGraphs } from './retrievalLossGraph';
import type { ChunkInputs, TrainableEncoder } from './trainableEncoder';

export interface BiEncoderTask {
  readonly plan: Plan;
  readonly recipe: Recipe;
  readonly seed: number;
  readonly checkpoint: Checkpoint;
  readonly tokenizer: FramedTokenizer;
  readonly encoder: TrainableEncoder;
  /** Base embeddings of the plan's texts, for the anchor and the mask of duplicates; left out where neither is used. */
  readonly vectors?: Float32Array;
}

/** Texts that answer no held-out query and stand beside those that do. */
const DISTRACTOR_COUNT = 300;

export class BiEncoderLearner implements Learner, Disposable {
  readonly weights: ReadonlyMap<string, Weight>;
  private readonly batches: BatchMaker;
  private readonly sequences = new Map<string, Sequence>();
  private readonly pool: readonly number[];
  private readonly temperature: LearnedTemperature;
  private readonly losses: RetrievalLossGraphs;

  constructor(private readonly task: BiEncoderTask) {
    const { encoder, plan, checkpoint, seed } = task;
    this.losses = new RetrievalLossGraphs(checkpoint.dimension);
    this.temperature = new LearnedTemperature(task.recipe);
    this.weights = new Map([...encoder.weights, ...this.temperature.weights]);
    this.batches = new BatchMaker({ ...task, dimension: checkpoint.dimension });
    this.pool = heldOutPool(plan, DISTRACTOR_COUNT, seed);
  }

  async step(stepIndex: number): Promise<StepOutcome> {
    const batch = this.batches.at(stepIndex);
    const encodings = new Encodings(this.task, this.sequences, stepIndex);
    const look =
      batch.kind === 'rows'
        ? this.rowsLoss(batch, encodings, stepIndex)
        : this.pairsLoss(batch, encodings);
    await encodings.encode();
    const { loss, rows, inverseTemperature } = await look();
    const gradients = await encodings.gradients();
    if (inverseTemperature !== undefined)
      for (const [name, slope] of this.temperature.gradients(inverseTemperature))
        gradients.set(name, slope);
    return { loss, rows, gradients };
  }

  /** Ends the graphs of the loss; the encoder is the caller's. */
  dispose(): void {
    this.losses.dispose();
  }

  async evaluate(): Promise<number> {
    const { heldOut } = this.task.plan;
    const encodings = new Encodings(this.task, this.sequences, 0);
    const place = (texts: readonly number[], role: Role): ((text: number) => Float64Array) => {
      const distinct = [...new Set(texts)];
      const asked = encodings.ask(distinct, role, 'clean');
      const rows = new Map(distinct.map((text, row) => [text, row]));
      let values: Matrix | undefined;
      return (text) => rowOf((values ??= asked.value()), rows.get(text)!);
    };
    const query = place(
      heldOut.rows.map((row) => row.query),
      'query',
    );
    // Both sides of a pair are documents, as in training.
    const first = place(
      heldOut.pairs.map(({ a }) => a),
      'document',
    );
    const document = place(this.pool, 'document');
    await encodings.encode();
    return rankingFigure(
      heldOut,
      this.pool,
      (asked, answer) => dotOf(query(asked), document(answer)),
      (a, b) => dotOf(first(a), document(b)),
    );
  }

  /** Says which texts it needs now; the function it returns works the loss out when they are encoded. */
  private rowsLoss(
    batch: Batch & { readonly kind: 'rows' },
    encodings: Encodings,
    stepIndex: number,
  ): () => Promise<RowsOutcome> {
    const { recipe, seed } = this.task;
    const queries = encodings.ask(batch.queries, 'query', 'noisy');
    const positives = batch.slots.map((slot) => encodings.ask(slot.positives, 'document', 'noisy'));
    const negatives = encodings.ask(batch.negatives, 'document', 'noisy');
    const isOff = recipe.offDropout.enabled && recipe.dropout > 0;
    const cleanQueries = isOff ? encodings.ask(batch.queries, 'query', 'clean') : undefined;
    const cleanPositives = batch.slots.map((slot) =>
      isOff ? encodings.ask(slot.positives, 'document', 'clean') : undefined,
    );
    const lone = this.loneLoss(batch, encodings);
    const anchor = this.anchorLoss(batch, encodings);
    return async () => {
      const extra = lone();
      const rest = extra.loss + anchor();
      if (batch.rows.length === 0) return { loss: rest, rows: extra.rows };
      const { owners, rowWeights } = batch;
      const common = {
        ...{ queries: queries.value(), owners, rowWeights },
        negatives: batch.negatives.length > 0 ? negatives.value() : undefined,
        isExplicit: batch.rows.map(({ isExplicit }) => isExplicit),
      };
      const slots = batch.slots.map(({ offsets, margins }, at) => {
        const [asked, askedClean] = [positives[at]!, cleanPositives[at]];
        const clean = cleanQueries &&
          askedClean && { queries: cleanQueries.value(), positives: askedClean.value() };
        return { ...common, offsets, margins, positives: asked.value(), clean };
      });
      const own = { ...recipe, tau: this.temperature.tau };
      const loss = await meanOverSlots(slots, (slot, at) =>
        this.losses.loss(slot, own, seededRandom(seedFor(seed, mixPurpose(at), stepIndex))),
      );
      queries.take(loss.queries);
      if (loss.negatives) negatives.take(loss.negatives);
      if (loss.clean) cleanQueries?.take(loss.clean.queries);
      positives.forEach((asked, at) => asked.take(loss.positives[at]!));
      cleanPositives.forEach((asked, at) => {
        if (asked && loss.clean) asked.take(loss.clean.positives[at]!);
      });
      const rows = batch.rows.map(({ line }, row) => ({ line, loss: loss.rows[row]! }));
      const { inverseTemperature } = loss;
      return { loss: loss.value + rest, rows: [...rows, ...extra.rows], inverseTemperature };
    };
  }

  private loneLoss(
    batch: Batch & { readonly kind: 'rows' },
    encodings: Encodings,
  ): () => Pick<StepOutcome, 'loss' | 'rows'> {
    if (batch.alone.length === 0) return () => ({ loss: 0, rows: [] });
    const queries = encodings.ask(
      batch.alone.map(({ row }) => row.query),
      'query',
      'noisy',
    );
    const negatives = encodings.ask(
      batch.alone.map(({ negative }) => negative),
      'document',
      'noisy',
    );
    const unmarked = batch.alone.map(({ unmarked: texts }) =>
      encodings.ask(texts.slice(0, LONE_UNMARKED_COUNT), 'document', 'noisy'),
    );
    return () => {
      const q = queries.value();
      const references = unmarked.map((asked, row) => {
        const texts = asked.value();
        if (texts.rows === 0) return -1;
        return referenceOf(
          Array.from({ length: texts.rows }, (_, i) => dotOf(rowOf(q, row), rowOf(texts, i))),
        );
      });
      const { tau, negativeOnly: weight } = this.task.recipe;
      const loss = negativeRowsLoss(q, negatives.value(), references, { tau, weight });
      queries.take(loss.queries);
      negatives.take(loss.negatives);
      const rows = batch.alone.map(({ row }, index) => ({
        line: row.line,
        loss: loss.rows[index]!,
      }));
      return { loss: loss.value, rows };
    };
  }

  private anchorLoss(batch: Batch & { readonly kind: 'rows' }, encodings: Encodings): () => number {
    const { recipe, vectors, checkpoint } = this.task;
    if (recipe.anchor === 0 || !vectors || batch.anchors.length === 0) return () => 0;
    const queries = new Set(batch.queries);
    const asked = batch.anchors.map((text) =>
      encodings.ask([text], queries.has(text) ? 'query' : 'document', 'noisy'),
    );
    return () => {
      const { dimension } = checkpoint;
      const loss = anchorLoss(
        matrixOf(asked.map((one) => rowOf(one.value(), 0))),
        matrixOf(
          batch.anchors.map((text) => vectors.subarray(text * dimension, (text + 1) * dimension)),
        ),
      );
      const gradient = scaled(loss.gradients.now, recipe.anchor);
      asked.forEach((one, row) => one.take(matrixOf([rowOf(gradient, row)])));
      return recipe.anchor * loss.value;
    };
  }

  private pairsLoss(
    batch: Batch & { readonly kind: 'pairs' },
    encodings: Encodings,
  ): () => RowsOutcome {
    const first = encodings.ask(
      batch.pairs.map(({ a }) => a),
      'document',
      'noisy',
    );
    const second = encodings.ask(
      batch.pairs.map(({ b }) => b),
      'document',
      'noisy',
    );
    const { sts } = this.task.recipe;
    const scores = batch.pairs.map(({ score }) => score);
    return () => {
      const loss = pairStep(first.value(), second.value(), scores, sts);
      first.take(loss.first);
      second.take(loss.second);
      let { value } = loss;
      if (sts.middle.weight > 0) {
        const middle = middleLayerLoss(first.middle(), second.middle(), scores, sts.tau);
        value += sts.middle.weight * middle.value;
        first.takeMiddle(scaled(middle.gradients.first, sts.middle.weight));
        second.takeMiddle(scaled(middle.gradients.second, sts.middle.weight));
      }
      return { loss: value, rows: batch.pairs.map(({ line }) => ({ line, loss: value })) };
    };
  }
}

type RowsOutcome = Pick<StepOutcome, 'loss' | 'rows'> & { readonly inverseTemperature?: number };

/** Unmarked texts that are encoded for a lone negative: each costs a pass. */
const LONE_UNMARKED_COUNT = 8;

type Role = 'query' | 'document';
type Noise = 'noisy' | 'clean';

/** Encodings that were asked for, row by row, and where their gradient goes. */
interface Asked {
  value(): Matrix;
  take(gradient: Matrix): void;
  /** The same of the middle layer; only where the encoder was opened with one. */
  middle(): Matrix;
  takeMiddle(gradient: Matrix): void;
}

/** All encodings of one step: each text once for its role and noise, whoever asks for it. */
class Encodings {
  private readonly keys = new Map<string, number>();
  private readonly entries: { readonly sequence: Sequence; readonly noise: Noise }[] = [];
  private chunks: { readonly indexes: readonly number[]; readonly inputs: ChunkInputs }[] = [];
  private values: Matrix = zeros(0, 0);
  private gradient: Matrix = zeros(0, 0);

  constructor(
    private readonly task: BiEncoderTask,
    private readonly sequences: Map<string, Sequence>,
    private readonly stepIndex: number,
  ) {}

  ask(texts: readonly number[], role: Role, noise: Noise): Asked {
    const rows = texts.map((text) => this.entry(text, role, noise));
    const { dimension } = this.task.checkpoint;
    const valueFrom = (start: number): Matrix => {
      const out = zeros(rows.length, dimension);
      rows.forEach((row, i) =>
        rowOf(out, i).set(rowOf(this.values, row).subarray(start, start + dimension)),
      );
      return out;
    };
    const takeAt = (start: number, gradient: Matrix): void =>
      rows.forEach((row, i) => {
        const [sum, own] = [rowOf(this.gradient, row), rowOf(gradient, i)];
        for (let d = 0; d < dimension; d++) sum[start + d]! += own[d]!;
      });
    return {
      value: () => valueFrom(0),
      take: (gradient) => takeAt(0, gradient),
      middle: () => valueFrom(dimension),
      takeMiddle: (gradient) => takeAt(dimension, gradient),
    };
  }

  async encode(): Promise<void> {
    const { encoder } = this.task;
    const { width } = this;
    this.values = zeros(this.entries.length, width);
    this.gradient = zeros(this.entries.length, width);
    this.chunks = (['noisy', 'clean'] as const).flatMap((noise) => this.cut(noise));
    for (const { indexes, inputs } of this.chunks) {
      const rows = await encoder.encode(inputs);
      indexes.forEach((entry, row) => {
        rowOf(this.values, entry).set(rows.subarray(row * width, (row + 1) * width));
      });
    }
  }

  /** The second pass: gradients of the weights from those of the encodings. */
  async gradients(): Promise<Map<string, Float32Array>> {
    const { encoder } = this.task;
    const sums = encoder.zeroSums();
    for (const { indexes, inputs } of this.chunks) {
      const gradient = new Float32Array(indexes.length * this.width);
      indexes.forEach((entry, row) => gradient.set(rowOf(this.gradient, entry), row * this.width));
      if (gradient.some((value) => value !== 0)) await encoder.addGradients(inputs, gradient, sums);
    }
    return sums;
  }

  /** Of a row: the embedding, and that of the middle layer behind it where there is one. */
  private get width(): number {
    const { checkpoint, recipe } = this.task;
    return recipe.sts.middle.weight > 0 ? 2 * checkpoint.dimension : checkpoint.dimension;
  }

  private entry(text: number, role: Role, asked: Noise): number {
    // Without dropout there is one encoding of a text, and it need not be made twice.
    const noise = this.task.recipe.dropout > 0 ? asked : 'clean';
    const key = `${noise} ${role} ${text}`;
    const known = this.keys.get(key);
    if (known !== undefined) return known;
    const index = this.entries.length;
    this.keys.set(key, index);
    this.entries.push({ sequence: this.sequence(text, role), noise });
    return index;
  }

  private sequence(text: number, role: Role): Sequence {
    const key = `${role} ${text}`;
    const known = this.sequences.get(key);
    if (known) return known;
    const { checkpoint, tokenizer, plan, recipe } = this.task;
    const maxTokens = Math.min(checkpoint.maxTokens, recipe.maxTokens);
    const content = checkpoint.templates[role] + plan.texts[text]!;
    const made = frameText({ tokenizer, checkpoint: { maxTokens } }, content);
    this.sequences.set(key, made);
    return made;
  }

  private cut(noise: Noise): typeof this.chunks {
    const { recipe, seed, encoder, tokenizer } = this.task;
    const own = this.entries.flatMap((entry, index) => (entry.noise === noise ? [index] : []));
    const options: ChunkOptions = {
      ...{ padId: tokenizer.padId, tokenBudget: recipe.chunkTokens, masks: encoder.masks },
      ...{ dropout: recipe.dropout, seed },
    };
    const chunks = cutChunks(
      own.map((index) => this.entries[index]!.sequence),
      recipe.chunkTokens,
    );
    return chunks.map((places, chunk) => {
      const indexes = places.map((place) => own[place]!);
      const dropped =
        noise === 'noisy' ? { purpose: `chunk ${chunk}`, step: this.stepIndex } : undefined;
      const inputs = chunkInputs(
        indexes.map((index) => this.entries[index]!.sequence),
        options,
        dropped,
      );
      return { indexes, inputs };
    });
  }
}
