/** Trains the bi-encoder or the cross-encoder from files: opens the graphs, runs the loop, exports and verifies. */
import * as path from 'node:path';
import { NearmissError } from '../../base/errors';
import { DisposableStore } from '../../base/lifecycle';
import { seededRandom } from '../../base/random';
import { cosine } from '../../base/vector';
import type { Sequence } from '../encoders/batches';
import { createEmbedder, frameText } from '../encoders/biEncoder';
import { readCheckpoint, readModelBytes } from '../encoders/checkpoint';
import { createReranker, framePair } from '../encoders/crossEncoder';
import { buildGraph } from '../encoders/graphs';
import { ADAPTER_FILE } from '../encoders/heads';
import { encodeSafetensors } from '../encoders/safetensors';
import { createSession } from '../encoders/session';
import { type FramedTokenizer, loadTokenizer } from '../encoders/tokenizer';
import { chunkInputs } from './chunks';
import { BiEncoderLearner } from './biEncoderLearner';
import { CrossEncoderLearner, groupLoss } from './crossEncoderLearner';
import { type EncoderGraphOptions, type EncoderGraphs, buildEncoderGraphs } from './encoderGraphs';
import { type Means, settleMeans, withFallback } from './encoderMeans';
import { TRIAL_SIZES, type TrainingProvider } from './device';
import { exportCheckpoint, mergeAdapters } from './exportCheckpoint';
import { type Settled, settle } from './kept';
import { type Learner, type LoopResult, runLoop } from './loop';
import type { Recipe } from './recipe';
import { hasMarks, reviewedPlan } from './quarantine';
import { type RunFiles, writeWhole } from './runFiles';
import { embedTexts } from './texts';
import type { PartResult, TrainingContext } from './context';
import { type TrainableEncoder, openEncoderGraphs } from './trainableEncoder';

type EncoderPart = 'bi-encoder' | 'cross-encoder';

/** Smallest cosine of what was written with what was trained, by how its weights are kept. */
const SMALLEST_COSINE: Readonly<Record<Recipe['weights'], number>> = {
  fp32: 0.9999,
  mixed: 0.9999,
  'as-base': 0.98,
};
/** Largest difference of logits. */
const LARGEST_DIFFERENCE: Readonly<Record<Recipe['weights'], number>> = {
  fp32: 0.001,
  mixed: 0.001,
  'as-base': 0.5,
};
const WEIGHT_WORDS: Readonly<Record<Recipe['weights'], string>> = {
  'as-base': 'as the base has them',
  fp32: 'in 32-bit floats',
  mixed: 'in 32-bit floats where it was trained, else as the base has them',
};
/** Texts that what was written is compared on. */
const COMPARED_COUNT = 8;

/** Opens built graphs on a provider; another one in tests of faults. */
type OpenGraphs = typeof openEncoderGraphs;

/** Runs to the end and publishes a whole checkpoint, and the adapters beside it where those were trained. */
export async function trainEncoder(
  part: EncoderPart,
  given: TrainingContext,
  files: RunFiles,
  open: OpenGraphs = openEncoderGraphs,
): Promise<PartResult> {
  const { base, recipe } = given;
  const tokenizer = await loadTokenizer(base.folder);
  given.tell({ stage: 'building graphs', done: 0, total: 1 });
  const bytes = await readModelBytes(base.modelFile);
  const graphs = await buildEncoderGraphs(bytes, graphOptions(part, given));
  const { vectors, dimension } = await baseVectors(part, given);
  const context = { ...given, plan: reviewedPlan(given, vectors, dimension) };
  const run = { part, context, files, tokenizer, graphs, vectors, open };
  const means = await settleMeans({
    ...{ context, files, graphs },
    withTrial: (provider, chunkTokens, action) => {
      const small = {
        rows: Math.min(recipe.rows, TRIAL_SIZES.rows),
        negatives: Math.min(recipe.negatives, TRIAL_SIZES.negatives),
      };
      return withLearner(run, { ...recipe, ...small, chunkTokens }, provider, action);
    },
  });
  const start = copyOf(graphs);
  return withFallback(means, { context, files }, async (now, isFirst) => {
    const resumed = isFirst ? context.resumed : await files.lastState();
    restore(graphs, start);
    const own = { ...recipe, chunkTokens: now.chunkTokens };
    return withLearner(run, own, now.provider, async (learner, encoder) => {
      const result = await runLoop({
        ...{ learner, recipe: own, control: context.control, resumed },
        save: (state) => files.saveState(state),
        onProgress: context.tellLoop,
      });
      const settled = await settle(learner, result, own, context);
      await publish(part, { context, files, result, settled, tokenizer, encoder, means: now });
      return { ...result, settled, part };
    });
  });
}

interface EncoderRun {
  readonly part: EncoderPart;
  readonly context: TrainingContext;
  readonly tokenizer: FramedTokenizer;
  readonly graphs: EncoderGraphs;
  readonly vectors: Float32Array | undefined;
  readonly open: OpenGraphs;
}

/** Opens the graphs on a provider and makes the part's learner, for the length of the action. */
async function withLearner<T>(
  { part, context, tokenizer, graphs, vectors, open }: EncoderRun,
  recipe: Recipe,
  provider: TrainingProvider,
  action: (learner: Learner, encoder: TrainableEncoder) => Promise<T>,
): Promise<T> {
  const owned = new DisposableStore();
  try {
    const encoder = owned.add(await open(graphs, { provider, threads: recipe.threads }));
    const { plan, seed, base: checkpoint } = context;
    const task = { plan, recipe, seed, checkpoint, tokenizer, encoder, vectors };
    const learner =
      part === 'cross-encoder'
        ? new CrossEncoderLearner(task)
        : owned.add(new BiEncoderLearner(task));
    return await action(learner, encoder);
  } finally {
    owned.dispose();
  }
}

/** The graphs' weights are one set for all encoders opened from them: a second attempt starts from the first numbers. */
function copyOf({ fed }: EncoderGraphs): readonly Float32Array[] {
  return fed.map(({ data }) => Float32Array.from(data));
}

function restore({ fed }: EncoderGraphs, start: readonly Float32Array[]): void {
  fed.forEach(({ data }, index) => data.set(start[index]!));
}

function graphOptions(
  part: EncoderPart,
  { base, recipe, seed }: TrainingContext,
): EncoderGraphOptions {
  const { scope, layers, rank, dropout, trainEmbeddings, sts } = recipe;
  const hasMiddle = part === 'bi-encoder' && sts.middle.weight > 0;
  return {
    middleLayer: hasMiddle ? sts.middle.layer : undefined,
    pooling: part === 'bi-encoder' ? base.pooling : undefined,
    selection: {
      lastLayers: scope === 'last-layers' ? layers : undefined,
      tables: scope === 'all' && trainEmbeddings,
    },
    adapters: scope === 'adapters' ? { rank, random: seededRandom(seed) } : undefined,
    dropout: dropout > 0 ? ['hidden', 'attention'] : undefined,
    loss: part === 'cross-encoder' ? groupLoss(recipe) : undefined,
  };
}

interface Parts {
  readonly context: TrainingContext;
  readonly tokenizer: FramedTokenizer;
  readonly encoder: TrainableEncoder;
}

/** What marks are reviewed by, and for a bi-encoder what the anchor and the mask of duplicates compare with. */
async function baseVectors(
  part: EncoderPart,
  context: TrainingContext,
): Promise<{ readonly vectors?: Float32Array; readonly dimension: number }> {
  const { plan, recipe, dataFolder, control } = context;
  const isCompared = part === 'bi-encoder' && (recipe.anchor > 0 || recipe.duplicateCosine < 1);
  if (!isCompared && !(recipe.quarantine && hasMarks(plan))) return { dimension: 0 };
  const embedder = await context.openEmbedder();
  try {
    const queries = new Set(plan.train.rows.map(({ query }) => query));
    const vectors = await embedTexts(plan.texts, (index) => queries.has(index), {
      ...{ embedder, dataFolder, control },
      onProgress: (done, total) => context.tell({ stage: 'embedding texts', done, total }),
    });
    return { vectors, dimension: embedder.space.dimension };
  } finally {
    embedder.dispose();
  }
}

async function publish(
  part: EncoderPart,
  run: Parts & {
    readonly files: RunFiles;
    readonly result: LoopResult;
    readonly settled: Settled;
    readonly means: Means;
  },
): Promise<void> {
  const { context, files, result, settled, encoder, tokenizer, means } = run;
  const { base, recipe } = context;
  await files.publish(
    async (folder) => {
      const weights = mergeAdapters(await readModelBytes(base.modelFile), encoder.weights);
      const card = modelCard(part, context, result.baseMetric, settled);
      await exportCheckpoint(base, weights, folder, { weights: recipe.weights, card });
      if (recipe.scope === 'adapters') await writeAdapters(folder, context, encoder);
      const { choice: device, chunkTokens } = means;
      await context.writeRecord(folder, result, settled, { device, chunkTokens });
    },
    (folder) => verify(part, folder, { context, tokenizer, encoder }),
  );
}

/** The adapters alone: a small file that names the base it belongs to. */
async function writeAdapters(
  folder: string,
  { base }: TrainingContext,
  encoder: TrainableEncoder,
): Promise<void> {
  const metadata = { format: 'nearmiss-adapter-1', base: base.fingerprint };
  const bytes = encodeSafetensors({ tensors: encoder.weights, metadata });
  await writeWhole(path.join(folder, ADAPTER_FILE), bytes);
}

/** Loads what was written, runs it on some of the texts, and compares with what was trained. */
async function verify(part: EncoderPart, folder: string, parts: Parts): Promise<void> {
  const checkpoint = await readCheckpoint(folder);
  const tokenizer = await loadTokenizer(folder);
  const session = await createSession(
    buildGraph(await readModelBytes(checkpoint.modelFile), 'fp32'),
  );
  const { plan, recipe, base } = parts.context;
  const own = { checkpoint, tokenizer, session, arithmetic: 'fp32' };
  const texts = plan.texts.slice(0, COMPARED_COUNT);
  try {
    const expected = await runTrained(part, texts, parts);
    const actual =
      part === 'bi-encoder'
        ? await createEmbedder(own).embedDocuments(texts)
        : await createReranker(own).score(texts[0]!, texts);
    const isBi = part === 'bi-encoder';
    const seen = isBi
      ? worstCosine(expected, actual, base.dimension)
      : largestDifference(expected, actual);
    const limit = (isBi ? SMALLEST_COSINE : LARGEST_DIFFERENCE)[recipe.weights];
    if (isBi ? seen >= limit : seen <= limit) return;
    const figure = isBi
      ? `cosine ${seen.toFixed(4)}, at least ${limit}`
      : `scores differ by ${seen.toFixed(3)}, at most ${limit}`;
    throw new NearmissError(
      'model',
      `The model that was written does not give what was trained (${figure})`,
      'Train with "weights": "fp32" in the recipe',
    );
  } finally {
    session.dispose();
  }
}

/** The same texts through the graph that was trained: embeddings, or scores with the first text as the query. */
async function runTrained(
  part: EncoderPart,
  texts: readonly string[],
  { tokenizer, encoder, context: { base: checkpoint } }: Parts,
): Promise<Float32Array> {
  const { padId } = tokenizer;
  const frame = (text: string): Sequence =>
    part === 'bi-encoder'
      ? frameText({ tokenizer, checkpoint }, checkpoint.templates.document + text)
      : framePair({ tokenizer, checkpoint }, tokenizer.encode(texts[0]!), text);
  const rows: Float32Array[] = [];
  for (const text of texts) {
    const options = { padId, tokenBudget: 1, masks: encoder.masks, dropout: 0, seed: 0 };
    const row = await encoder.encode(chunkInputs([frame(text)], options, undefined));
    rows.push(part === 'bi-encoder' ? row.subarray(0, checkpoint.dimension) : row);
  }
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

function worstCosine(a: Float32Array, b: Float32Array, dimension: number): number {
  let worst = 1;
  for (let start = 0; start < a.length; start += dimension) {
    const end = start + dimension;
    worst = Math.min(worst, cosine(a.subarray(start, end), b.subarray(start, end)));
  }
  return worst;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index]!)), 0);
}

function modelCard(
  part: EncoderPart,
  { base, plan, recipe }: TrainingContext,
  before: number,
  { metric, steps }: Settled,
): string {
  const recordCount = plan.train.rows.length + plan.train.pairs.length;
  const weights = WEIGHT_WORDS[recipe.weights];
  return [
    `# ${part}, trained with Nearmiss`,
    '',
    `- **Base.** The checkpoint ${base.fingerprint}; its licence and its card hold for this one too.`,
    `- **Data.** ${recordCount} records; their hash, the recipe and the seed are in \`training.json\`.`,
    `- **Trained.** ${recipe.scope}, the state after ${steps.join(', ')} steps; weights ${weights}.`,
    `- **Held out.** ${before.toFixed(4)} before, ${metric.toFixed(4)} after.`,
    '',
  ].join('\n');
}
