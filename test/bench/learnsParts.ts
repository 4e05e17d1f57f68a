/** What each part of the search makes of marks: it learns, and the judged queries are asked before and after. */
import * as fs from 'node:fs';
import { installationRoot } from '../../src/base/installation';
import { dot } from '../../src/base/vector';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import { type Checkpoint, readModelBytes } from '../../src/engine/encoders/checkpoint';
import { framePair } from '../../src/engine/encoders/crossEncoder';
import { applyHead } from '../../src/engine/encoders/heads';
import { type FramedTokenizer, loadTokenizer } from '../../src/engine/encoders/tokenizer';
import { firstStageConfidence, rerankShares } from '../../src/engine/search/rerank';
import { DEFAULT_WEIGHTS } from '../../src/engine/search/weights';
import { BiEncoderLearner } from '../../src/engine/training/biEncoderLearner';
import { chunkInputs, cutChunks } from '../../src/engine/training/chunks';
import { RunControl } from '../../src/engine/training/control';
import { CrossEncoderLearner, groupLoss } from '../../src/engine/training/crossEncoderLearner';
import { HeadLearner } from '../../src/engine/training/headLearner';
import { settle } from '../../src/engine/training/kept';
import {
  type Learner,
  type LoopProgress,
  runLoop,
  setWeights,
} from '../../src/engine/training/loop';
import { mergeCheckpoints } from '../../src/engine/training/merge';
import type { Plan } from '../../src/engine/training/plan';
import type { Recipe } from '../../src/engine/training/recipe';
import { RetrievalLossGraphs } from '../../src/engine/training/retrievalLossGraph';
import {
  type TrainableEncoder,
  openTrainableEncoder,
} from '../../src/engine/training/trainableEncoder';
import { judgedDepth } from './learnsRecords';
import { type BaseRows, embeddedTexts, type MarkedSet, nearest, rankedNdcg } from './markedSet';
import { benchCache } from './quality';
import { benchOption, note, timed } from './report';
import { embedWith } from './trainedRows';

type Rows = readonly Float32Array[];

export const threads = Number(benchOption('threads') ?? 2);

/** What is learnt from, and what it is judged by. */
interface PartTask {
  readonly set: MarkedSet;
  readonly rows: BaseRows;
  readonly plan: Plan;
  readonly recipe: Recipe;
}

interface EmbeddingTask extends PartTask {
  /** The bi-encoder that embeds. */
  readonly checkpoint: Checkpoint;
}

export interface Learned {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly seconds: number;
  /** The same in another way of asking. */
  readonly beside?: {
    readonly label: string;
    readonly before: readonly number[];
    readonly after: readonly number[];
  };
}

export async function learnHead(
  kind: 'query-head' | 'shared-head',
  { set, rows, plan, recipe, checkpoint }: EmbeddingTask,
): Promise<Learned> {
  const { dimension } = checkpoint;
  const vectors = await vectorsOf(set, rows, plan, checkpoint);
  const losses = new RetrievalLossGraphs(dimension);
  const task = { kind, plan, vectors, dimension, base: '', recipe, seed: 1, losses };
  const learner = new HeadLearner(task);
  const { ms } = await timed(() => learn(learner, recipe));
  if (!isJudged) return { before: [], after: [], seconds: ms / 1000 };
  const map = (row: Float32Array): Float32Array => applyHead(learner.head, row);
  const documents = kind === 'shared-head' ? rows.documents.map(map) : rows.documents;
  return {
    before: figuresOf(set, rows.queries, rows.documents),
    after: figuresOf(set, rows.queries.map(map), documents),
    seconds: ms / 1000,
  };
}

/** The last layers; the corpus is embedded anew with what was learnt. */
export async function learnBi(given: EmbeddingTask): Promise<Learned> {
  const { set, rows, plan, recipe, checkpoint } = given;
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const encoder = await openTrainableEncoder(await readModelBytes(checkpoint.modelFile), {
    ...{ pooling: checkpoint.pooling, selection: { lastLayers: recipe.layers } },
    threads: recipe.threads,
  });
  const vectors = await vectorsOf(set, rows, plan, checkpoint);
  const task = { plan, recipe, seed: 1, checkpoint, tokenizer, encoder, vectors };
  const learner = new BiEncoderLearner(task);
  const { ms } = await timed(() => learn(learner, recipe));
  if (!isJudged) return { before: [], after: [], seconds: ms / 1000 };
  const embed = (texts: readonly string[], role: 'query' | 'document'): Promise<Float32Array[]> =>
    embedWith(encoder, { tokenizer, checkpoint, role }, texts);
  const queries = await embed(
    set.queries.map(({ text }) => text),
    'query',
  );
  note('embedding the corpus anew');
  const documents = await embed(set.documents, 'document');
  encoder.dispose();
  return {
    before: figuresOf(set, rows.queries, rows.documents),
    after: figuresOf(set, queries, documents),
    seconds: ms / 1000,
  };
}

/** nDCG@10 of each judged query, by embeddings. */
function figuresOf({ queries }: MarkedSet, asked: Rows, documents: Rows): number[] {
  return queries.map(({ relevant }, at) =>
    rankedNdcg(nearest(asked[at]!, documents, 10), relevant),
  );
}

/** Runs to the end and leaves the best state in the learner. */
export async function learn(learner: Learner, recipe: Recipe): Promise<void> {
  const onProgress = ({ step, loss, metric }: LoopProgress): void => {
    // Before the first step there is no loss yet.
    if (step > 0 && step % 10 === 0)
      note(`step ${step}, loss ${loss.toFixed(4)}, held out ${metric?.toFixed(4) ?? '-'}`);
  };
  const result = await runLoop({ learner, recipe, control: new RunControl(), onProgress });
  const { metric, steps, pull } = await settle(learner, result, recipe);
  note(
    `held out ${result.baseMetric.toFixed(4)} -> ${metric.toFixed(4)}, steps ${steps.join()}, pull ${pull}`,
  );
}

/** Base embeddings of the plan's texts: documents, marked queries, and what texts say of themselves. */
async function vectorsOf(
  set: MarkedSet,
  rows: BaseRows,
  plan: Plan,
  checkpoint: Checkpoint,
): Promise<Float32Array> {
  const { dimension } = checkpoint;
  const rowOf = new Map<string, Float32Array>();
  set.documents.forEach((text, at) => rowOf.set(text, rows.documents[at]!));
  set.marks.forEach(({ query }, at) => rowOf.set(query, rows.marks[at]!));
  const others = plan.texts.filter((text) => !rowOf.has(text));
  for (const [text, row] of await embeddedTexts(others, checkpoint)) rowOf.set(text, row);
  const vectors = new Float32Array(plan.texts.length * dimension);
  plan.texts.forEach((text, at) => vectors.set(rowOf.get(text)!, at * dimension));
  return vectors;
}

/** The cross-encoder alone puts the base's best in order, and then as the product does it: blended with the base. */
export async function learnCross({ set, rows, plan, recipe }: PartTask): Promise<Learned> {
  const { encoder, learnerOf, tokenizer } = await openCross(plan, recipe);
  const candidates = rows.queries.map((row) => nearest(row, rows.documents, judgedDepth));
  const scoresNow = async (): Promise<(readonly number[] | undefined)[]> => {
    const all: (readonly number[] | undefined)[] = [];
    for (const [at, { text, relevant }] of set.queries.entries()) {
      const own = candidates[at]!;
      // Where no answer is among them no order can help.
      const isHopeless = !own.some((document) => relevant.includes(document));
      const texts = own.map((document) => set.documents[document]!);
      all.push(
        isHopeless ? undefined : [...(await scorePairs(encoder, tokenizer, text, texts, recipe))],
      );
    }
    return all;
  };
  const ordered = (scores: readonly (readonly number[] | undefined)[]): number[] =>
    set.queries.map(({ relevant }, at) => {
      const [own, values] = [candidates[at]!, scores[at]];
      if (!values) return 0;
      const order = own.map((_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);
      return rankedNdcg(
        order.map((i) => own[i]!),
        relevant,
      );
    });
  const blended = (scores: readonly (readonly number[] | undefined)[]): number[] =>
    ordered(
      scores.map((values, at) => {
        const cosines = candidates[at]!.map((other) =>
          dot(rows.queries[at]!, rows.documents[other]!),
        );
        const most = DEFAULT_WEIGHTS.rerank * (1 - firstStageConfidence(cosines)) * cosines[0]!;
        return values && rerankShares(values).map(({ share }, i) => cosines[i]! + most * share);
      }),
    );
  const start = isJudged
    ? await kept(`cross-${set.name}-${judgedDepth}-${recipe.maxTokens}`, scoresNow)
    : [];
  const { ms } = await timed(() => learnBySeeds(learnerOf, recipe));
  const end = isJudged ? await scoresNow() : [];
  encoder.dispose();
  if (!isJudged) return { before: [], after: [], seconds: ms / 1000 };
  return {
    ...{ before: ordered(start), after: ordered(end), seconds: ms / 1000 },
    beside: { label: 'blended with the base', before: blended(start), after: blended(end) },
  };
}

/** Each seed learns from the same start, and what they come to is averaged: order and sampling count for less. */
async function learnBySeeds(
  learnerOf: (seed: number) => CrossEncoderLearner,
  recipe: Recipe,
): Promise<void> {
  const { weights } = learnerOf(1);
  const copy = (): ReadonlyMap<string, Float32Array> =>
    new Map([...weights].map(([name, { data }]) => [name, Float32Array.from(data)]));
  const start = copy();
  const ends: ReadonlyMap<string, Float32Array>[] = [];
  for (const seed of (benchOption('seeds') ?? '1').split(',').map(Number)) {
    setWeights(weights, start);
    await learn(learnerOf(seed), recipe);
    ends.push(copy());
  }
  if (ends.length < 2) return;
  setWeights(weights, mergeCheckpoints(start, ends, 'average', 1));
  note(`average of ${ends.length} seeds: held out ${(await learnerOf(1).evaluate()).toFixed(4)}`);
}

/** Off while recipes are chosen: the held-out marks alone say which is better. */
const isJudged = benchOption('judge') !== 'off';
/** What does not change between runs, from a file below .cache/bench/learns, or worked out and kept there. */
async function kept<T>(name: string, make: () => Promise<T>): Promise<T> {
  const file = benchCache('learns', `${name}.json`);
  if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, 'utf8')) as T;
  const made = await make();
  fs.writeFileSync(file, JSON.stringify(made));
  return made;
}

async function scorePairs(
  encoder: TrainableEncoder,
  tokenizer: FramedTokenizer,
  query: string,
  texts: readonly string[],
  { maxTokens }: Recipe,
): Promise<Float32Array> {
  const ids = tokenizer.encode(query);
  const sequences = texts.map((text) =>
    framePair({ tokenizer, checkpoint: { maxTokens } }, ids, text),
  );
  const out = new Float32Array(texts.length);
  const options = { padId: tokenizer.padId, tokenBudget: 1024, masks: [], dropout: 0, seed: 0 };
  for (const places of cutChunks(sequences, options.tokenBudget)) {
    const inputs = chunkInputs(
      places.map((place) => sequences[place]!),
      options,
      undefined,
    );
    const scores = await encoder.encode(inputs);
    places.forEach((place, row) => (out[place] = scores[row]!));
  }
  return out;
}

export async function openCross(
  plan: Plan,
  recipe: Recipe,
): Promise<{
  readonly encoder: TrainableEncoder;
  readonly learnerOf: (seed: number) => CrossEncoderLearner;
  readonly tokenizer: FramedTokenizer;
}> {
  const checkpoint = await readBundledCheckpoint(installationRoot(), 'cross-encoder');
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const encoder = await openTrainableEncoder(await readModelBytes(checkpoint.modelFile), {
    selection: recipe.scope === 'last-layers' ? { lastLayers: recipe.layers } : {},
    loss: groupLoss(recipe),
    threads: recipe.threads,
  });
  const learnerOf = (seed: number): CrossEncoderLearner =>
    new CrossEncoderLearner({ plan, recipe, seed, checkpoint, tokenizer, encoder });
  return { encoder, learnerOf, tokenizer };
}
