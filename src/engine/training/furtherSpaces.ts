/**
 * Embedding spaces that vote when negatives are mined, beside those of the index: a middle layer of the base, any
 * checkpoint that the user names, or the base under a head that was trained. The index holds no vectors of a model, so
 * every chunk is embedded before the first query, once: the vectors stay in the data folder. A head maps what is stored.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { NearmissError } from '../../base/errors';
import { TopK, dot } from '../../base/vector';
import { type Checkpoint, readGivenCheckpoint } from '../encoders/checkpoint';
import { ADAPTER_FILE, applyHead, checkBase, readHead } from '../encoders/heads';
import { openEmbedder } from '../encoders/openEncoder';
import type { Embedder } from '../encoders/types';
import type { MiningChunks, MiningQuery, MiningSpace } from './negatives';
import type { RunControl } from './control';
import { openMiddleLayer } from './middleLayer';
import { embedTexts } from './texts';

export interface FurtherMeans {
  /** The base, of which middle layers are taken; undefined where nothing embeds. */
  readonly base?: Checkpoint;
  /** What embeds, whose stored embeddings a head maps. */
  readonly embedder?: Embedder;
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

/** `layer:3` is the base behind its third layer, everything else the folder of a checkpoint or of a head. */
export function furtherSpace(name: string, means: FurtherMeans): FurtherSpace {
  return async (chunks, queries) => {
    const adapter = path.join(name, ADAPTER_FILE);
    if (fs.existsSync(adapter)) return headSpace(name, adapter, chunks, queries, means);
    const embedder = await openSpace(name, means);
    try {
      return await spaceOver(name, embedder, chunks, queries, means);
    } finally {
      embedder.dispose();
    }
  };
}

/** The base under a head: stored embeddings mapped where it is for both sides, queries in any case. */
async function headSpace(
  name: string,
  adapter: string,
  chunks: MiningChunks,
  queries: readonly string[],
  { embedder, control }: FurtherMeans,
): Promise<MiningSpace> {
  if (!embedder) throw nothingEmbeds(`${name} maps embeddings of`);
  const head = await readHead(adapter);
  checkBase(head, embedder.space.checkpoint);
  const asked = new Map<string, Float32Array>();
  for (const text of new Set(queries)) {
    await control.turn();
    asked.set(text, applyHead(head, await embedder.embedQuery(text)));
  }
  const rows = [...chunks.keys()].flatMap((id) => {
    const vector = chunks.get(id)!.vector;
    if (!vector) return [];
    const own = Float32Array.from(vector);
    return [[id, head.kind === 'shared-head' ? applyHead(head, own) : own] as const];
  });
  return rankingSpace(name, asked, rows);
}

function nothingEmbeds(what: string): NearmissError {
  const message = `${what} the model that embeds, and none does`;
  return new NearmissError('model', message, 'Run `nearmiss doctor` to see what is wrong');
}

async function openSpace(name: string, { base, threads }: FurtherMeans): Promise<Embedder> {
  const layer = MIDDLE.exec(name)?.[1];
  if (layer === undefined) {
    const checkpoint = await readGivenCheckpoint(name);
    if (checkpoint.kind === 'bi-encoder')
      return openEmbedder(checkpoint, { choice: { arithmetic: 'fp32', provider: 'cpu' }, threads });
    throw new NearmissError(
      'usage',
      `${name} is a ${checkpoint.kind}, which embeds nothing`,
      'Name a bi-encoder, or layer:N for a middle layer of the one in use',
    );
  }
  if (base) return openMiddleLayer(base, Number(layer), threads);
  throw nothingEmbeds(`${name} is a layer of`);
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
  return rankingSpace(
    name,
    new Map(asked.map((text, at) => [text, row(at)])),
    ids.map((id, at) => [id, row(asked.length + at)]),
  );
}

function rankingSpace(
  name: string,
  queries: ReadonlyMap<string, Float32Array>,
  rows: readonly (readonly [chunkId: number, vector: Float32Array])[],
): MiningSpace {
  return {
    name,
    // Other models' cosines lie elsewhere: a middle layer finds nearly everything alike. They vote by order alone.
    isCosine: false,
    async rank({ text }: MiningQuery, limit: number) {
      const query = queries.get(text)!;
      const best = new TopK(limit);
      for (const [id, vector] of rows) best.offer(id, dot(query, vector));
      return best.results().map(({ index, score }) => ({ chunkId: index, score }));
    },
  };
}
