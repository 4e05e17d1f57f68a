/**
 * `npm run bench -- trainingStep`: one training step of the bundled bi-encoder (forward, loss, backward, clipping, AdamW;
 * all weights but the word tables) against three forward passes of the same batch, as the product runs them, in the
 * same process: in one graph, and in chunks that are embedded twice. Ratios are of processor time, which a busy machine
 * disturbs least; wall time is noted beside. `trainingStep-memory`: the peak memory of a large
 * batch in chunks. `trainingStep-loss`: the loss of a retrieval step with its gradients, as the graph that encoders run and
 * as the TypeScript that heads run. `--threads N`, two if left out; `--widths 64,128`.
 */
import * as fs from 'node:fs';
import { installationRoot } from '../../src/base/installation';
import { seededRandom } from '../../src/base/random';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import { buildGraph } from '../../src/engine/encoders/graphs';
import { type Session, createSession } from '../../src/engine/encoders/session';
import type { LossPart } from '../../src/engine/training/encoderGraphs';
import type { GraphWriter } from '../../src/engine/training/graphWriter';
import { type Matrix, zeros } from '../../src/engine/training/losses/matrix';
import { makeRecipe } from '../../src/engine/training/recipe';
import { RetrievalLossGraphs } from '../../src/engine/training/retrievalLossGraph';
import { type RetrievalBatch, retrievalLoss } from '../../src/engine/training/retrievalStep';
import {
  ADAMW_DEFAULTS,
  type AdamWState,
  adamWState,
  adamWStep,
  clipGradients,
} from '../../src/engine/training/optimizer';
import {
  type ChunkInputs,
  type TrainableEncoder,
  openTrainableEncoder,
} from '../../src/engine/training/trainableEncoder';
import { type Figure, benchArgument, benchOption, note, quantile, report, timed } from './report';

const threads = Number(benchOption('threads') ?? 2);
const roundCount = Number(benchOption('rounds') ?? 5);
const widths = (benchOption('widths') ?? '64,128').split(',').map(Number);
const chunkRows = 8;
const temperature = 0.05;
/** So small that the weights stay what they are. */
const learningRate = 1e-12;

async function main(): Promise<void> {
  if (benchArgument === 'loss') return report('trainingStep-loss', await losses());
  const { modelFile } = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
  const bytes = fs.readFileSync(modelFile);
  report('trainingStep', benchArgument === 'memory' ? await memory(bytes) : await speed(bytes));
}

/** Seven own negatives a row, mixed negatives and the other direction, 384 numbers a vector. */
async function losses(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const recipe = makeRecipe('bi-encoder', 20, { hnm: { k: 4, s: 6 } });
  const graphs = new RetrievalLossGraphs(dimension);
  for (const rows of [16, 48]) {
    const batch = lossBatch(rows);
    const forms = {
      'as a graph': () => graphs.loss(batch, recipe, seededRandom(1)),
      'as TypeScript': () => retrievalLoss(batch, recipe, seededRandom(1)),
    };
    for (const [name, form] of Object.entries(forms)) {
      const times: number[] = [];
      // The first one builds the graph.
      for (let round = 0; round <= 4 * roundCount; round++) {
        const { ms } = await timed(form);
        if (round > 0) times.push(ms);
      }
      const label = `${rows} rows of 7 negatives, ${name}`;
      figures.push({ label, value: quantile(times, 0.5), unit: 'ms' });
    }
  }
  graphs.dispose();
  return figures;
}

const dimension = 384;

function lossBatch(rows: number): RetrievalBatch {
  const random = seededRandom(rows);
  const matrix = (count: number): Matrix => ({
    ...{ rows: count, columns: dimension },
    data: Float64Array.from({ length: count * dimension }, () => random() - 0.5),
  });
  return {
    ...{ queries: matrix(rows), positives: matrix(rows), negatives: matrix(7 * rows) },
    owners: Array.from({ length: 7 * rows }, (_, at) => Math.floor(at / 7)),
    offsets: zeros(rows, 8 * rows),
    rowWeights: Array<number>(rows).fill(1),
    isExplicit: Array<boolean>(rows).fill(false),
  };
}

async function speed(bytes: Uint8Array): Promise<Figure[]> {
  const forward = await createSession(buildGraph(bytes, 'fp32'), { threads });
  const trainer = await openTrainer(bytes, { write: inBatchLoss, sizes: { batch: [4, 6] } });
  const figures: Figure[] = [];
  for (const width of widths) {
    const { whole, chunked } = await measure(forward, trainer, batchOf(48, width));
    const label = `48 x ${width}, a step against three forward passes`;
    figures.push(
      { label: `${label}, one graph`, value: whole, unit: 'x', digits: 2, atMost: 1.35 },
      {
        label: `${label}, chunks of ${chunkRows}`,
        value: chunked,
        unit: 'x',
        digits: 2,
        atMost: 1.7,
      },
    );
  }
  trainer.encoder.dispose();
  forward.dispose();
  return figures;
}

async function memory(bytes: Uint8Array): Promise<Figure[]> {
  const trainer = await openTrainer(bytes);
  const batch = batchOf(80, 128);
  for (let step = 0; step < 2; step++) await chunkedStep(trainer, batch);
  trainer.encoder.dispose();
  const gigabytes = process.resourceUsage().maxRSS / 2 ** 20;
  const label = `peak memory of a step of 80 x 128 in chunks of ${chunkRows}`;
  return [{ label, value: gigabytes, unit: 'GB', digits: 2, atMost: 0.9 }];
}

interface Trainer {
  readonly encoder: TrainableEncoder;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly sums: Map<string, Float32Array>;
  readonly state: AdamWState;
}

async function openTrainer(bytes: Uint8Array, loss?: LossPart): Promise<Trainer> {
  const encoder = await openTrainableEncoder(bytes, { pooling: 'mean', threads, loss });
  const weights = new Map([...encoder.weights].map(([name, { data }]) => [name, data]));
  return { encoder, weights, sums: encoder.zeroSums(), state: adamWState(weights) };
}

/** The median, over rounds in which each takes its turn, of a step against three forward passes. */
async function measure(
  forward: Session,
  trainer: Trainer,
  batch: ChunkInputs,
): Promise<{ whole: number; chunked: number }> {
  const ratios: { whole: number; chunked: number }[] = [];
  for (let round = 0; round <= roundCount; round++) {
    const plain = await costOf(() => forward.run(batch as never, forward.outputNames[0]!));
    const whole = await costOf(() => wholeStep(trainer, batch));
    const chunked = await costOf(() => chunkedStep(trainer, batch));
    note(`forward ${plain.text}, step ${whole.text}, chunked ${chunked.text}`);
    const ratio = (cost: Cost): number => cost.processorMs / plain.processorMs / 3;
    // The first round is for warming up.
    if (round > 0) ratios.push({ whole: ratio(whole), chunked: ratio(chunked) });
  }
  const median = (kind: 'whole' | 'chunked'): number =>
    quantile(
      ratios.map((ratio) => ratio[kind]),
      0.5,
    );
  return { whole: median('whole'), chunked: median('chunked') };
}

interface Cost {
  readonly processorMs: number;
  readonly text: string;
}

async function costOf(action: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const { ms } = await timed(action);
  const { user, system } = process.cpuUsage(before);
  const processorMs = (user + system) / 1000;
  return { processorMs, text: `${Math.round(processorMs)} ms (wall ${Math.round(ms)})` };
}

async function wholeStep(trainer: Trainer, batch: ChunkInputs): Promise<void> {
  await trainer.encoder.step(batch, trainer.sums);
  update(trainer);
}

async function chunkedStep(trainer: Trainer, batch: ChunkInputs): Promise<void> {
  const chunks = cut(batch);
  const encoded: Float32Array[] = [];
  for (const chunk of chunks) encoded.push(await trainer.encoder.encode(chunk));
  for (const [index, chunk] of chunks.entries())
    // The loss over a few dozen embeddings takes no time; any gradient will do here.
    await trainer.encoder.addGradients(chunk, encoded[index]!, trainer.sums);
  update(trainer);
}

function update({ weights, sums, state }: Trainer): void {
  clipGradients(sums, 1);
  adamWStep(state, weights, sums, { ...ADAMW_DEFAULTS, learningRate });
  for (const sum of sums.values()) sum.fill(0);
}

function cut(batch: ChunkInputs): ChunkInputs[] {
  const rowCount = batch.input_ids!.shape[0]!;
  const chunks: ChunkInputs[] = [];
  for (let row = 0; row < rowCount; row += chunkRows) {
    const part = Object.entries(batch).map(([name, { data, shape }]) => {
      const width = shape[1]!;
      const rows = data.slice(row * width, (row + chunkRows) * width);
      return [name, { data: rows, shape: [rows.length / width, width] }] as const;
    });
    chunks.push(Object.fromEntries(part));
  }
  return chunks;
}

/** Full rows of random words. */
function batchOf(rows: number, width: number): ChunkInputs {
  const random = seededRandom(1);
  const size = rows * width;
  const shape = [rows, width];
  const ids = BigInt64Array.from({ length: size }, () =>
    BigInt(1000 + Math.floor(20_000 * random())),
  );
  return {
    input_ids: { data: ids, shape },
    attention_mask: { data: new BigInt64Array(size).fill(1n), shape },
    token_type_ids: { data: new BigInt64Array(size), shape },
  };
}

/** Each text of the first half belongs to that of the second: cross-entropy over all of them. */
function inBatchLoss(write: GraphWriter, encoded: string): string {
  const halves = write.reshape(encoded, [2, -1, 384]);
  const [queries, positives] = [0, 1].map((half) =>
    write.squeeze(write.slice(halves, 0, half, half + 1), [0]),
  ) as [string, string];
  const scaled = (product: string): string => write.scale(product, 1 / temperature);
  const logits = scaled(write.gemm(queries, positives, { b: true }));
  const own = scaled(write.reduceSum(write.mul(queries, positives), [-1]));
  return write.reduceMean(write.sub(write.logSumExp(logits, [-1]), own));
}

void main();
