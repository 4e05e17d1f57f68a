/** The plain data of the search room: what is asked, with what means, and what comes back. */
import type { ChunkKind, Span } from '../documents/document';
import type { Embedder, Reranker, StaticEncoder, Tokenizer } from '../encoders/types';
import type { ChunkFilter, Snapshot } from '../store/types';
import type { LearnedMap } from './learned';
import type { LearnedWords } from './learnedWords';
import type { MarkInfluence, SearchMark } from './marks';
import type { FusionWeights } from './weights';

/** Which of the three tiers an answer rests on. */
export type Tier = 'words' | 'static' | 'contextual';

/** Everything a search reads. Encoders that are missing (not loaded yet, failed) leave their tier out. */
export interface SearchContext {
  readonly snapshot: Snapshot;
  readonly tokenizer?: Tokenizer;
  readonly embedder?: Embedder;
  /** What marks are compared by, where a learned encoder embeds the query; without it the embedder is. */
  readonly markEmbedder?: Embedder;
  readonly staticEncoder?: StaticEncoder;
  readonly reranker?: Reranker;
  /** The folder's marks; those that do not count for the question change nothing. */
  readonly marks?: readonly SearchMark[];
  readonly weights?: Partial<FusionWeights>;
  /** What a version maps embeddings by; without it, base embeddings are compared. */
  readonly learned?: LearnedMap;
  /** What words of the people who ask mean here; without it, a query is read as typed. */
  readonly words?: LearnedWords;
}

export interface SearchRequest {
  /** As typed, with query syntax. */
  readonly query: string;
  /** Number of hits wanted, 1 to 1000. */
  readonly limit: number;
  /** Conditions from outside the query text (command line, panel); joined with those of the query's own syntax. */
  readonly filter?: ChunkFilter;
  readonly rerank: boolean;
  /** Candidates the re-ranker reads when there is no clock. Default 30. */
  readonly rerankCount?: number;
  /** Interactive search: the re-ranker stops adding candidates after this time. Absent: fixed count, no clock. */
  readonly budgetMs?: number;
  /** At most this many hits of one file. Default 3. */
  readonly perFile?: number;
  readonly explain?: boolean;
  /** Hits are packed: texts whole where they fit, no line twice, so many tokens in all. */
  readonly budgetTokens?: number;
}

/** One part of a hit's score, in words a person accepts. */
export interface ExplainPart {
  readonly name: string;
  /** Rank within this part, from 1, where the part ranks. */
  readonly rank?: number;
  /** The part's own value: a cosine, a BM25 score, a logit, a factor. */
  readonly value: number;
  /** What it added to the score; the additive parts times the factors make the score. */
  readonly contribution: number;
  readonly sentence: string;
}

export interface Hit {
  readonly chunkId: number;
  readonly path: string;
  readonly span: Span;
  readonly symbol: string;
  readonly kind: ChunkKind;
  readonly language: string;
  readonly text: string;
  /** The lines that answer best, within the span; what a snippet shows. */
  readonly window: Span;
  /** Falls with rank; comparable within one answer only. */
  readonly score: number;
  readonly explain?: readonly ExplainPart[];
  /** The mark that moved it. */
  readonly mark?: MarkInfluence;
}

export interface SearchResult {
  readonly hits: readonly Hit[];
  readonly tiers: readonly Tier[];
  /** True when even the best hit is unlikely to answer. */
  readonly noGoodMatch: boolean;
  /** A sentence about the answer as a whole ("rests on words only: ..."), where there is one to say. */
  readonly note?: string;
  readonly isReranked: boolean;
  /** Milliseconds a stage took: parse, embed, words, vectors, fuse, rerank, total. */
  readonly tookMs: Readonly<Record<string, number>>;
}
