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
import { type Matrix, meanOf, rowOf, scaled, zeros } from './losses/matrix';
import { referenceOf, writeNegativeOnlyRows } from './losses/negativeOnly';
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

const MARGIN_FEEDS = ['margins', 'marginShares'] as const;
const LONE_FEEDS = ['references', 'loneShares'] as const;

/**
 * The loss of a chunk of groups; `groups/index` says which score stands where, `[groups, width]`. LCE, and where the
 * recipe has weights for them: GPL's margins of the first score over the others, and marks "not relevant" alone, whose
 * score stands first in a group without positives. What has no weight writes no node.
 */
export function groupLoss({ tau, gpl, negativeOnly }: GroupRecipe): LossPart {
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
      const parts = [writeLocalizedContrastive(write, scores, feeds, tau)];
      const first = write.slice(scores, 1, 0, 1);
      const feed = (name: string, width: number | string): string => {
        const input = `groups/${name}`;
        graph.proto.input.push(makeValue(input, DataType.FLOAT, ['groups.count', width]));
        return input;
      };
      if (gpl.weight > 0) {
        const [margins, shares] = MARGIN_FEEDS.map((name) => feed(name, 'groups.width'));
        const apart = write.sub(write.sub(first, scores), margins!);
        parts.push(
          write.scale(write.reduceSum(write.mul(write.square(apart), shares!)), gpl.weight),
        );
      }
      if (negativeOnly > 0) {
        const [references, shares] = LONE_FEEDS.map((name) => feed(name, 1));
        const rows = writeNegativeOnlyRows(
          write,
          { similarities: first, references: references! },
          tau,
        );
        parts.push(write.scale(write.reduceSum(write.mul(rows, shares!)), negativeOnly));
      }
      return parts.reduce((sum, part) => write.add(sum, part));
    },
  };
}

type GroupRecipe = Pick<Recipe, 'tau' | 'gpl' | 'negativeOnly'>;

/** Texts of no mark that stand beside a held-out group that has few of its own. */
const HELD_OUT_GROUP = 20;

/** A query's texts: positives first. */
interface TextGroup {
  readonly row: Row;
  readonly positiveCount: number;
  readonly texts: readonly number[];
  readonly weights: readonly number[];
  /** Of a mark "not relevant" alone, whose text stands first: what its score is compared with. */
  readonly reference?: number;
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
      rows: plan.train.rows.filter(
        ({ positives }) => positives.length > 0 || recipe.negativeOnly > 0,
      ),
    };
    // The anchor and the mask of duplicates by embedding are for bi-encoders; positives are drawn for groups.
    const plain = { ...recipe, anchor: 0, duplicateCosine: 1, positives: 1 };
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
    const { encoder } = this.task;
    const batch = this.batches.at(stepIndex);
    const groups =
      batch.kind === 'rows'
        ? [...this.groupsOf(batch, stepIndex), ...(await this.loneGroups(batch))]
        : [];
    const counts = countsOf(groups, this.task.recipe);
    const sums = encoder.zeroSums();
    const rows: { line: number; loss: number }[] = [];
    let loss = 0;
    for (const [index, chunk] of this.chunksOf(groups).entries()) {
      const inputs = this.inputsOf(chunk, { purpose: `chunk ${index}`, step: stepIndex });
      const part = await encoder.step({ ...inputs, ...this.feeds(chunk, counts) }, sums);
      loss += part;
      // A chunk gives one number for all of its groups.
      const mean = (part * groups.length) / chunk.length;
      for (const { row } of chunk) rows.push({ line: row.line, loss: mean });
    }
    return { loss, gradients: sums, rows };
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

  /** The marked text of each first, unmarked ones behind it, and their mean score as the weights are now. */
  private async loneGroups({ alone }: Batch & { readonly kind: 'rows' }): Promise<TextGroup[]> {
    const groups: TextGroup[] = [];
    for (const { row, negative, unmarked } of alone) {
      const others = unmarked.slice(0, this.task.recipe.negatives);
      if (others.length === 0) continue;
      const group = { row, positiveCount: 0, texts: [negative, ...others], weights: [] };
      const scores = await this.score(group);
      groups.push({ ...group, reference: referenceOf([...scores].slice(1)) });
    }
    return groups;
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

  private feeds(chunk: readonly TextGroup[], counts: GroupCounts): ChunkInputs {
    const width = Math.max(...chunk.map(({ texts }) => texts.length));
    const hasPositives = chunk.some(({ positiveCount }) => positiveCount > 0);
    const groups = chunk.map(({ row: { weight }, positiveCount, texts, weights }): Group => {
      // A graph takes no empty matrix: where no group has a positive, rows of no weight stand in.
      const first = hasPositives ? positiveCount : 1;
      return { positiveCount: first, negativeCount: texts.length - first, weights, weight };
    });
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
      ...values('shares', scaled(shares, hasPositives ? chunk.length / counts.groups : 0)),
      ...this.marginFeeds(chunk, width, counts),
      ...this.loneFeeds(chunk, counts),
      [INDEX]: { data: index, shape: [chunk.length, width] },
    };
  }

  private marginFeeds(
    chunk: readonly TextGroup[],
    width: number,
    { margins: count }: GroupCounts,
  ): ChunkInputs {
    const { gpl } = this.task.recipe;
    if (gpl.weight === 0) return {};
    const [margins, shares] = [zeros(chunk.length, width), zeros(chunk.length, width)];
    chunk.forEach((group, row) => {
      marginsOf(group).forEach((margin, column) => {
        if (margin === undefined) return;
        rowOf(margins, row)[column] = gpl.scale * margin;
        rowOf(shares, row)[column] = 1 / count;
      });
    });
    return { ...values('margins', margins), ...values('marginShares', shares) };
  }

  private loneFeeds(chunk: readonly TextGroup[], { alone }: GroupCounts): ChunkInputs {
    if (this.task.recipe.negativeOnly === 0) return {};
    const column = (of: (group: TextGroup) => number): Matrix => ({
      ...{ rows: chunk.length, columns: 1 },
      data: Float64Array.from(chunk, of),
    });
    return {
      ...values(
        'references',
        column(({ reference }) => reference ?? 0),
      ),
      ...values(
        'loneShares',
        column(({ reference }) => (reference === undefined ? 0 : 1 / alone)),
      ),
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

/** What the means of a step are over. */
interface GroupCounts {
  /** Groups with a positive. */
  readonly groups: number;
  readonly margins: number;
  readonly alone: number;
}

function countsOf(groups: readonly TextGroup[], { gpl }: Recipe): GroupCounts {
  const isKnown = (margin: number | undefined): boolean => margin !== undefined;
  return {
    groups: groups.filter(({ positiveCount }) => positiveCount > 0).length,
    alone: groups.filter(({ reference }) => reference !== undefined).length,
    margins: gpl.weight > 0 ? groups.flatMap(marginsOf).filter(isKnown).length : 0,
  };
}

/** The teacher's lead of a group's first text over each of its texts, where that text is the one it compared with. */
function marginsOf({ row, positiveCount, texts }: TextGroup): (number | undefined)[] {
  const isCompared = positiveCount > 0 && texts[0] === row.positives[0];
  return texts.map((text, at) => {
    if (!isCompared || at < positiveCount) return undefined;
    const negative = row.negatives.indexOf(text);
    return negative < 0 ? undefined : row.margins?.[negative];
  });
}

type Feed = (typeof FEEDS)[number] | (typeof MARGIN_FEEDS)[number] | (typeof LONE_FEEDS)[number];

function values(name: Feed, { rows, columns, data }: Matrix): ChunkInputs {
  return { [`groups/${name}`]: { data: Float32Array.from(data), shape: [rows, columns] } };
}
