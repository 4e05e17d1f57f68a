/**
 * The bi-encoder in training: a step encodes its texts chunk by chunk, works out the loss over the whole batch, and goes
 * over the chunks a second time with each text's part of the gradient (GradCache), so that memory is needed for one chunk
 * and the number of in-batch negatives is free. Which weights learn was decided when the encoder was opened.
 */
import { sample, seededRandom } from '../../base/random';
import type { Sequence } from '../encoders/batches';
import { frameText } from '../encoders/biEncoder';
import type { Checkpoint } from '../encoders/checkpoint';
import type { FramedTokenizer } from '../encoders/tokenizer';
import { type Batch, BatchMaker } from './batchMaker';
import { type ChunkOptions, chunkInputs, cutChunks } from './chunks';
import { rankingFigure } from './heldOut';
import type { Learner, StepOutcome, Weight } from './loop';
import { type Matrix, dotOf, pairCosines, rowOf, zeros } from './losses/matrix';
import { referenceOf } from './losses/negativeOnly';
import { negativeRowsLoss } from './negativeRows';
import { pairLoss } from './pairStep';
import { type Plan, documentsOf, seedFor } from './plan';
import type { Recipe } from './recipe';
import { retrievalLoss } from './retrievalStep';
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

export class BiEncoderLearner implements Learner {
  readonly weights: ReadonlyMap<string, Weight>;
  private readonly batches: BatchMaker;
  private readonly sequences = new Map<string, Sequence>();
  private readonly pool: readonly number[];

  constructor(private readonly task: BiEncoderTask) {
    const { encoder, plan, checkpoint, seed } = task;
    this.weights = encoder.weights;
    this.batches = new BatchMaker({ ...task, dimension: checkpoint.dimension });
    const wanted = documentsOf({ train: { rows: [], pairs: [] }, heldOut: plan.heldOut });
    const others = documentsOf(plan).filter((text) => !wanted.includes(text));
    const random = seededRandom(seedFor(seed, 'distractors', 0));
    this.pool = [...wanted, ...sample(others, DISTRACTOR_COUNT, random)].sort((a, b) => a - b);
  }

  async step(stepIndex: number): Promise<StepOutcome> {
    const batch = this.batches.at(stepIndex);
    const encodings = new Encodings(this.task, this.sequences, stepIndex);
    const look =
      batch.kind === 'rows'
        ? this.rowsLoss(batch, encodings, stepIndex)
        : this.pairsLoss(batch, encodings);
    await encodings.encode();
    const outcome = look();
    return { ...outcome, gradients: await encodings.gradients() };
  }

  async evaluate(): Promise<number> {
    const { heldOut } = this.task.plan;
    const encodings = new Encodings(this.task, this.sequences, 0);
    const queries = [...heldOut.rows.map(({ query }) => query), ...heldOut.pairs.map(({ a }) => a)];
    const first = encodings.ask(queries, heldOut.rows.length > 0 ? 'query' : 'document', 'clean');
    const second = encodings.ask(this.pool, 'document', 'clean');
    await encodings.encode();
    const [q, d] = [first.value(), second.value()];
    const queryRow = new Map(queries.map((text, row) => [text, row]));
    const documentRow = new Map(this.pool.map((text, row) => [text, row]));
    return rankingFigure(heldOut, this.pool, (query, document) =>
      dotOf(rowOf(q, queryRow.get(query)!), rowOf(d, documentRow.get(document)!)),
    );
  }

  /** Says which texts it needs now; the function it returns works the loss out when they are encoded. */
  private rowsLoss(
    batch: Batch & { readonly kind: 'rows' },
    encodings: Encodings,
    stepIndex: number,
  ): () => Pick<StepOutcome, 'loss' | 'rows'> {
    const { recipe, seed } = this.task;
    const queries = encodings.ask(batch.queries, 'query', 'noisy');
    const positives = encodings.ask(batch.positives, 'document', 'noisy');
    const negatives = encodings.ask(batch.negatives, 'document', 'noisy');
    const isOff = recipe.offDropout.enabled && recipe.dropout > 0;
    const cleanQueries = isOff ? encodings.ask(batch.queries, 'query', 'clean') : undefined;
    const cleanPositives = isOff ? encodings.ask(batch.positives, 'document', 'clean') : undefined;
    const lone = this.loneLoss(batch, encodings);
    const anchor = this.anchorLoss(batch, encodings);
    return () => {
      const extra = lone();
      const rest = extra.loss + anchor();
      if (batch.rows.length === 0) return { loss: rest, rows: extra.rows };
      const clean = cleanQueries &&
        cleanPositives && { queries: cleanQueries.value(), positives: cleanPositives.value() };
      const loss = retrievalLoss(
        {
          ...{ queries: queries.value(), positives: positives.value(), clean },
          negatives: batch.negatives.length > 0 ? negatives.value() : undefined,
          ...{ owners: batch.owners, offsets: batch.offsets, rowWeights: batch.rowWeights },
          isExplicit: batch.rows.map(({ isExplicit }) => isExplicit),
        },
        recipe,
        seededRandom(seedFor(seed, 'mix', stepIndex)),
      );
      queries.take(loss.queries);
      positives.take(loss.positives);
      if (loss.negatives) negatives.take(loss.negatives);
      if (loss.clean) cleanQueries?.take(loss.clean.queries);
      if (loss.clean) cleanPositives?.take(loss.clean.positives);
      const rows = batch.rows.map(({ line }, row) => ({ line, loss: loss.rows[row]! }));
      return { loss: loss.value + rest, rows: [...rows, ...extra.rows] };
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
      const loss = negativeRowsLoss(q, negatives.value(), references, this.task.recipe.tau);
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
      const share = -recipe.anchor / asked.length;
      return asked.reduce((sum, one, index) => {
        const base = zeros(1, checkpoint.dimension);
        const start = batch.anchors[index]! * checkpoint.dimension;
        base.data.set(vectors.subarray(start, start + checkpoint.dimension));
        const cosine = pairCosines(one.value(), base);
        one.take(cosine.back(Float64Array.of(share))[0]);
        return sum + (recipe.anchor * (1 - cosine.value[0]!)) / asked.length;
      }, 0);
    };
  }

  private pairsLoss(
    batch: Batch & { readonly kind: 'pairs' },
    encodings: Encodings,
  ): () => Pick<StepOutcome, 'loss' | 'rows'> {
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
    return () => {
      const cosine = pairCosines(first.value(), second.value());
      const loss = pairLoss(
        cosine.value,
        batch.pairs.map(({ score }) => score),
        this.task.recipe.sts,
      );
      const [a, b] = cosine.back(loss.gradient);
      first.take(a);
      second.take(b);
      return {
        loss: loss.value,
        rows: batch.pairs.map(({ line }) => ({ line, loss: loss.value })),
      };
    };
  }
}

/** Unmarked texts that are encoded for a lone negative: each costs a pass. */
const LONE_UNMARKED_COUNT = 8;

type Role = 'query' | 'document';
type Noise = 'noisy' | 'clean';

/** Encodings that were asked for, row by row, and where their gradient goes. */
interface Asked {
  value(): Matrix;
  take(gradient: Matrix): void;
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
    return {
      value: () => {
        const out = zeros(rows.length, dimension);
        rows.forEach((row, i) => rowOf(out, i).set(rowOf(this.values, row)));
        return out;
      },
      take: (gradient) => {
        rows.forEach((row, i) => {
          const [sum, own] = [rowOf(this.gradient, row), rowOf(gradient, i)];
          for (let d = 0; d < dimension; d++) sum[d]! += own[d]!;
        });
      },
    };
  }

  async encode(): Promise<void> {
    const { encoder, checkpoint } = this.task;
    const { dimension } = checkpoint;
    this.values = zeros(this.entries.length, dimension);
    this.gradient = zeros(this.entries.length, dimension);
    this.chunks = (['noisy', 'clean'] as const).flatMap((noise) => this.cut(noise));
    for (const { indexes, inputs } of this.chunks) {
      const rows = await encoder.encode(inputs);
      indexes.forEach((entry, row) => {
        rowOf(this.values, entry).set(rows.subarray(row * dimension, (row + 1) * dimension));
      });
    }
  }

  /** The second pass: gradients of the weights from those of the encodings. */
  async gradients(): Promise<Map<string, Float32Array>> {
    const { encoder, checkpoint } = this.task;
    const sums = encoder.zeroSums();
    for (const { indexes, inputs } of this.chunks) {
      const gradient = new Float32Array(indexes.length * checkpoint.dimension);
      indexes.forEach((entry, row) =>
        gradient.set(rowOf(this.gradient, entry), row * checkpoint.dimension),
      );
      if (gradient.some((value) => value !== 0)) await encoder.addGradients(inputs, gradient, sums);
    }
    return sums;
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
