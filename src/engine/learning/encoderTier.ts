/**
 * The encoder in a run: what was trained opened as a ranking of its own, with the whole folder embedded by it. Each model of
 * a fold is measured on its own vectors of all chunks, as the version would be, not on a sample that spares it rivals; its
 * vectors lie in the run's folder and go with it. Those of the model of all marks go where the index keeps its own, under a
 * name of their own, so that the version is whole when it is made.
 */
import * as path from 'node:path';
import { dot } from '../../base/vector';
import { sample, seededRandom } from '../../base/random';
import type { DisposableStore } from '../../base/lifecycle';
import type { Embedder } from '../encoders/types';
import type { LearnedMap } from '../search/learned';
import type { SearchContext } from '../search/types';
import { matchScale } from '../training/level';
import { seedFor } from '../training/plan';
import type { Contestant } from './arena';
import { encodeFolder } from './encodedFolder';
import type { TierMeans } from './trainTier';

/** A contestant with vectors of its own. */
export interface EncodedContestant extends Contestant {
  readonly embedder: Embedder;
  /** Chunks that were embedded for it. */
  readonly vectorCount: number;
}

export interface EncodeOrder {
  readonly checkpointFolder: string;
  /** Queries that its level is fitted on. */
  readonly texts: readonly string[];
  /** Where vectors are kept; without it, where the index keeps its own. */
  readonly cacheFile?: string;
  readonly onProgress: (done: number, total: number) => void;
  readonly owned: DisposableStore;
}

/** Opens the checkpoint and embeds the folder with it. What is opened goes to `owned`. */
export async function encodedContestant(
  { checkpointFolder, texts, cacheFile, onProgress, owned }: EncodeOrder,
  means: Pick<TierMeans, 'index' | 'openEncoder' | 'control' | 'dataFolder' | 'seed'>,
): Promise<EncodedContestant> {
  const { index, control, dataFolder, seed } = means;
  const embedder = owned.add(await means.openEncoder(checkpointFolder));
  const file = cacheFile ?? path.join(dataFolder, 'embeddings.db');
  const options = { cacheFile: file, control, onProgress };
  const { snapshot, chunkCount } = await encodeFolder(index, embedder, options);
  const level = await levelBeside(index, { embedder, snapshot }, texts, seed);
  const learned: LearnedMap = { level, mapsSimilar: true };
  return { embedder, snapshot, learned, vectorCount: chunkCount };
}

const LEVEL_QUERIES = 60;
const LEVEL_CHUNKS = 60;

/** The straight line that brings its cosines to the level of the base's, on which the floor and the mixing rest. */
async function levelBeside(
  { snapshot, embedder: base }: SearchContext,
  own: Required<Pick<Contestant, 'embedder' | 'snapshot'>>,
  texts: readonly string[],
  seed: number,
): Promise<LearnedMap['level']> {
  if (!base || texts.length === 0) return undefined;
  const random = seededRandom(seedFor(seed, 'level', 0));
  const ids = snapshot
    .paths()
    .flatMap((file) => snapshot.chunksAt(file, 0, Number.MAX_SAFE_INTEGER).map(({ id }) => id));
  const rows = sample(ids, LEVEL_CHUNKS, random).flatMap((id) => {
    const before = snapshot.meanVector(base.space.id, [id]);
    const after = own.snapshot.meanVector(own.embedder.space.id, [id]);
    return before && after ? [{ before, after }] : [];
  });
  const [from, to]: [number[], number[]] = [[], []];
  for (const text of sample(texts, LEVEL_QUERIES, random)) {
    const [before, after] = [await base.embedQuery(text), await own.embedder.embedQuery(text)];
    for (const row of rows) {
      from.push(dot(after, row.after));
      to.push(dot(before, row.before));
    }
  }
  return from.length === 0 ? undefined : matchScale(from, to);
}
