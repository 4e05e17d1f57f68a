/** Trains the bi-encoder or the cross-encoder from files: opens the graphs, runs the loop, exports and verifies. */
import * as path from 'node:path';
import { NearmissError, messageOf } from '../../base/errors';
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
import type { EncoderGraphOptions } from './encoderGraphs';
import { exportCheckpoint, mergeAdapters } from './exportCheckpoint';
import { type Settled, settle } from './kept';
import { type Learner, type LoopResult, runLoop } from './loop';
import type { Recipe } from './recipe';
import { type RunFiles, writeWhole } from './runFiles';
import { embedTexts } from './texts';
import type { PartResult, TrainingContext } from './context';
import { type TrainableEncoder, openTrainableEncoder } from './trainableEncoder';

type EncoderPart = 'bi-encoder' | 'cross-encoder';

/** Smallest cosine of what was written with what was trained, by how its weights are kept. */
const SMALLEST_COSINE: Readonly<Record<Recipe['weights'], number>> = {
  fp32: 0.9999,
  'as-base': 0.98,
};
/** Largest difference of logits. */
const LARGEST_DIFFERENCE: Readonly<Record<Recipe['weights'], number>> = {
  fp32: 0.001,
  'as-base': 0.5,
};
/** Texts that what was written is compared on. */
const COMPARED_COUNT = 8;

/** Runs to the end and publishes a whole checkpoint, and the adapters beside it where those were trained. */
export async function trainEncoder(
  part: EncoderPart,
  context: TrainingContext,
  files: RunFiles,
): Promise<PartResult> {
  const { base, recipe, control } = context;
  const tokenizer = await loadTokenizer(base.folder);
  context.tell({ stage: 'building graphs', done: 0, total: 1 });
  const bytes = await readModelBytes(base.modelFile);
  const options = graphOptions(part, context);
  const encoder = await openOnDevice(bytes, options, context);
  try {
    const learner = await makeLearner(part, { context, tokenizer, encoder });
    const result = await runLoop({
      ...{ learner, recipe, control, resumed: context.resumed },
      save: (state) => files.saveState(state),
      onProgress: context.tellLoop,
    });
    const settled = await settle(learner, result, recipe);
    await publish(part, { context, files, result, settled, tokenizer, encoder });
    return { ...result, settled };
  } finally {
    encoder.dispose();
  }
}

/** On the device that was asked for by name, with the processor behind it; the choice of "auto" is the processor. */
async function openOnDevice(
  bytes: Uint8Array,
  options: EncoderGraphOptions,
  { device, recipe: { threads }, note }: TrainingContext,
): Promise<TrainableEncoder> {
  if (device === 'webgpu') {
    try {
      return await openTrainableEncoder(bytes, { ...options, threads, provider: 'webgpu' });
    } catch (error) {
      note(`WebGPU does not start (${messageOf(error)}); the processor trains`);
    }
  }
  return openTrainableEncoder(bytes, { ...options, threads });
}

function graphOptions(
  part: EncoderPart,
  { base, recipe, seed }: TrainingContext,
): EncoderGraphOptions {
  const { scope, layers, rank, dropout, trainEmbeddings } = recipe;
  return {
    pooling: part === 'bi-encoder' ? base.pooling : undefined,
    selection: {
      lastLayers: scope === 'last-layers' ? layers : undefined,
      tables: scope === 'all' && trainEmbeddings,
    },
    adapters: scope === 'adapters' ? { rank, random: seededRandom(seed) } : undefined,
    dropout: dropout > 0 ? ['hidden', 'attention'] : undefined,
    loss: part === 'cross-encoder' ? groupLoss(recipe.tau) : undefined,
  };
}

interface Parts {
  readonly context: TrainingContext;
  readonly tokenizer: FramedTokenizer;
  readonly encoder: TrainableEncoder;
}

async function makeLearner(
  part: EncoderPart,
  { context, tokenizer, encoder }: Parts,
): Promise<Learner> {
  const { plan, recipe, seed, base: checkpoint } = context;
  const task = { plan, recipe, seed, checkpoint, tokenizer, encoder };
  if (part === 'cross-encoder') return new CrossEncoderLearner(task);
  const needsBase = recipe.anchor > 0 || recipe.duplicateCosine < 1;
  return new BiEncoderLearner({
    ...task,
    vectors: needsBase ? await baseVectors(context) : undefined,
  });
}

async function baseVectors(context: TrainingContext): Promise<Float32Array> {
  const { plan, dataFolder, control } = context;
  const embedder = await context.openEmbedder();
  try {
    const queries = new Set(plan.train.rows.map(({ query }) => query));
    return await embedTexts(plan.texts, (index) => queries.has(index), {
      ...{ embedder, dataFolder, control },
      onProgress: (done, total) => context.tell({ stage: 'embedding texts', done, total }),
    });
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
  },
): Promise<void> {
  const { context, files, result, settled, encoder, tokenizer } = run;
  const { base, recipe } = context;
  await files.publish(
    async (folder) => {
      const weights = mergeAdapters(await readModelBytes(base.modelFile), encoder.weights);
      const card = modelCard(part, context, result.baseMetric, settled);
      await exportCheckpoint(base, weights, folder, { weights: recipe.weights, card });
      if (recipe.scope === 'adapters') await writeAdapters(folder, context, encoder);
      await context.writeRecord(folder, result, settled);
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
    const isNear =
      part === 'bi-encoder'
        ? worstCosine(expected, actual, base.dimension) >= SMALLEST_COSINE[recipe.weights]
        : largestDifference(expected, actual) <= LARGEST_DIFFERENCE[recipe.weights];
    if (isNear) return;
  } finally {
    session.dispose();
  }
  throw new NearmissError(
    'model',
    'The model that was written does not give what was trained',
    'Train with "weights": "fp32" in the recipe',
  );
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
    rows.push(await encoder.encode(chunkInputs([frame(text)], options, undefined)));
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
  const weights = recipe.weights === 'fp32' ? 'in 32-bit floats' : 'as the base has them';
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
