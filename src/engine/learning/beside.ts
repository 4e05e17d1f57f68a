/** Is the candidate at least as good as the version in use, on queries that neither has learned from? */
import { isDeepStrictEqual } from 'node:util';
import { NearmissError } from '../../base/errors';
import type { DisposableStore } from '../../base/lifecycle';
import { type Contestant, rememberScores } from './arena';
import { type BaseModels, type LearnedVersion, loadVersion } from './learnedVersion';
import { encodedContestant } from './encoderTier';
import { unseenBy } from './learnedMarks';
import type { MarkData } from './markData';
import { compared, pairValues } from './measures';
import { answersOf, judgedGuard, type Trial } from './measuring';
import type { TierMeans } from './trainTier';
import { LEAST_QUERIES } from './tiers';
import type { TriedTier } from './triedTier';
import { BASE, type VersionScope, type VersionStore } from './versionStore';

interface BesideMeans {
  readonly store: VersionStore;
  readonly base: BaseModels;
  readonly means: TierMeans;
  /** The part of the folder that the candidate is for. */
  readonly scope?: VersionScope;
  /** Ids of own marks that others have and may have learned from. */
  readonly givenIds?: ReadonlySet<string>;
  /** Takes what is opened for the comparison. */
  readonly owned: DisposableStore;
}

/** On held-out queries that the version in use has not learned from either. */
export async function besideCurrent(
  { store, base, means, givenIds, scope, owned }: BesideMeans,
  {
    trial,
    chosen,
    data,
  }: { readonly trial: Trial; readonly chosen: TriedTier; readonly data: MarkData },
): Promise<{ readonly isWorse: boolean; readonly sentence: string } | undefined> {
  const { pointer } = await store.pointer();
  if (pointer.current.id === BASE) return undefined;
  if (pointer.current.scope && !isDeepStrictEqual(pointer.current.scope, scope))
    return {
      isWorse: false,
      sentence:
        'The version in use answers in a part of the folder alone, so there is nothing to compare with',
    };
  try {
    const current = await loadVersion(store, pointer.current.id, base);
    const texts = data.queries.map(({ text }) => text);
    const contestant = await contestantOf(current, { means, owned, texts });
    const unseen = unseenBy(current.manifest, data.queries, trial.queryVectors, givenIds);
    const isUnseen = new Set(unseen.map(({ asked }) => asked));
    const { evidence } = chosen.measured;
    const fresh = evidence.heldOut.filter(({ asked }) => isUnseen.has(asked));
    const isEnough = fresh.length >= LEAST_QUERIES;
    const judged = isEnough ? fresh : trial.guard.map((one) => judgedGuard(one));
    const of = isEnough ? 'held-out queries newer than it' : 'guard queries';
    const theirs = await answersOf(trial, contestant, judged);
    const ours = isEnough ? evidence.after : evidence.guardAfter;
    const figure = compared('MRR@10', of, pairValues('MRR@10', judged, theirs, ours));
    const isWorse = figure.difference < -0.01;
    const sentence = `Beside the version in use, on ${figure.count} ${of}: MRR@10 ${figure.before.toFixed(3)} there, ${figure.after.toFixed(3)} here`;
    return { isWorse, sentence };
  } catch (error) {
    if (!(error instanceof NearmissError)) throw error;
    return { isWorse: false, sentence: `${error.message}, so there is nothing to compare with` };
  }
}

/** A version as searches take it; what is opened for it goes to `owned`. Its encoder embeds what is not embedded yet. */
export async function contestantOf(
  { words, learned, weights, crossEncoderFolder, encoderFolder }: LearnedVersion,
  opened: {
    readonly means: Omit<TierMeans, 'onNews'>;
    readonly owned: DisposableStore;
    /** Queries of the folder. */
    readonly texts: readonly string[];
  },
): Promise<Contestant> {
  const { means, owned, texts } = opened;
  const reranker =
    crossEncoderFolder === undefined
      ? undefined
      : owned.add(rememberScores(await means.openReranker(crossEncoderFolder)));
  const own = reranker ? { reranker } : {};
  if (encoderFolder === undefined) return { words, learned, weights, ...own };
  const onProgress = (): void => undefined;
  const order = { checkpointFolder: encoderFolder, texts, onProgress, owned };
  const { embedder, snapshot } = await encodedContestant(order, means);
  return { words, learned, weights, ...own, embedder, snapshot };
}
