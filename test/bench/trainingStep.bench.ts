/**
 * `npm run bench -- trainingStep`: one training step of the bundled bi-encoder, all weights but the word tables, against
 * three forward passes of the same batch in the same process: in one graph, and in chunks that are embedded twice. Then
 * the peak memory of a large batch in chunks. `--threads N`, two if left out.
 */
import * as fs from 'node:fs';
import { installationRoot } from '../../src/base/installation';
import { seededRandom } from '../../src/base/random';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import type { GraphWriter } from '../../src/engine/training/graphWriter';
import {
  type ChunkInputs,
  type TrainableEncoder,
  openTrainableEncoder,
} from '../../src/engine/training/trainableEncoder';
import { benchOption, note, quantile, report, timed } from './report';

const threads = Number(benchOption('threads') ?? 2);
const roundCount = Number(benchOption('rounds') ?? 5);
const chunkRows = 8;
const temperature = 0.05;

async function main(): Promise<void> {
  const { modelFile } = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
  const encoder = await openTrainableEncoder(fs.readFileSync(modelFile), {
    pooling: 'mean',
    threads,
    loss: { write: inBatchLoss, sizes: { batch: [4, 6] } },
  });
  const figures = [];
  for (const width of [64, 128]) {
    const { whole, chunked } = await measure(encoder, batchOf(48, width));
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
  report('trainingStep', figures);
  encoder.dispose();
}

/** The median, over rounds in which each takes its turn, of a step against three forward passes. */
async function measure(
  encoder: TrainableEncoder,
  batch: ChunkInputs,
): Promise<{ whole: number; chunked: number }> {
  const sums = encoder.zeroSums();
  const ratios: { whole: number; chunked: number }[] = [];
  for (let round = 0; round <= roundCount; round++) {
    const forward = await timed(() => encoder.encode(batch));
    const whole = await timed(() => encoder.step(batch, sums));
    const chunked = await timed(() => chunkedStep(encoder, batch, sums));
    note(`forward ${forward.ms | 0} ms, step ${whole.ms | 0} ms, chunked ${chunked.ms | 0} ms`);
    // The first round is for warming up.
    if (round > 0)
      ratios.push({ whole: whole.ms / forward.ms / 3, chunked: chunked.ms / forward.ms / 3 });
  }
  return {
    whole: quantile(
      ratios.map((ratio) => ratio.whole),
      0.5,
    ),
    chunked: quantile(
      ratios.map((ratio) => ratio.chunked),
      0.5,
    ),
  };
}

async function chunkedStep(
  encoder: TrainableEncoder,
  batch: ChunkInputs,
  sums: Map<string, Float32Array>,
): Promise<void> {
  const chunks = cut(batch);
  const encoded: Float32Array[] = [];
  for (const chunk of chunks) encoded.push(await encoder.encode(chunk));
  for (const [index, chunk] of chunks.entries())
    // What the loss is does not matter for the time.
    await encoder.addGradients(chunk, encoded[index]!, sums);
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
