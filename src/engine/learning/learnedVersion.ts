/** What searches take from a version: its parts in memory, checked against the models that they were learned on. */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { messageOf, NearmissError } from '../../base/errors';
import { ADAPTER_FILE, checkBase, readHead } from '../encoders/heads';
import type { LearnedMap } from '../search/learned';
import type { LearnedWords } from '../search/learnedWords';
import { DEFAULT_WEIGHTS, type FusionWeights } from '../search/weights';
import { readWordsFile, wordMap, WORDS_FILE } from './learnedWords';
import type { VersionManifest, VersionStore } from './versionStore';

export const WEIGHTS_FILE = 'weights.json';
export const CROSS_ENCODER_FOLDER = 'cross-encoder';
export const ENCODER_FOLDER = 'bi-encoder';

/** The models that are in use now, by fingerprint. */
export interface BaseModels {
  readonly biEncoder: string;
  readonly crossEncoder: string;
}

export interface LearnedVersion {
  readonly id: string;
  readonly manifest: VersionManifest;
  readonly words?: LearnedWords;
  readonly learned?: LearnedMap;
  readonly weights?: FusionWeights;
  /** A checkpoint's folder. */
  readonly crossEncoderFolder?: string;
  /** The folder of a checkpoint whose space the version's vectors are in. */
  readonly encoderFolder?: string;
}

/**
 * Reads a version whole. Throws a NearmissError('model') with a sentence where it is damaged, or where it was learned on
 * other models than those in use.
 */
export async function loadVersion(
  store: VersionStore,
  id: string,
  base: BaseModels,
): Promise<LearnedVersion> {
  const manifest = await store.verified(id);
  checkModels(manifest, base);
  const folder = store.folderOf(id);
  const { tiers, mapsSimilar, level } = manifest;
  const { head, ...others } = await readParts(folder, tiers);
  if (head) checkBase(head, base.biEncoder);
  const isMapped = head !== undefined || others.encoderFolder !== undefined;
  return { id, manifest, ...others, learned: isMapped ? { head, level, mapsSimilar } : undefined };
}

/** What a folder holds of these parts. */
async function readParts(
  folder: string,
  tiers: readonly string[],
): Promise<{
  readonly words?: LearnedWords;
  readonly head?: LearnedMap['head'];
  readonly weights?: FusionWeights;
  readonly crossEncoderFolder?: string;
  readonly encoderFolder?: string;
}> {
  return {
    words: tiers.includes('words')
      ? wordMap(await readWordsFile(path.join(folder, WORDS_FILE)))
      : undefined,
    head: tiers.includes('head') ? await readHead(path.join(folder, ADAPTER_FILE)) : undefined,
    weights: tiers.includes('fusion')
      ? await readWeights(path.join(folder, WEIGHTS_FILE))
      : undefined,
    crossEncoderFolder: tiers.includes('cross-encoder')
      ? path.join(folder, CROSS_ENCODER_FOLDER)
      : undefined,
    encoderFolder: tiers.includes('encoder') ? path.join(folder, ENCODER_FOLDER) : undefined,
  };
}

function checkModels({ id, base, tiers }: VersionManifest, models: BaseModels): void {
  const other = (what: string, had: string, has: string): NearmissError =>
    new NearmissError(
      'model',
      `The version ${id} was learned on the ${what} ${had.slice(0, 12)}, and ${has.slice(0, 12)} is in use`,
      'Learn again, or go back to that model',
    );
  if (base.biEncoder !== models.biEncoder) throw other('model', base.biEncoder, models.biEncoder);
  // Weights were learned beside the re-ranker's scores, so every part but words and a head depends on it.
  const dependsOnReranker = tiers.some((tier) => tier !== 'words' && tier !== 'head');
  if (dependsOnReranker && base.crossEncoder !== models.crossEncoder)
    throw other('re-ranker', base.crossEncoder, models.crossEncoder);
}

const weightsSchema = z.record(z.string(), z.number().nonnegative());

/** The numbers of the ranking from a file; those that it does not name keep their defaults. */
export async function readWeights(file: string): Promise<FusionWeights> {
  try {
    const given = weightsSchema.parse(JSON.parse(await fs.readFile(file, 'utf8')));
    const known = Object.keys(DEFAULT_WEIGHTS).filter((name) => given[name] !== undefined);
    return {
      ...DEFAULT_WEIGHTS,
      ...Object.fromEntries(known.map((name) => [name, given[name]!])),
    };
  } catch (error) {
    const reason = error instanceof z.ZodError ? 'it holds no weights' : messageOf(error);
    throw new NearmissError(
      'model',
      `The weights ${file} cannot be used: ${reason}`,
      'Learn again',
      {
        cause: error,
      },
    );
  }
}
