/**
 * One part's trial: a model for each fold from what the fold does not hold out, one from everything, and what they gain. What
 * takes long is measured on one fold alone, and where it gains nothing there it is not trained on everything.
 */
import * as path from 'node:path';
import { isAbort, messageOf, NearmissError } from '../../base/errors';
import type { DisposableStore } from '../../base/lifecycle';
import type { Part, RecipeChanges } from '../training/recipe';
import type { Contestant } from './arena';
import { encodedContestant } from './encoderTier';
import { crossRecords, fusionRecords, type Group, headRecords } from './groups';
import type { MethodMaterial } from './methods';
import { type Measured, measure, type Trial } from './measuring';
import type { LearningTier, TierOutcome } from './report';
import { type Fold, foldCountOf } from './split';
import type { SearchContext } from '../search/types';
import { encodingSeconds } from './tiers';
import { openTier, type TierMeans, trainTier, trainWords } from './trainTier';
import type { VersionStore } from './versionStore';
import { partOf, recipeOf, searchWeight, trainWeight, type TriedTier, WORDS } from './triedTier';

/** What a part learns from. */
export interface TierMaterial extends MethodMaterial {
  readonly folds: readonly Fold[];
}

export interface TierOrder {
  readonly store: VersionStore;
  readonly means: TierMeans;
  readonly niceness?: number;
  readonly recipes?: Readonly<Partial<Record<LearningTier, RecipeChanges>>>;
  /** Takes the re-rankers that are opened. */
  readonly owned: DisposableStore;
}

/** The trial, or why there was none. */
export async function tryTier(
  tier: LearningTier,
  trial: Trial,
  material: TierMaterial,
  order: TierOrder,
): Promise<TriedTier | TierOutcome> {
  const startMs = performance.now();
  const { groups, folds, data } = material;
  const { means } = order;
  const vectors = { count: 0 };
  const trainOn = (some: readonly Group[], name: string): Promise<Contestant> => {
    if (tier === 'words') return countWords(some, name, trial, order);
    const part = partOf(tier, data);
    const records = recordsOf(part, some, material, means.index);
    return trainOne({ tier, part, records, name, texts: textsOf(some), vectors }, trial, order);
  };
  try {
    const byFold: Contestant[] = [];
    const foldCount = foldCountOf(tier, trial.folds.flat().length);
    for (const [at, heldOut] of folds.slice(0, foldCount).entries()) {
      const hidden = new Set(heldOut);
      const seen = groups.filter((_, index) => !hidden.has(index));
      byFold.push(await trainOn(seen, `${tier}-${at}`));
    }
    const measureWith = async (whole: Contestant): Promise<Measured> => {
      trial.progress.begin({ stage: `measuring ${WORDS[tier]}`, weight: searchWeight(trial) });
      return measure(trial, byFold, whole, means.seed);
    };
    const made = (name: string, whole: Contestant, measured: Measured): TriedTier => {
      const seconds = (performance.now() - startMs) / 1000;
      const out = path.join(order.store.runFolder, name);
      return { tier, out, byFold, whole, measured, seconds, vectorCount: vectors.count };
    };
    if (byFold.length === 1) {
      const first = await measureWith(byFold[0]!);
      if (!first.result.isPassed) return made(`${tier}-0`, byFold[0]!, first);
    }
    const whole = await trainOn(groups, tier);
    return made(tier, whole, await measureWith(whole));
  } catch (error) {
    if (isAbort(error) || !(error instanceof NearmissError)) throw error;
    // Too little for this part; another may have enough.
    const nothing = { figures: [], conditions: [], bytes: 0, recomputedVectorCount: 0 };
    const seconds = (performance.now() - startMs) / 1000;
    return { tier, isKept: false, sentence: messageOf(error), seconds, ...nothing };
  }
}

/** Records of some of the groups, as the part reads them. */
export function recordsOf(
  part: Part,
  some: readonly Group[],
  { filler, data }: Pick<TierMaterial, 'filler' | 'data'>,
  index: SearchContext,
): object[] {
  if (part === 'fusion') return fusionRecords(some);
  if (part === 'cross-encoder') return crossRecords(index, some);
  return headRecords(index, some, filler, part === 'query-head' ? [] : data.pairs);
}

function textsOf(groups: readonly Group[]): string[] {
  return groups.map(({ query }) => query.text);
}

async function countWords(
  groups: readonly Group[],
  name: string,
  { progress }: Trial,
  { store, means }: TierOrder,
): Promise<Contestant> {
  const out = path.join(store.runFolder, name);
  progress.begin({ stage: `learning ${WORDS.words}`, weight: trainWeight('words', groups.length) });
  await trainWords(
    groups.map(({ query }) => query),
    out,
    means,
  );
  const opened = await openTier('words', out, means.openReranker);
  if (opened.words?.size === 0 && name === 'words')
    throw new NearmissError(
      'usage',
      'No word of yours that the folder does not have is in several answered queries',
    );
  return opened;
}

async function trainOne(
  task: {
    readonly tier: LearningTier;
    readonly part: Part;
    readonly records: readonly object[];
    readonly name: string;
    /** Queries that are learned from. */
    readonly texts: readonly string[];
    /** Counts what is embedded anew. */
    readonly vectors: { count: number };
  },
  { progress }: Trial,
  { niceness, recipes, store, means, owned }: TierOrder,
): Promise<Contestant> {
  const { tier, part, records, name, texts, vectors } = task;
  const out = path.join(store.runFolder, name);
  progress.begin({ stage: `learning ${WORDS[tier]}`, weight: trainWeight(tier, records.length) });
  const limits = niceness === undefined ? {} : { niceness };
  const recipe = { ...recipeOf(tier, records.length), ...limits, ...recipes?.[tier] };
  const onNews: TierMeans['onNews'] = ({ done, total }) => progress.at(done, total);
  await trainTier({ part, records, recipe, out }, { ...means, onNews });
  if (tier === 'encoder') {
    const onProgress = (done: number, total: number): void => progress.at(done, total);
    const weight = encodingSeconds(means.index.snapshot.counts.embeddedCount);
    progress.begin({ stage: 'embedding the folder anew', weight });
    const encoded = await encodedContestant(
      {
        ...{ checkpointFolder: out, texts, owned, onProgress },
        // Of the model of all marks alone they are kept.
        cacheFile: name === tier ? undefined : `${out}.embeddings.db`,
      },
      means,
    );
    vectors.count += encoded.vectorCount;
    return encoded;
  }
  const opened = await openTier(tier, out, means.openReranker);
  if (opened.reranker) owned.add(opened.reranker);
  return opened;
}
