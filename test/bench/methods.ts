/**
 * Heads over cached embeddings of the judged sets: what the bench of the training methods stands on. Texts are embedded
 * once by each space and kept below .cache/bench; a head is then trained and judged in seconds, in this process.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { installationRoot } from '../../src/base/installation';
import { seededRandom } from '../../src/base/random';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import { applyHead, type Head } from '../../src/engine/encoders/heads';
import type { Scored } from '../../src/engine/store/types';
import { termsOf } from '../../src/engine/store/terms';
import { RunControl } from '../../src/engine/training/control';
import { furtherSpace } from '../../src/engine/training/furtherSpaces';
import { HeadLearner } from '../../src/engine/training/headLearner';
import type { Learner } from '../../src/engine/training/loop';
import { matrixOf } from '../../src/engine/training/losses/matrix';
import { ndcgAt } from '../../src/engine/training/metrics';
import type {
  MiningChunk,
  MiningPool,
  MiningQuery,
  MiningSpace,
} from '../../src/engine/training/negatives';
import {
  ADAMW_DEFAULTS,
  adamWState,
  adamWStep,
  clipGradients,
} from '../../src/engine/training/optimizer';
import type { Row } from '../../src/engine/training/plan';
import type { Recipe } from '../../src/engine/training/recipe';
import { RetrievalLossGraphs } from '../../src/engine/training/retrievalLossGraph';
import { learningRateAt } from '../../src/engine/training/schedule';
import { JointSpace, calibrate, cosineDistance } from '../../src/engine/training/twoConditions';
import type { Lab } from './lab';
import { benchCache, readSource } from './quality';
import { note } from './report';

export interface JudgedQuery {
  readonly text: string;
  /** Indexes of relevant documents. */
  readonly relevant: readonly number[];
}

/** A set with the embeddings of everything in it. Text numbers: documents first, then queries, then marked queries. */
export interface MethodSet {
  readonly name: Parameters<typeof readSource>[0];
  readonly documents: readonly string[];
  readonly queries: readonly JudgedQuery[];
  /** Marks of people on queries that are not judged; label 0 is "not relevant". */
  readonly marks: readonly {
    readonly query: string;
    readonly document: number;
    readonly label: number;
  }[];
  readonly texts: readonly string[];
  readonly dimension: number;
  /** `[texts, dimension]`, contextual. */
  readonly base: Float32Array;
  readonly staticDimension: number;
  readonly static: Float32Array;
  /** Numbers of the query texts. */
  numberOf(text: string): number;
}

export async function loadMethodSet(
  lab: Lab,
  name: Parameters<typeof readSource>[0],
): Promise<MethodSet> {
  const { corpus, queries, qrels, feedback } = readSource(name);
  const indexes = new Map(corpus.map(({ id }, index) => [id, index]));
  const documents = corpus.map(({ text }) => text);
  const marks = feedback.map(({ query, id, label }) => ({
    query,
    document: indexes.get(id)!,
    label,
  }));
  const queryTexts = [...queries.map(({ text }) => text), ...marks.map(({ query }) => query)];
  const texts = [...documents, ...new Set(queryTexts)];
  const numbers = new Map(
    texts.slice(documents.length).map((text, i) => [text, documents.length + i]),
  );
  const base = await embedOnce(lab, name, documents, texts.slice(documents.length));
  const rows = texts.map((text) => lab.staticEncoder.embed(text));
  return {
    ...{ name, documents, marks, texts, base, dimension: lab.embedder.space.dimension },
    queries: queries.map(({ id, text }) => ({
      text,
      relevant: (qrels.get(id) ?? []).map((document) => indexes.get(document)!),
    })),
    staticDimension: lab.staticEncoder.dimension,
    static: Float32Array.from(rows.flatMap((row) => [...row])),
    numberOf: (text) => numbers.get(text)!,
  };
}

async function embedOnce(
  lab: Lab,
  name: string,
  documents: readonly string[],
  queries: readonly string[],
): Promise<Float32Array> {
  const { id, dimension } = lab.embedder.space;
  const key = createHash('sha256')
    .update(documents.join('\0'))
    .update(queries.join('\0'))
    .digest('hex');
  const file = benchCache('methods', `${name}-${id}-${key.slice(0, 12)}.bin`);
  if (fs.existsSync(file)) {
    const bytes = fs.readFileSync(file);
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  }
  const out = new Float32Array((documents.length + queries.length) * dimension);
  for (let at = 0; at < documents.length; at += 256) {
    out.set(
      await lab.encoders.embedder.embedDocuments(documents.slice(at, at + 256)),
      at * dimension,
    );
    if (at % 1024 === 0) note(`${name}: ${at} of ${documents.length} texts embedded`);
  }
  for (const [i, query] of queries.entries())
    out.set(await lab.encoders.embedder.embedQuery(query), (documents.length + i) * dimension);
  fs.mkdirSync(benchCache('methods'), { recursive: true });
  fs.writeFileSync(file, Buffer.from(out.buffer));
  return out;
}

/** The set as a pool to mine from: base and static embeddings and BM25, distances in the joint space of the two. */
export function miningPool(
  set: MethodSet,
  names: readonly string[],
  teacher?: MiningPool['teacher'],
  also: readonly MiningSpace[] = [],
): MiningPool {
  const bm25 = new WordSpace(set.documents);
  const spaces: Readonly<Record<string, MiningSpace>> = {
    base: cosineSpace(set, 'base', set.base, set.dimension),
    static: cosineSpace(set, 'static', set.static, set.staticDimension),
    words: {
      name: 'words',
      isCosine: false,
      rank: async ({ text }, limit) => bm25.rank(text, limit),
    },
  };
  const joint = jointDistances(set);
  return {
    chunks: chunksOf(set),
    spaces: names.map((name) => spaces[name] ?? also.find((space) => space.name === name)!),
    distances: joint,
    teacher,
  };
}

function chunksOf(set: MethodSet): Map<number, MiningChunk> {
  return new Map(
    set.documents.map((text, id) => {
      const hash = createHash('sha256').update(text).digest('base64');
      return [id, { id, text, hash, vector: rowAt(set.base, set.dimension, id) }];
    }),
  );
}

/** A space that the set has no embeddings of yet, `layer:3` say; they are kept below .cache/bench. */
export async function furtherSetSpace(set: MethodSet, name: string): Promise<MiningSpace> {
  const base = await readBundledCheckpoint(installationRoot(), 'bi-encoder');
  const make = furtherSpace(name, {
    ...{ base, dataFolder: benchCache('methods'), control: new RunControl(), threads: 2 },
    onProgress: (done, total) => done % 640 === 0 && note(`${name}: ${done} of ${total} texts`),
  });
  return make(
    chunksOf(set),
    set.queries.map(({ text }) => text),
  );
}

function jointDistances(set: MethodSet): NonNullable<MiningPool['distances']> {
  const parts = [
    floatRows(set.base, set.dimension),
    floatRows(set.static, set.staticDimension),
  ] as const;
  const documents = set.documents.length;
  const inSpace = (from: number, to: number) => parts.map((rows) => matrixOf(rows.slice(from, to)));
  const space = JointSpace.fit(inSpace(0, documents), seededRandom(1));
  const placed = space.place(inSpace(0, set.texts.length));
  note(`${set.name}: ${space.dimension} components hold 95 % of two spaces' variance`);
  const row = (number: number): Float64Array =>
    placed.data.subarray(number * placed.columns, (number + 1) * placed.columns);
  const block = (from: number, to: number) => ({
    rows: to - from,
    columns: placed.columns,
    data: placed.data.subarray(from * placed.columns, to * placed.columns),
  });
  return {
    toQuery: ({ text }, id) => cosineDistance(row(set.numberOf(text)), row(id)),
    between: (a, b) => cosineDistance(row(a), row(b)),
    calibration: calibrate(
      block(documents, set.texts.length),
      block(0, documents),
      seededRandom(2),
    ),
  };
}

function floatRows(data: Float32Array, dimension: number): Float32Array[] {
  return Array.from({ length: data.length / dimension }, (_, i) => rowAt(data, dimension, i));
}

function rowAt(data: Float32Array, dimension: number, index: number): Float32Array {
  return data.subarray(index * dimension, (index + 1) * dimension);
}

function cosineSpace(
  set: MethodSet,
  name: string,
  vectors: Float32Array,
  dimension: number,
): MiningSpace {
  return {
    name,
    isCosine: true,
    rank: async ({ text }: MiningQuery, limit: number) =>
      best(
        scoresOf(
          vectors,
          dimension,
          set.documents.length,
          rowAt(vectors, dimension, set.numberOf(text)),
        ),
        limit,
      ),
  };
}

function scoresOf(
  vectors: Float32Array,
  dimension: number,
  count: number,
  query: Float32Array,
): Float64Array {
  const scores = new Float64Array(count);
  for (let i = 0; i < count; i++)
    for (let d = 0; d < dimension; d++) scores[i]! += vectors[i * dimension + d]! * query[d]!;
  return scores;
}

function best(scores: Float64Array, limit: number): Scored[] {
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
  return order.slice(0, limit).map((chunkId) => ({ chunkId, score: scores[chunkId]! }));
}

/** BM25 (k1 .9, b .4) over the product's own words. */
class WordSpace {
  private readonly postings = new Map<string, Map<number, number>>();
  private readonly lengths: readonly number[];

  constructor(documents: readonly string[]) {
    this.lengths = documents.map((text, id) => {
      const terms = termsOf(text);
      for (const term of terms) {
        const posting = this.postings.get(term) ?? new Map<number, number>();
        posting.set(id, (posting.get(id) ?? 0) + 1);
        this.postings.set(term, posting);
      }
      return terms.length;
    });
  }

  rank(query: string, limit: number): Scored[] {
    const mean = this.lengths.reduce((sum, length) => sum + length, 0) / this.lengths.length;
    const scores = new Float64Array(this.lengths.length);
    for (const term of new Set(termsOf(query))) {
      const posting = this.postings.get(term) ?? new Map<number, number>();
      const rarity = Math.log(1 + (scores.length - posting.size + 0.5) / (posting.size + 0.5));
      for (const [id, count] of posting) {
        const length = 0.6 + (0.4 * this.lengths[id]!) / mean;
        scores[id]! += (rarity * count * 1.9) / (count + 0.9 * length);
      }
    }
    return best(scores, limit).filter(({ score }) => score > 0);
  }
}

export interface HeadRun {
  readonly rows: readonly Row[];
  readonly recipe: Recipe;
  readonly seed: number;
}

/** Trains a query head on rows of the set's text numbers, for all steps of the recipe. */
export async function trainSetHead(set: MethodSet, { rows, recipe, seed }: HeadRun): Promise<Head> {
  const empty = { rows: [], pairs: [] };
  const plan = { texts: set.texts, train: { rows, pairs: [] }, heldOut: empty, notes: [] };
  const { base: vectors, dimension } = set;
  const losses = new RetrievalLossGraphs(dimension);
  const learner = new HeadLearner({
    ...{ kind: 'query-head', plan, vectors, dimension, base: set.name, recipe, seed, losses },
  });
  await takeAllSteps(learner, recipe);
  losses.dispose();
  return learner.head;
}

/** All steps of the recipe, without early stop. */
export async function takeAllSteps(learner: Learner, recipe: Recipe): Promise<void> {
  const weights = new Map([...learner.weights].map(([name, { data }]) => [name, data]));
  const state = adamWState(weights);
  const schedule = {
    peak: recipe.learningRate,
    totalSteps: recipe.steps,
    warmupSteps: Math.round(recipe.warmupShare * recipe.steps),
  };
  for (let step = 0; step < recipe.steps; step++) {
    const { gradients } = await learner.step(step);
    clipGradients(gradients, recipe.clipNorm);
    const learningRate = learningRateAt(step + 1, schedule);
    const { weightDecay } = recipe;
    adamWStep(state, weights, gradients, { ...ADAMW_DEFAULTS, weightDecay, learningRate });
  }
}

/** nDCG@10 of each query, its embedding mapped by the head (as it is without one). */
export function judgeHead(set: MethodSet, queries: readonly JudgedQuery[], head?: Head): number[] {
  return queries.map(({ text, relevant }) => {
    const own = rowAt(set.base, set.dimension, set.numberOf(text));
    const query = head ? applyHead(head, own) : own;
    const wanted = new Set(relevant);
    const found = best(scoresOf(set.base, set.dimension, set.documents.length, query), 10);
    return ndcgAt(
      10,
      found.map(({ chunkId }) => (wanted.has(chunkId) ? 1 : 0)),
      relevant.map(() => 1),
    );
  });
}
