/** One part of the ranking in a run: how it learns, what a trial of it gave, and what that costs. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Part, RecipeChanges } from '../training/recipe';
import type { Contestant } from './arena';
import { verdictOf } from './gate';
import type { MarkData, MarkedQuery } from './markData';
import type { Measured, Trial } from './measuring';
import type { Judged } from './measures';
import type { LearningTier, TierOutcome } from './report';
import { foldCountOf } from './split';
import { encodingSeconds, SHARED_FROM } from './tiers';

/** A part that was trained and measured. */
export interface TriedTier {
  readonly tier: LearningTier;
  readonly out: string;
  readonly byFold: readonly Contestant[];
  readonly whole: Contestant;
  readonly measured: Measured;
  readonly seconds: number;
  /** Vectors that were computed for it beside the stored ones. */
  readonly vectorCount?: number;
}

export const WORDS: Readonly<Record<LearningTier, string>> = {
  words: 'your words',
  fusion: 'the weights of the ranking',
  head: 'a map of embeddings',
  'cross-encoder': 'the re-ranker',
  encoder: 'the encoder',
};

/** The trainer's name of a part; words are counted, not trained. */
export function partOf(tier: Exclude<LearningTier, 'words'>, { pairs, counts }: MarkData): Part {
  if (tier === 'fusion') return 'fusion';
  if (tier === 'cross-encoder') return 'cross-encoder';
  if (tier === 'encoder') return 'bi-encoder';
  const hasBoth = new Set(pairs.map(({ isAlike }) => isAlike)).size === 2;
  return (pairs.length >= SHARED_FROM && hasBoth) || counts.usable >= 100
    ? 'shared-head'
    : 'query-head';
}

/** Flags beside the trainer's own: what a run of many trainings can afford. The re-ranker sees every group twice. */
export function recipeOf(tier: LearningTier, recordCount: number): RecipeChanges {
  // Marks were looked at already, with more than a trainer knows.
  if (tier === 'head') return { quarantine: false };
  // Twenty numbers under a pull to their defaults: few steps are enough, and they are trained once a fold.
  if (tier === 'fusion')
    return { steps: 40, learningRate: 0.1, evaluateEvery: 5, patience: 4, rows: 32 };
  if (tier === 'encoder') return encoderRecipe(recordCount);
  const steps = Math.max(8, Math.min(60, Math.ceil(recordCount / 8) * 2));
  // Eight bits of a model that was trained on little say what the base says; floats that are kept do not.
  const more = { maxTokens: 160, negatives: 7, weights: 'mixed' } as const;
  return { steps, evaluateEvery: Math.ceil(steps / 2), ...more };
}

/** Rows of a step of the encoder, and how often it sees each record; at most the steps of section 10 of the methods. */
const ENCODER_ROWS = 16;
const ENCODER_EPOCHS = 4;
const MOST_ENCODER_STEPS = 600;

/** The anchor keeps it near the base, which the gate asks for, and vectors of what nobody marked where they were. */
function encoderRecipe(recordCount: number): RecipeChanges {
  const epoch = Math.ceil(recordCount / ENCODER_ROWS);
  const steps = Math.max(8, Math.min(MOST_ENCODER_STEPS, ENCODER_EPOCHS * epoch));
  return {
    ...{ steps, rows: ENCODER_ROWS, negatives: 3, evaluateEvery: Math.max(4, epoch), patience: 2 },
    ...{ maxTokens: 160, anchor: 0.5, anchorTexts: 16, weights: 'mixed', quarantine: false },
  };
}

export function judgedOf({ asked, relevant, wrong }: MarkedQuery): Judged {
  return {
    asked,
    relevant: relevant.map(({ chunkId }) => chunkId),
    wrong: wrong.map(({ chunkId }) => chunkId),
  };
}

export function outcomeOf({
  tier,
  measured,
  out,
  seconds,
  vectorCount = 0,
}: TriedTier): TierOutcome {
  const { result, evidence } = measured;
  return {
    ...{
      tier,
      isKept: result.isPassed,
      sentence: verdictOf(result, evidence)
        .replace('Promoted', 'Kept')
        .replace('Not promoted', 'Not kept'),
    },
    ...{ figures: result.figures, conditions: result.conditions, seconds },
    bytes: bytesOf(out),
    recomputedVectorCount: vectorCount,
  };
}

function bytesOf(folder: string): number {
  return fs
    .readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + fs.statSync(path.join(entry.parentPath, entry.name)).size, 0);
}

export function trainWeight(tier: LearningTier, recordCount: number): number {
  if (tier === 'words') return 0.1;
  if (tier === 'fusion') return 1 + 0.05 * recordCount;
  if (tier === 'head') return 4 + 0.02 * recordCount;
  return tier === 'encoder' ? 20 + 2 * recordCount : 5 + 0.5 * recordCount;
}

export function searchWeight({ folds, guard }: Trial): number {
  return (folds.flat().length + guard.length) * 0.2;
}

/** `queryCount` queries are learned from, `measuredCount` of them are held out and measured. */
export function plannedWeight(
  counts: Readonly<Record<'queryCount' | 'measuredCount' | 'guardCount' | 'chunkCount', number>>,
  tiers: readonly LearningTier[],
): number {
  const { queryCount, measuredCount, guardCount, chunkCount } = counts;
  const modelsOf = (tier: LearningTier): number => foldCountOf(tier, measuredCount) + 1;
  const searches = (queryCount + guardCount) * 0.2;
  const trainings = tiers.reduce(
    (sum, tier) => sum + modelsOf(tier) * trainWeight(tier, queryCount),
    0,
  );
  const encodings = tiers.includes('encoder')
    ? modelsOf('encoder') * encodingSeconds(chunkCount)
    : 0;
  return queryCount * 0.9 + searches * (tiers.length + 2) + trainings + encodings;
}
