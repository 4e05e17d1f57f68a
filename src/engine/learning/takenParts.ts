/**
 * Which of the parts that were tried answer: those that passed by themselves, one of two that rule each other out, and all
 * of them together only where that is no worse than the best one alone. Decisions about what was measured; nothing is
 * measured here.
 */
import type { Contestant } from './arena';
import { verdictOf } from './gate';
import type { Measured } from './measuring';
import { compared, pairValues } from './measures';
import type { LearningTier, TierOutcome } from './report';
import { type TriedTier, WORDS } from './triedTier';

export interface Taken {
  readonly parts: readonly TriedTier[];
  /** Why a part that passed is not among them. */
  readonly note?: string;
}

/**
 * The parts that passed, in their order. A map was learned over the base's embeddings, so it says nothing about an
 * encoder's: where both passed one of them is taken.
 */
export function withoutRivals(tried: readonly TriedTier[]): Taken {
  const passed = tried.filter(({ measured }) => measured.result.isPassed);
  const of = (wanted: LearningTier): TriedTier | undefined =>
    passed.find(({ tier }) => tier === wanted);
  const [head, encoder] = [of('head'), of('encoder')];
  if (!head || !encoder) return { parts: passed };
  // On the same queries: an encoder is not measured on all.
  const { heldOut } = encoder.measured.evidence;
  const gainOf = ({ measured }: TriedTier): number => primaryGain(measured.evidence, heldOut);
  // As good, and nothing is embedded anew.
  const isHeadTaken = gainOf(head) >= gainOf(encoder);
  const [taken, left] = isHeadTaken ? [head, encoder] : [encoder, head];
  return {
    parts: passed.filter((one) => one !== left),
    note: `Only one of ${WORDS.head} and ${WORDS.encoder} can answer: ${WORDS[taken.tier]} is taken, which gains no less`,
  };
}

/** Several parts as they were measured together, or the best one alone where together they are no better. */
export function joinedOrBest(parts: readonly TriedTier[], joined: Measured): Taken {
  // On the same queries: not every part is measured on all.
  const gainOf = ({ evidence }: Measured): number => primaryGain(evidence, joined.evidence.heldOut);
  const best = parts.reduce((a, b) => (gainOf(b.measured) > gainOf(a.measured) ? b : a));
  if (joined.result.isPassed && gainOf(joined) >= gainOf(best.measured))
    return { parts: parts.map((one) => ({ ...one, measured: joined })) };
  return {
    parts: [best],
    note: `Together the parts are no better than ${WORDS[best.tier]} alone, which is taken`,
  };
}

/** What came of a run in one sentence: of what was taken, else of the part that came nearest. */
export function verdictOfRun(
  measured: Measured | undefined,
  outcomes: readonly TierOutcome[],
  beside: { readonly isWorse: boolean; readonly sentence: string } | undefined,
): string {
  if (!measured)
    return `Not promoted: no part could be trained (${outcomes.map(({ sentence }) => sentence).join('; ')})`;
  return beside?.isWorse
    ? `Not promoted: ${beside.sentence}`
    : verdictOf(measured.result, measured.evidence);
}

export function mergeTiers(kept: readonly TriedTier[]): Pick<TriedTier, 'byFold' | 'whole'> {
  const join = (parts: readonly Contestant[]): Contestant =>
    Object.assign({}, ...parts) as Contestant;
  // Some are measured on the first fold alone.
  const foldCount = Math.min(...kept.map(({ byFold }) => byFold.length));
  return {
    byFold: Array.from({ length: foldCount }, (_, at) =>
      join(kept.map(({ byFold }) => byFold[at]!)),
    ),
    whole: join(kept.map(({ whole }) => whole)),
  };
}

/** What is reported: what was chosen, else the part that came nearest. */
export function togetherOf(
  chosen: readonly TriedTier[],
  tried: readonly TriedTier[],
): { readonly measured?: Measured; readonly whole?: Contestant } {
  if (chosen.length > 0) return { measured: chosen[0]!.measured, whole: mergeTiers(chosen).whole };
  const best = [...tried].sort(
    (a, b) => primaryGain(b.measured.evidence) - primaryGain(a.measured.evidence),
  )[0];
  return { measured: best?.measured, whole: best?.whole };
}

/** On all that was held out, or on some of it. */
function primaryGain(
  { primary, heldOut: all, before, after }: Measured['evidence'],
  heldOut = all,
): number {
  return compared(primary, '', pairValues(primary, heldOut, before, after)).difference;
}
