/**
 * The cross-encoder in training by localized contrastive estimation: a group is a query's positive and negatives, scored
 * pair by pair. Groups do not meet in the loss, so a chunk is a few whole groups, and loss and gradient are one run.
 */
import { sample, seededRandom } from '../../base/random';
import type { Sequence } from '../encoders/batches';
import type { Checkpoint } from '../encoders/checkpoint';
import { framePair } from '../encoders/crossEncoder';
import type { FramedTokenizer } from '../encoders/tokenizer';
import { DataType, makeValue } from '../onnx/model';
import { type Batch, BatchMaker } from './batchMaker';
import { type ChunkOptions, chunkInputs, cutChunks } from './chunks';
import type { LossPart } from './encoderGraphs';
import type { Learner, StepOutcome, Weight } from './loop';
import { type Group, groupFeeds, writeLocalizedContrastive } from './losses/localizedContrastive';
import { type Matrix, meanOf, scaled } from './losses/matrix';
import { ndcgAt } from './metrics';
import { type Plan, type Row, documentsOf, seedFor } from './plan';
import type { Recipe } from './recipe';
import type { ChunkInputs, TrainableEncoder } from './trainableEncoder';

export interface CrossEncoderTask {
  readonly plan: Plan;
  readonly recipe: Recipe;
  readonly seed: number;
  readonly checkpoint: Checkpoint;
  readonly tokenizer: FramedTokenizer;
  /** Opened with `groupLoss`. */
  readonly encoder: TrainableEncoder;
}

const FEEDS = ['repeat', 'targets', 'offsets', 'shares'] as const;
const INDEX = 'groups/index';

/** LCE over the scores of a chunk: `groups/index` says which score stands where, `[groups, width]`. */
export function groupLoss(temperature: number): LossPart {
  return {
    write(write, encoded) {
      const { graph } = write;
      const shapes = {
        repeat: ['groups.rows', 'groups.count'],
        targets: ['groups.rows', 'groups.width'],
        offsets: ['groups.rows', 'groups.width'],
        shares: ['groups.rows', 1],
      } as const;
      for (const name of FEEDS)
        graph.proto.input.push(makeValue(`groups/${name}`, DataType.FLOAT, shapes[name]));
      graph.proto.input.push(makeValue(INDEX, DataType.INT64, ['groups.count', 'groups.width']));
      const scores = write.gather(write.reshape(encoded, [-1]), INDEX);
      const feeds = Object.fromEntries(FEEDS.map((name) => [name, `groups/${name}`])) as Record<
        (typeof FEEDS)[number],
        string
      >;
      return writeLocalizedContrastive(write, scores, feeds, temperature);
    },
  };
}

/** Texts of no mark that stand beside a held-out group that has few of its own. */
const HELD_OUT_GROUP = 20;

/** A query's texts: positives first. */
interface TextGroup {
  readonly row: Row;
  readonly positiveCount: number;
  readonly texts: readonly number[];
  readonly weights: readonly number[];
}

export class CrossEncoderLearner implements Learner {
  readonly weights: ReadonlyMap<string, Weight>;
  private readonly batches: BatchMaker;
  private readonly documents: readonly number[];
  private readonly heldOut: readonly TextGroup[];
  private readonly ids = new Map<string, Sequence>();

  constructor(private readonly task: CrossEncoderTask) {
    const { plan, encoder, recipe } = task;
    this.weights = encoder.weights;
    this.documents = documentsOf(plan);
    const train = {
      ...plan.train,
      rows: plan.train.rows.filter(({ positives }) => positives.length > 0),
    };
    // No positive, no group: the anchor and the mask of duplicates by embedding are for bi-encoders.
    const plain = { ...recipe, anchor: 0, duplicateCosine: 1 };
    this.batches = new BatchMaker({
      ...task,
      plan: { ...plan, train },
      recipe: plain,
      dimension: 0,
    });
    this.heldOut = plan.heldOut.rows
      .filter(({ positives }) => positives.length > 0)
      .map((row) => this.filled(row, row.positives, row.negatives, HELD_OUT_GROUP, row.line));
  }

  async step(stepIndex: number): Promise<StepOutcome> {
    const { encoder, recipe } = this.task;
    const batch = this.batches.at(stepIndex);
    const groups = batch.kind === 'rows' ? this.groupsOf(batch, stepIndex) : [];
    const sums = encoder.zeroSums();
    const rows: { line: number; loss: number }[] = [];
    let loss = 0;
    for (const [index, chunk] of this.chunksOf(groups).entries()) {
      const inputs = this.inputsOf(chunk, { purpose: `chunk ${index}`, step: stepIndex });
      const part = await encoder.step({ ...inputs, ...this.feeds(chunk, groups.length) }, sums);
      loss += part;
      // A chunk gives one number for all of its groups.
      const mean = (part * groups.length) / chunk.length;
      for (const { row } of chunk) rows.push({ line: row.line, loss: mean });
    }
    return { loss: recipe.rows > 0 ? loss : 0, gradients: sums, rows };
  }

  async evaluate(): Promise<number> {
    if (this.heldOut.length === 0) return 0;
    const values: number[] = [];
    for (const group of this.heldOut) {
      const scores = await this.score(group);
      const ranked = group.texts
        .map((_, index) => ({ index, score: scores[index]! }))
        .sort((a, b) => b.score - a.score || b.index - a.index);
      const gains = ranked.map(({ index }) => (index < group.positiveCount ? 1 : 0));
      values.push(
        ndcgAt(
          10,
          gains,
          group.texts.slice(0, group.positiveCount).map(() => 1),
        ),
      );
    }
    return meanOf(values);
  }

  private async score(group: TextGroup): Promise<Float32Array> {
    const sequences = group.texts.map((text) => this.sequence(group.row.query, text));
    const out = new Float32Array(sequences.length);
    for (const places of cutChunks(sequences, this.task.recipe.chunkTokens)) {
      const inputs = chunkInputs(
        places.map((place) => sequences[place]!),
        this.options,
        undefined,
      );
      const scores = await this.task.encoder.encode(inputs);
      places.forEach((place, row) => (out[place] = scores[row]!));
    }
    return out;
  }

  private groupsOf(batch: Batch & { readonly kind: 'rows' }, stepIndex: number): TextGroup[] {
    const { recipe } = this.task;
    return batch.rows.map((row, index) => {
      const own = batch.negatives.filter((_, place) => batch.owners[place] === index);
      const random = seededRandom(seedFor(this.task.seed, `positives ${row.line}`, stepIndex));
      const positives = sample(row.positives, recipe.positives, random);
      return this.filled(row, positives, own, positives.length + recipe.negatives, stepIndex);
    });
  }

  /** A group of so many texts: what the row has, and texts drawn at random where that is too few. */
  private filled(
    row: Row,
    positives: readonly number[],
    negatives: readonly number[],
    size: number,
    step: number,
  ): TextGroup {
    const own = new Set([...row.positives, ...row.negatives]);
    const random = seededRandom(seedFor(this.task.seed, `fill ${row.line}`, step));
    const missing = Math.max(0, size - positives.length - negatives.length);
    const others =
      missing === 0
        ? []
        : sample(
            this.documents.filter((text) => !own.has(text)),
            missing,
            random,
          );
    const weightOf = (text: number): number =>
      row.negativeWeights[row.negatives.indexOf(text)] ?? 1;
    const all = [...negatives, ...others].slice(0, Math.max(0, size - positives.length));
    return {
      row,
      positiveCount: positives.length,
      texts: [...positives, ...all],
      weights: all.map(weightOf),
    };
  }

  /** Whole groups by the budget of tokens; a group that alone is too long is a chunk of its own. */
  private chunksOf(groups: readonly TextGroup[]): TextGroup[][] {
    const chunks: TextGroup[][] = [];
    let [count, longest] = [0, 0];
    for (const group of groups) {
      const width = Math.max(
        ...group.texts.map((text) => this.sequence(group.row.query, text).ids.length),
      );
      const isFull =
        (count + group.texts.length) * Math.max(longest, width) > this.task.recipe.chunkTokens;
      if (chunks.length === 0 || isFull) {
        chunks.push([]);
        [count, longest] = [0, 0];
      }
      chunks.at(-1)!.push(group);
      count += group.texts.length;
      longest = Math.max(longest, width);
    }
    return chunks;
  }

  private inputsOf(
    chunk: readonly TextGroup[],
    noise: { readonly purpose: string; readonly step: number },
  ): ChunkInputs {
    const sequences = chunk.flatMap(({ row, texts }) =>
      texts.map((text) => this.sequence(row.query, text)),
    );
    return chunkInputs(sequences, this.options, this.task.recipe.dropout > 0 ? noise : undefined);
  }

  private feeds(chunk: readonly TextGroup[], groupCount: number): ChunkInputs {
    const width = Math.max(...chunk.map(({ texts }) => texts.length));
    const groups = chunk.map(({ positiveCount, texts, weights }): Group => ({
      positiveCount,
      negativeCount: texts.length - positiveCount,
      weights,
    }));
    const { repeat, targets, offsets, shares } = groupFeeds(groups, width);
    const index = new BigInt64Array(chunk.length * width);
    let next = 0;
    chunk.forEach(({ texts }, group) => {
      for (let i = 0; i < texts.length; i++) index[group * width + i] = BigInt(next++);
    });
    return {
      ...values('repeat', repeat),
      ...values('targets', targets),
      ...values('offsets', offsets),
      // The mean is over the groups of the step, of which these are a part.
      ...values('shares', scaled(shares, chunk.length / groupCount)),
      [INDEX]: { data: index, shape: [chunk.length, width] },
    };
  }

  private sequence(query: number, text: number): Sequence {
    const key = `${query} ${text}`;
    const known = this.ids.get(key);
    if (known) return known;
    const { tokenizer, checkpoint, recipe, plan } = this.task;
    const maxTokens = Math.min(checkpoint.maxTokens, recipe.maxTokens);
    const parts = { tokenizer, checkpoint: { maxTokens } };
    const made = framePair(parts, tokenizer.encode(plan.texts[query]!), plan.texts[text]!);
    this.ids.set(key, made);
    return made;
  }

  private get options(): ChunkOptions {
    const { tokenizer, recipe, encoder, seed } = this.task;
    const { chunkTokens: tokenBudget, dropout } = recipe;
    return { padId: tokenizer.padId, tokenBudget, masks: encoder.masks, dropout, seed };
  }
}

function values(name: (typeof FEEDS)[number], { rows, columns, data }: Matrix): ChunkInputs {
  return { [`groups/${name}`]: { data: Float32Array.from(data), shape: [rows, columns] } };
}
