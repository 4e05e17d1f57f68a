/**
 * Embedding spaces that vote when negatives are mined, beside those of the index: a middle layer of the base, or any
 * checkpoint that the user names, a tuned one say. The index holds no vectors of them, so every chunk is embedded before
 * the first query, once: the vectors stay in the data folder.
 */
import { NearmissError } from '../../base/errors';
import { TopK, dot } from '../../base/vector';
import { type Checkpoint, readCheckpoint } from '../encoders/checkpoint';
import { openEmbedder } from '../encoders/openEncoder';
import type { Embedder } from '../encoders/types';
import type { MiningChunks, MiningQuery, MiningSpace } from './negatives';
import type { RunControl } from './control';
import { openMiddleLayer } from './middleLayer';
import { embedTexts } from './texts';

export interface FurtherMeans {
  /** The base, of which middle layers are taken; undefined where nothing embeds. */
  readonly base?: Checkpoint;
  readonly dataFolder: string;
  readonly control: RunControl;
  readonly threads?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Makes the space over these chunks, for these queries. */
export type FurtherSpace = (
  chunks: MiningChunks,
  queries: readonly string[],
) => Promise<MiningSpace>;

const MIDDLE = /^layer:(\d+)$/;

/** `layer:3` is the base behind its third layer, everything else the folder of a checkpoint. */
export function furtherSpace(name: string, means: FurtherMeans): FurtherSpace {
  return async (chunks, queries) => {
    const embedder = await openSpace(name, means);
    try {
      return await spaceOver(name, embedder, chunks, queries, means);
    } finally {
      embedder.dispose();
    }
  };
}

async function openSpace(name: string, { base, threads }: FurtherMeans): Promise<Embedder> {
  const layer = MIDDLE.exec(name)?.[1];
  if (layer === undefined) {
    const checkpoint = await readCheckpoint(name);
    if (checkpoint.kind === 'bi-encoder')
      return openEmbedder(checkpoint, { choice: { arithmetic: 'fp32', provider: 'cpu' }, threads });
    throw new NearmissError(
      'usage',
      `${name} is a ${checkpoint.kind}, which embeds nothing`,
      'Name a bi-encoder, or layer:N for a middle layer of the one in use',
    );
  }
  if (base) return openMiddleLayer(base, Number(layer), threads);
  throw new NearmissError(
    'model',
    `${name} is a layer of the model that embeds, and none does`,
    'Run `nearmiss doctor` to see what is wrong',
  );
}

async function spaceOver(
  name: string,
  embedder: Embedder,
  chunks: MiningChunks,
  queries: readonly string[],
  { dataFolder, control, onProgress }: FurtherMeans,
): Promise<MiningSpace> {
  const ids = [...chunks.keys()];
  const asked = [...new Set(queries)];
  const texts = [...asked, ...ids.map((id) => chunks.get(id)!.text)];
  const isQuery = (index: number): boolean => index < asked.length;
  const vectors = await embedTexts(texts, isQuery, { embedder, dataFolder, control, onProgress });
  const { dimension } = embedder.space;
  const row = (at: number): Float32Array => vectors.subarray(at * dimension, (at + 1) * dimension);
  const queryAt = new Map(asked.map((text, at) => [text, at]));
  return {
    name,
    // Other models' cosines lie elsewhere: a middle layer finds nearly everything alike. They vote by order alone.
    isCosine: false,
    async rank({ text }: MiningQuery, limit: number) {
      const query = row(queryAt.get(text)!);
      const best = new TopK(limit);
      ids.forEach((id, at) => best.offer(id, dot(query, row(asked.length + at))));
      return best.results().map(({ index, score }) => ({ chunkId: index, score }));
    },
  };
}
