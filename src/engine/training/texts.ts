/**
 * Base embeddings of training texts, kept in a file of the data folder: marks change, texts seldom do, so the second run
 * embeds next to nothing. Queries are embedded as queries, everything else as documents.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Embedder } from '../encoders/types';
import { openEmbeddingCache } from '../store/store';
import type { RunControl } from './control';

export interface EmbedOptions {
  readonly embedder: Embedder;
  readonly dataFolder: string;
  readonly control: RunControl;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Texts between two looks at whether the run goes on. */
const SLICE = 64;

/** Unit-length embeddings of the texts, `[texts, dimension]`, in input order; those that `isQuery` names as queries. */
export async function embedTexts(
  texts: readonly string[],
  isQuery: (index: number) => boolean,
  options: EmbedOptions,
): Promise<Float32Array> {
  const { embedder, dataFolder, control, onProgress } = options;
  const { id: space, dimension } = embedder.space;
  fs.mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const cache = openEmbeddingCache(path.join(dataFolder, 'training-embeddings.db'));
  try {
    const keys = texts.map((text, index) => keyOf(text, isQuery(index)));
    const out = new Float32Array(texts.length * dimension);
    const missing: number[] = [];
    cache.get(space, keys).forEach((vector, index) => {
      if (vector) out.set(vector, index * dimension);
      else missing.push(index);
    });
    for (let at = 0; at < missing.length; at += SLICE) {
      await control.turn();
      onProgress?.(at, missing.length);
      const slice = missing.slice(at, at + SLICE);
      const rows = await embedSlice(
        embedder,
        slice.map((index) => [texts[index]!, isQuery(index)]),
      );
      slice.forEach((index, row) => out.set(rows[row]!, index * dimension));
      cache.put(
        space,
        slice.map((index, row) => ({ key: keys[index]!, vector: rows[row]! })),
      );
    }
    return out;
  } finally {
    cache.dispose();
  }
}

async function embedSlice(
  embedder: Embedder,
  texts: readonly (readonly [text: string, isQuery: boolean])[],
): Promise<Float32Array[]> {
  const { dimension } = embedder.space;
  const out: Float32Array[] = [];
  const documents = texts.flatMap(([text, isQuery]) => (isQuery ? [] : [text]));
  const rows = await embedder.embedDocuments(documents);
  let next = 0;
  for (const [text, isQuery] of texts) {
    if (isQuery) out.push(await embedder.embedQuery(text));
    else out.push(rows.slice(next * dimension, ++next * dimension));
  }
  return out;
}

function keyOf(text: string, isQuery: boolean): Uint8Array {
  return createHash('sha256')
    .update(`${isQuery ? 'query' : 'document'}\0${text}`)
    .digest()
    .subarray(0, 16);
}
