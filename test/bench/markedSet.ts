/**
 * Sets as learning from marks needs them, with the base bi-encoder's embeddings kept below .cache/bench: `code-cosqa` with
 * marks of people on other queries than the judged ones, and `docs-cranfield` by folds, where the judged queries of the
 * other folds are what is known.
 */
import { seededRandom, shuffle } from '../../src/base/random';
import { dot } from '../../src/base/vector';
import type { Checkpoint } from '../../src/engine/encoders/checkpoint';
import { openEmbedder } from '../../src/engine/encoders/openEncoder';
import { RunControl } from '../../src/engine/training/control';
import { ndcgAt } from '../../src/engine/training/metrics';
import { embedTexts } from '../../src/engine/training/texts';
import { benchCache, readSource } from './quality';
import { note } from './report';

const threads = 2;

export interface MarkedSet {
  /** Tells what is kept of it. */
  readonly name: string;
  readonly documents: readonly string[];
  /** By which learning is judged. */
  readonly queries: readonly JudgedQuery[];
  /** On other queries; all documents of a mark are right, or its one is wrong. */
  readonly marks: readonly {
    readonly query: string;
    readonly documents: readonly number[];
    readonly isRight: boolean;
  }[];
}

export interface JudgedQuery {
  readonly text: string;
  /** Documents that answer it. */
  readonly relevant: readonly number[];
}

/** `code-cosqa` as it lies there. */
export function readMarkedSet(): MarkedSet {
  const { numberOf, feedback, ...set } = readJudged('code-cosqa');
  const marks = feedback.map(({ query, id, label }) => {
    return { query, documents: [numberOf.get(id)!], isRight: label === 1 };
  });
  return { ...set, marks };
}

/** `docs-cranfield` with every query judged and none known. */
export function readFoldedSet(): MarkedSet {
  const { name, documents, queries } = readJudged('docs-cranfield');
  return { name, documents, queries: shuffle(queries, seededRandom(1)), marks: [] };
}

/** One fold of it is judged; the answers to all other queries are known. */
export function foldOf(
  { name, documents, queries }: MarkedSet,
  rows: BaseRows,
  fold: number,
  foldCount: number,
): { readonly set: MarkedSet; readonly rows: BaseRows } {
  const isJudged = (_: unknown, at: number): boolean => at % foldCount === fold;
  const isKnown = (_: unknown, at: number): boolean => at % foldCount !== fold;
  const marks = queries.filter(isKnown).map(({ text, relevant }) => {
    return { query: text, documents: relevant, isRight: true };
  });
  return {
    set: {
      ...{ name: `${name}-${fold + 1}-of-${foldCount}`, documents, marks },
      queries: queries.filter(isJudged),
    },
    rows: {
      queries: rows.queries.filter(isJudged),
      marks: rows.queries.filter(isKnown),
      documents: rows.documents,
    },
  };
}

function readJudged(name: 'code-cosqa' | 'docs-cranfield') {
  const { corpus, queries, qrels, feedback } = readSource(name);
  const numberOf = new Map(corpus.map(({ id }, number) => [id, number]));
  return {
    ...{ name, numberOf, feedback, documents: corpus.map(({ text }) => text) },
    queries: queries.map(({ id, text }): JudgedQuery => {
      return { text, relevant: (qrels.get(id) ?? []).map((document) => numberOf.get(document)!) };
    }),
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

/** nDCG@10 of documents, best first. */
export function rankedNdcg(ranked: readonly number[], relevant: readonly number[]): number {
  return ndcgAt(
    10,
    ranked.map((document) => Number(relevant.includes(document))),
    relevant.map(() => 1),
  );
}
