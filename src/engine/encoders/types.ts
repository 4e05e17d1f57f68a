/** What the encoders room gives to the others: texts in, numbers out. No model detail leaves the room. */
import type { Disposable } from '../../base/lifecycle';

/**
 * One space of comparable embeddings: a checkpoint and the arithmetic that ran it. Vectors of two
 * spaces are never compared; the id is part of every embedding's key.
 */
export interface EmbeddingSpace {
  /** Stable, short, file-name safe; made of `checkpoint` and `arithmetic`. */
  readonly id: string;
  /** Hex sha256 of the model file's bytes together with the tokenizer's. */
  readonly checkpoint: string;
  /** "fp32", "int8-token", "webgpu-fp32", ... */
  readonly arithmetic: string;
  readonly dimension: number;
}

/** Texts in, unit-length embeddings out. */
export interface Embedder extends Disposable {
  readonly space: EmbeddingSpace;
  /**
   * Unit-length embeddings of documents, one row a text, in input order: `[texts, dimension]`. Sorts by
   * length and cuts batches by token budget itself; the signal is looked at between batches.
   */
  embedDocuments(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array>;
  /** The unit-length embedding of one query. */
  embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array>;
}

/** A query and texts in, one relevance logit a text out, in input order; compare only within one query. */
export interface Reranker extends Disposable {
  readonly fingerprint: string;
  /** Runs in slices of a few pairs and yields to the event loop between them. */
  score(query: string, texts: readonly string[], signal?: AbortSignal): Promise<Float32Array>;
}

/** A text to an embedding by table look-up: no network, no session. */
export interface StaticEncoder {
  readonly fingerprint: string;
  readonly dimension: number;
  /** Unit length; all zero for a text without a known token. */
  embed(text: string): Float32Array;
}

/** Ids without special tokens; a thin face over the library's tokenizer with a word cache in front. */
export interface Tokenizer {
  readonly clsId: number;
  readonly sepId: number;
  readonly padId: number;
  readonly vocabularySize: number;
  /** Token ids of a text, without [CLS] and [SEP], never truncated. */
  encode(text: string): number[];
  countTokens(text: string): number;
  /** Share of tokens outside the vocabulary ([UNK]), 0 to 1; 0 for an empty text. */
  unknownShare(text: string): number;
}
