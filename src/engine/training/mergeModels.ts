/**
 * Several results of one base made one: heads of the same kind, or whole checkpoints of the base's form. The result has
 * the base's layout and is verified by loading it.
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { NearmissError } from '../../base/errors';
import {
  type Checkpoint,
  readCheckpoint,
  readGivenCheckpoint,
  readModelBytes,
} from '../encoders/checkpoint';
import { buildGraph } from '../encoders/graphs';
import { ADAPTER_FILE, type Head, checkBase, encodeHead, readHead } from '../encoders/heads';
import { decodeModel } from '../onnx/codec';
import { graphOf } from '../onnx/graph';
import { DataType, dimsOf, floatsOf } from '../onnx/model';
import { type NewWeights, exportCheckpoint } from './exportCheckpoint';
import type { RunControl } from './control';
import { type MergeMethod, mergeTensors } from './merge';
import { RUN_FILE, RunFiles, readRunRecord, writeWhole } from './runFiles';

export interface MergeOrder {
  readonly base: string;
  readonly models: readonly string[];
  readonly how: MergeMethod;
  /** How far from the base to the merged weights: 1 is all the way. */
  readonly pull: number;
  readonly out: string;
}

export interface Merged {
  readonly tensorCount: number;
  /** Of the written checkpoint; a head's base otherwise. */
  readonly fingerprint: string;
}

export type MergeNews = (news: {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}) => void;

/**
 * Merges and publishes. Throws a NearmissError where the models are not of one base, an AbortedError when cancelled: then
 * nothing is written, and nothing is left beside OUT either, for there is no state to go on from.
 */
export async function mergeModels(
  order: MergeOrder,
  control: RunControl,
  onNews: MergeNews = () => undefined,
): Promise<Merged> {
  const base = await readGivenCheckpoint(order.base);
  const identity = {
    part: 'merge',
    base: base.fingerprint,
    dataHash: '',
    heldOutHash: '',
    recipe: order,
    seed: 0,
  };
  const files = new RunFiles(order.out, identity);
  await files.prepare(true);
  try {
    return await mergeInto(files, order, base, { control, onNews });
  } catch (error) {
    await fs.rm(files.work, { recursive: true, force: true });
    throw error;
  }
}

interface MergeMeans {
  readonly control: RunControl;
  readonly onNews: MergeNews;
}

async function mergeInto(
  files: RunFiles,
  order: MergeOrder,
  base: Checkpoint,
  means: MergeMeans,
): Promise<Merged> {
  const records = await Promise.all(order.models.map(readRunRecord));
  const fusion = records.findIndex((record) => record?.part === 'fusion');
  if (fusion >= 0)
    throw new NearmissError(
      'usage',
      `${order.models[fusion]} holds weights of a ranking, which cannot be merged`,
      'Name heads or whole checkpoints',
    );
  const headCount = records.filter(
    (record) => record?.part === 'query-head' || record?.part === 'shared-head',
  ).length;
  if (headCount === 0) return mergeWhole(order, base, files, means);
  if (headCount === order.models.length) return mergeHeads(order, base, files);
  throw new NearmissError(
    'usage',
    'Heads and whole checkpoints cannot be merged',
    'Name results of one kind',
  );
}

async function mergeHeads(order: MergeOrder, base: Checkpoint, files: RunFiles): Promise<Merged> {
  const heads = await Promise.all(
    order.models.map((folder) => readHead(path.join(folder, ADAPTER_FILE))),
  );
  const first = heads[0]!;
  for (const head of heads) checkBase(head, base.fingerprint);
  const odd = heads.findIndex(({ kind }) => kind !== first.kind);
  if (odd >= 0)
    throw new NearmissError(
      'usage',
      `${order.models[odd]} is a ${heads[odd]!.kind}, and ${order.models[0]} a ${first.kind}`,
      'Name heads of one kind',
    );
  const product = mergedMap(heads, order);
  const merged: Head = { ...first, rank: product.rank, a: product.a, b: product.b };
  await files.publish(
    async (folder) => {
      await writeWhole(path.join(folder, ADAPTER_FILE), encodeHead(merged));
      await writeRecord(folder, order, base, first.kind);
    },
    async (folder) => checkBase(await readHead(path.join(folder, ADAPTER_FILE)), base.fingerprint),
  );
  return { tensorCount: 2, fingerprint: base.fingerprint };
}

/**
 * A head's map is the product B A, which is what must be merged: two heads with the same map may have quite different
 * factors. Sums of products are products of stacked factors, so the rank grows and nothing is lost.
 */
function mergedMap(
  heads: readonly Head[],
  { how, pull }: MergeOrder,
): { readonly rank: number; readonly a: Float32Array; readonly b: Float32Array } {
  if (how === 'slerp')
    throw new NearmissError('usage', 'Heads are merged by deviation or average', 'Leave --how out');
  const lengths = heads.map((head) => (how === 'average' ? 1 : productNorm(head)));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const shares = lengths.map((length) => (total === 0 ? 1 / heads.length : length / total));
  const { dimension } = heads[0]!;
  const rank = heads.reduce((sum, head) => sum + head.rank, 0);
  const a = new Float32Array(rank * dimension);
  const b = new Float32Array(dimension * rank);
  let at = 0;
  heads.forEach((head, index) => {
    a.set(head.a, at * dimension);
    for (let i = 0; i < dimension; i++)
      for (let r = 0; r < head.rank; r++)
        b[i * rank + at + r] = pull * shares[index]! * head.b[i * head.rank + r]!;
    at += head.rank;
  });
  return { rank, a, b };
}

/** |B A| without the product itself: the trace of (BᵀB)(AAᵀ). */
function productNorm({ rank, dimension, a, b }: Head): number {
  let sum = 0;
  for (let r = 0; r < rank; r++)
    for (let s = 0; s < rank; s++) {
      let [left, right] = [0, 0];
      for (let i = 0; i < dimension; i++) {
        left += b[i * rank + r]! * b[i * rank + s]!;
        right += a[r * dimension + i]! * a[s * dimension + i]!;
      }
      sum += left * right;
    }
  return Math.sqrt(Math.max(0, sum));
}

async function mergeWhole(
  order: MergeOrder,
  base: Checkpoint,
  files: RunFiles,
  { control, onNews }: MergeMeans,
): Promise<Merged> {
  const start = await weightsOf(base);
  const checkpoints = await Promise.all(order.models.map(readGivenCheckpoint));
  const other = checkpoints.find(({ kind }) => kind !== base.kind);
  if (other)
    throw new NearmissError(
      'model',
      `${other.folder} is a ${other.kind}, and the base a ${base.kind}`,
      'Name the base that all of them were trained from',
    );
  const others: NewWeights[] = [];
  for (const [at, checkpoint] of checkpoints.entries()) {
    onNews({ stage: 'reading models', done: at, total: checkpoints.length });
    await control.turn();
    others.push(await weightsOf(checkpoint));
  }
  others.forEach((weights, index) => checkForm(start, weights, order.models[index]!));
  const weights = await movedWeights(start, others, order, { control, onNews });
  let fingerprint = '';
  await files.publish(
    async (folder) => {
      const card = `# Merged with Nearmiss\n\n- **Base.** ${base.fingerprint}\n- **How.** ${order.how} of ${order.models.length}, pull ${order.pull}.\n`;
      await exportCheckpoint(base, weights, folder, { weights: 'as-base', card });
      await writeRecord(folder, order, base, base.kind);
    },
    async (folder) => {
      fingerprint = (await readCheckpoint(folder)).fingerprint;
    },
  );
  return { tensorCount: weights.size, fingerprint };
}

/** The merged weights, without those that nobody moved: these keep the base's bytes, which rounding anew would change. */
async function movedWeights(
  start: NewWeights,
  others: readonly NewWeights[],
  { how, pull }: MergeOrder,
  { control, onNews }: MergeMeans,
): Promise<NewWeights> {
  const moved: [string, { readonly dims: readonly number[]; readonly data: Float32Array }][] = [];
  let done = 0;
  for (const [name, { dims, data: base }] of start) {
    onNews({ stage: 'merging', done: done++, total: start.size });
    await control.turn();
    const tensors = others.map((weights) => weights.get(name)!.data);
    const data = mergeTensors(base, tensors, how, pull);
    if (data.some((value, i) => value !== base[i])) moved.push([name, { dims, data }]);
  }
  await control.turn();
  return new Map(moved);
}

/** Every float weight of more than one number, dequantised. */
async function weightsOf({ modelFile }: Checkpoint): Promise<NewWeights> {
  const graph = graphOf(decodeModel(buildGraph(await readModelBytes(modelFile), 'fp32')));
  const floats = graph.initializers.filter(
    (tensor) => tensor.dataType === DataType.FLOAT && dimsOf(tensor).reduce((a, b) => a * b, 1) > 1,
  );
  return new Map(
    floats.map((tensor) => [
      tensor.name,
      { dims: dimsOf(tensor), data: Float32Array.from(floatsOf(tensor)) },
    ]),
  );
}

function checkForm(base: NewWeights, other: NewWeights, folder: string): void {
  for (const [name, { dims }] of base) {
    if (other.get(name)?.dims.join() === dims.join()) continue;
    throw new NearmissError(
      'model',
      `${folder} was not made from this base: its weight ${name} is missing or of another shape`,
      'Name the base that all of them were trained from',
    );
  }
}

async function writeRecord(
  folder: string,
  order: MergeOrder,
  base: Checkpoint,
  part: string,
): Promise<void> {
  const { how, pull, models } = order;
  const record = {
    part,
    base: base.fingerprint,
    baseFolder: order.base,
    merged: models,
    how,
    pull,
  };
  await writeWhole(path.join(folder, RUN_FILE), `${JSON.stringify(record, null, 2)}\n`);
}
