/**
 * Figures of a model on a set of records, each with its 95 % interval. Searching: every query against all documents of
 * the set (a cross-encoder against its own texts and some others). Pairs: the order of similarities, the best F1 of a
 * threshold, and a linear probe that says how much an embedding knows beyond its cosine.
 */
import * as path from 'node:path';
import { NearmissError } from '../../base/errors';
import { type Random, sample, seededRandom } from '../../base/random';
import { dot } from '../../base/vector';
import { type Checkpoint, readGivenCheckpoint } from '../encoders/checkpoint';
import { ADAPTER_FILE, type Head, applyHead, checkBase, readHead } from '../encoders/heads';
import { openEmbedder, openReranker } from '../encoders/openEncoder';
import type { RunControl } from './control';
import {
  ndcgAt,
  nearMissAccuracy,
  pairClassification,
  recallAt,
  reciprocalRankAt,
  spearman,
} from './metrics';
import { type Plan, type RowSet, documentsOf, numberRecords } from './plan';
import { linearProbe, pairFeatures } from './linearProbe';
import { matrixOf } from './losses/matrix';
import { readRecords } from './recordFile';
import { RUN_FILE, readRunRecord } from './runFiles';
import { bootstrapInterval } from './statistics';
import { embedTexts } from './texts';

export interface EvaluateOrder {
  readonly data: string;
  /** A checkpoint's folder, or the folder of a trained head. */
  readonly model: string;
  readonly dataFolder: string;
}

export interface EvaluateListener {
  readonly control: RunControl;
  readonly onNews: (news: {
    readonly stage: string;
    readonly done: number;
    readonly total: number;
  }) => void;
}

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Queries or pairs that it is the mean of. */
  readonly count: number;
}

export interface Evaluation {
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
}

const RUN_DEPTH = 10;
/** A cross-encoder reads so many texts a query: its own and others drawn at random. */
const CROSS_DEPTH = 30;
const RESAMPLE_COUNT = 500;

/** Similarity of two texts by number, worked out before: of a query and a document, or of two documents. */
interface Similarities {
  readonly search: (query: number, document: number) => number;
  readonly alike: (a: number, b: number) => number;
  /** The texts that a query is ranked against. */
  readonly candidates: (query: number) => readonly number[];
  /** Embeddings by text, where there are any. */
  readonly embedding?: (text: number) => Float32Array;
}

/** Reads the set, runs the model, and measures. */
export async function evaluate(
  order: EvaluateOrder,
  listener: EvaluateListener,
): Promise<Evaluation> {
  const { records } = await readRecords(order.data);
  if (records.length === 0)
    throw new NearmissError('usage', `${order.data} holds no record`, 'Collect some first');
  const plan = numberRecords(records);
  const set = plan.heldOut;
  const model = await openModel(order.model);
  const similarities =
    model.checkpoint.kind === 'cross-encoder'
      ? await crossSimilarities(model.checkpoint, plan, listener)
      : await embeddingSimilarities(model, plan, order.dataFolder, listener);
  return {
    figures: [...searchFigures(set, similarities), ...pairFigures(set, similarities)],
    notes: plan.notes,
  };
}

interface Model {
  readonly checkpoint: Checkpoint;
  readonly head?: Head;
}

/** A folder with an adapter of ours is a head on the checkpoint that its run names; anything else a checkpoint. */
async function openModel(folder: string): Promise<Model> {
  const record = await readRunRecord(folder);
  if (record?.part === 'fusion')
    throw new NearmissError(
      'usage',
      `${folder} holds weights of a ranking, which show in searches of their folder alone`,
      `Its figures are in ${RUN_FILE}`,
    );
  if (record?.part !== 'query-head' && record?.part !== 'shared-head')
    return { checkpoint: await readGivenCheckpoint(folder) };
  const head = await readHead(path.join(folder, ADAPTER_FILE));
  const checkpoint = await readGivenCheckpoint(record.baseFolder);
  checkBase(head, checkpoint.fingerprint);
  return { checkpoint, head };
}

async function embeddingSimilarities(
  { checkpoint, head }: Model,
  plan: Plan,
  dataFolder: string,
  { control, onNews }: EvaluateListener,
): Promise<Similarities> {
  const choice = { arithmetic: 'fp32', provider: 'cpu' } as const;
  const embedder = await openEmbedder(checkpoint, { choice });
  const { dimension } = embedder.space;
  try {
    const queries = new Set(plan.heldOut.rows.map(({ query }) => query));
    const base = await embedTexts(plan.texts, (text) => queries.has(text), {
      ...{ embedder, dataFolder, control },
      onProgress: (done, total) => onNews({ stage: 'embedding texts', done, total }),
    });
    const mapped = head ? applyHead(head, base) : base;
    const documents = head?.kind === 'query-head' ? base : mapped;
    const row = (rows: Float32Array, text: number): Float32Array =>
      rows.subarray(text * dimension, (text + 1) * dimension);
    const all = documentsOf(plan);
    return {
      search: (query, document) => dot(row(mapped, query), row(documents, document)),
      alike: (a, b) => dot(row(documents, a), row(documents, b)),
      candidates: () => all,
      embedding: (text) => row(documents, text),
    };
  } finally {
    embedder.dispose();
  }
}

async function crossSimilarities(
  checkpoint: Checkpoint,
  plan: Plan,
  { control, onNews }: EvaluateListener,
): Promise<Similarities> {
  const choice = { arithmetic: 'fp32', provider: 'cpu' } as const;
  const reranker = await openReranker(checkpoint, { choice });
  const documents = documentsOf(plan);
  const random = seededRandom(1);
  const scores = new Map<number, Map<number, number>>();
  const { rows, pairs } = plan.heldOut;
  const asked = [
    ...rows.map(({ query, positives, negatives }) => {
      const own = new Set([...positives, ...negatives]);
      const others = sample(
        documents.filter((text) => !own.has(text)),
        CROSS_DEPTH - own.size,
        random,
      );
      return { query, texts: [...own, ...others] };
    }),
    ...pairs.map(({ a, b }) => ({ query: a, texts: [b] })),
  ];
  try {
    for (const [done, { query, texts }] of asked.entries()) {
      await control.turn();
      onNews({ stage: 'scoring', done, total: asked.length });
      const values = await reranker.score(
        plan.texts[query]!,
        texts.map((text) => plan.texts[text]!),
      );
      const known = scores.get(query) ?? new Map<number, number>();
      texts.forEach((text, index) => known.set(text, values[index]!));
      scores.set(query, known);
    }
  } finally {
    reranker.dispose();
  }
  const score = (query: number, text: number): number => scores.get(query)?.get(text) ?? -Infinity;
  return {
    search: score,
    alike: score,
    candidates: (query) => [...(scores.get(query)?.keys() ?? [])],
  };
}

function searchFigures({ rows }: RowSet, { search, candidates }: Similarities): Figure[] {
  const ranked = rows
    .filter(({ positives }) => positives.length > 0)
    .map(({ query, positives }) => {
      const wanted = new Set(positives);
      const order = candidates(query)
        .map((document) => ({ document, score: search(query, document) }))
        .sort((a, b) => b.score - a.score || a.document - b.document);
      return { isRelevant: order.map(({ document }) => wanted.has(document)), count: wanted.size };
    });
  const marked = rows.flatMap(({ query, positives, negatives }) =>
    positives.flatMap((positive) =>
      negatives.map((negative) =>
        nearMissAccuracy([search(query, positive)], [search(query, negative)]),
      ),
    ),
  );
  const gains = (isRelevant: readonly boolean[]): number[] => isRelevant.map(Number);
  return [
    ...figure(
      'nDCG@10',
      ranked.map(({ isRelevant }) => ndcgAt(RUN_DEPTH, gains(isRelevant))),
    ),
    ...figure(
      'MRR@10',
      ranked.map(({ isRelevant }) => reciprocalRankAt(RUN_DEPTH, isRelevant)),
    ),
    ...figure(
      'recall@10',
      ranked.map(({ isRelevant, count }) => recallAt(RUN_DEPTH, isRelevant, count)),
    ),
    ...figure('near-miss accuracy', marked),
  ];
}

function figure(name: string, values: readonly number[]): Figure[] {
  if (values.length === 0) return [];
  const { mean: value, low, high } = bootstrapInterval(values);
  return [{ name, value, low, high, count: values.length }];
}

function pairFigures({ pairs }: RowSet, { alike, embedding }: Similarities): Figure[] {
  if (pairs.length < 2) return [];
  const similarities = pairs.map(({ a, b }) => alike(a, b));
  const scores = pairs.map(({ score }) => score);
  const middle = (Math.min(...scores) + Math.max(...scores)) / 2;
  const isAlike = scores.map((score) => score > middle);
  const at = <T>(values: readonly T[], indexes: readonly number[]): T[] =>
    indexes.map((i) => values[i]!);
  const figures = [
    resampled('Spearman', pairs.length, (indexes) =>
      spearman(at(similarities, indexes), at(scores, indexes)),
    ),
  ];
  if (!isAlike.includes(true) || !isAlike.includes(false)) return figures;
  figures.push(
    resampled(
      'pair F1',
      pairs.length,
      (indexes) => pairClassification(at(similarities, indexes), at(isAlike, indexes)).f1,
    ),
  );
  if (!embedding) return figures;
  const rows = (side: 'a' | 'b'): ReturnType<typeof matrixOf> =>
    matrixOf(pairs.map((pair) => embedding(pair[side])));
  const right = linearProbe(pairFeatures(rows('a'), rows('b')), isAlike).isRight;
  return [...figures, ...figure('linear probe accuracy', right.map(Number))];
}

/** A statistic of all pairs, and the middle 95 % of what it is on resamples of them. */
function resampled(
  name: string,
  count: number,
  statistic: (indexes: readonly number[]) => number,
): Figure {
  const random = seededRandom(1);
  const values = Array.from({ length: RESAMPLE_COUNT }, () => statistic(resample(count, random)));
  values.sort((a, b) => a - b);
  const value = statistic(Array.from({ length: count }, (_, index) => index));
  const edge = (share: number): number => values[Math.round(share * (RESAMPLE_COUNT - 1))]!;
  return { name, value, low: edge(0.025), high: edge(0.975), count };
}

function resample(count: number, random: Random): number[] {
  return Array.from({ length: count }, () => Math.floor(random() * count));
}
