/**
 * `code-cosqa` as learning from marks needs it: judged queries with one answer each, marks of people on other queries, and
 * the base bi-encoder's embeddings of all of it, kept below .cache/bench.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { dot } from '../../src/base/vector';
import type { Checkpoint } from '../../src/engine/encoders/checkpoint';
import { openEmbedder } from '../../src/engine/encoders/openEncoder';
import { RunControl } from '../../src/engine/training/control';
import { ndcgAt } from '../../src/engine/training/metrics';
import { embedTexts } from '../../src/engine/training/texts';
import { benchCache, requireBenchFolder } from './quality';
import { note } from './report';

const threads = 2;

/** The set as it lies there: judged queries, and marks of people on others. */
export interface MarkedSet {
  readonly documents: readonly string[];
  readonly queries: readonly { readonly text: string; readonly answer: number }[];
  readonly marks: readonly {
    readonly query: string;
    readonly document: number;
    readonly isRight: boolean;
  }[];
}

export function readMarkedSet(): MarkedSet {
  const folder = path.join(requireBenchFolder(), 'code-cosqa');
  const lines = (name: string): string[] =>
    fs.readFileSync(path.join(folder, name), 'utf8').split('\n').filter(Boolean);
  const rows = <T>(name: string): T[] => lines(name).map((line) => JSON.parse(line) as T);
  const corpus = rows<{ _id: string; text: string }>('corpus.jsonl');
  const numberOf = new Map(corpus.map(({ _id }, number) => [_id, number]));
  const answers = new Map(
    lines('qrels.tsv')
      .slice(1)
      .map((line) => line.split('\t') as [string, string]),
  );
  return {
    documents: corpus.map(({ text }) => text),
    queries: rows<{ _id: string; text: string }>('queries.jsonl').map(({ _id, text }) => ({
      text,
      answer: numberOf.get(answers.get(_id)!)!,
    })),
    marks: rows<{ query: string; id: string; label: number }>('feedback.jsonl').map(
      ({ query, id, label }) => ({ query, document: numberOf.get(id)!, isRight: label === 1 }),
    ),
  };
}

/** Of the base bi-encoder: rows of queries, of marked queries, of documents. */
export interface BaseRows {
  readonly queries: readonly Float32Array[];
  readonly marks: readonly Float32Array[];
  readonly documents: readonly Float32Array[];
}

export async function baseRows(set: MarkedSet, checkpoint: Checkpoint): Promise<BaseRows> {
  const choice = { arithmetic: 'fp32', provider: 'cpu' } as const;
  const embedder = await openEmbedder(checkpoint, { choice, threads });
  const queries = [...set.queries.map(({ text }) => text), ...set.marks.map(({ query }) => query)];
  const texts = [...queries, ...set.documents];
  const all = await embedTexts(texts, (index) => index < queries.length, {
    ...{ embedder, dataFolder: benchCache('learns'), control: new RunControl() },
    onProgress: (done, total) => done % 640 === 0 && note(`embedding ${done} of ${total}`),
  });
  const { dimension } = checkpoint;
  embedder.dispose();
  const rows = texts.map((_, index) => all.subarray(index * dimension, (index + 1) * dimension));
  const [first, second] = [set.queries.length, queries.length];
  return {
    queries: rows.slice(0, first),
    marks: rows.slice(first, second),
    documents: rows.slice(second),
  };
}

/** Documents by cosine with a row, best first. */
export function nearest(
  row: Float32Array,
  documents: readonly Float32Array[],
  count: number,
): number[] {
  const scores = documents.map((document) => dot(row, document));
  return scores
    .map((_, at) => at)
    .sort((a, b) => scores[b]! - scores[a]! || a - b)
    .slice(0, count);
}

/** Embeddings of texts by the base, as documents. */
export async function embeddedTexts(
  texts: readonly string[],
  checkpoint: Checkpoint,
): Promise<[string, Float32Array][]> {
  const choice = { arithmetic: 'fp32', provider: 'cpu' } as const;
  const embedder = await openEmbedder(checkpoint, { choice, threads });
  const all = await embedTexts(texts, () => false, {
    ...{ embedder, dataFolder: benchCache('learns'), control: new RunControl() },
  });
  embedder.dispose();
  const { dimension } = checkpoint;
  return texts.map((text, at) => [text, all.subarray(at * dimension, (at + 1) * dimension)]);
}

/** nDCG@10 where one document is right. */
export function answerNdcg(ranked: readonly number[], answer: number): number {
  return ndcgAt(
    10,
    ranked.map((document) => Number(document === answer)),
    [1],
  );
}
