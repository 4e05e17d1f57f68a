/**
 * The gate (training-methods 11.4): every condition must hold, each with its value, its limit, how many it is the mean of,
 * and a sentence. The figure that decides is chosen before anything is trained: near-miss accuracy where enough held-out
 * queries have a right and a wrong chunk, else MRR@10. A gain whose 90 % interval reaches down to zero is no evidence, and
 * what rests on fewer than eight queries is none either. Of few queries that move, resampling finds a narrow interval
 * where three rose and none fell: so those that rose must also be more than a coin would make (11.3).
 */
import { signTestWins } from '../training/statistics';
import type { Answer } from './arena';
import {
  compared,
  type Judged,
  lowerBound,
  type MetricName,
  type Paired,
  pairValues,
} from './measures';
import type { ComparedFigure, GateCondition } from './report';
import { LEAST_QUERIES } from './tiers';

/** What the space of embeddings has become; absent where no embedding is mapped. */
export interface Geometry {
  /** Mean cosine of what is mapped to what it was. */
  readonly cosineToBase: number;
  readonly count: number;
  /** Of chunks, where those are mapped as well. */
  readonly chunks?: {
    readonly meanCosineBefore: number;
    readonly meanCosineAfter: number;
    readonly rankBefore: number;
    readonly rankAfter: number;
  };
}

/** The order of find-similar, where the version maps chunks. */
export interface SimilarChange {
  /** Mean share of the first ten that stay among the first ten. */
  readonly overlap: number;
  readonly count: number;
}

/** Everything the gate looks at: answers by query as typed, before and after. */
export interface Evidence {
  readonly primary: MetricName;
  readonly heldOut: readonly Judged[];
  readonly guard: readonly Judged[];
  readonly before: ReadonlyMap<string, Answer>;
  readonly after: ReadonlyMap<string, Answer>;
  readonly guardBefore: ReadonlyMap<string, Answer>;
  readonly guardAfter: ReadonlyMap<string, Answer>;
  readonly geometry?: Geometry;
  readonly similar?: SimilarChange;
}

export interface GateResult {
  readonly isPassed: boolean;
  /** Everything holds but the order of find-similar, which can stay on base vectors. */
  readonly mapsSimilar: boolean;
  readonly conditions: readonly GateCondition[];
  readonly figures: readonly ComparedFigure[];
}

const SMALLEST_MRR_BOUND = -0.01;
const LARGEST_GUARD_LOSS = 0.01;
const LARGEST_COSINE_RISE = 0.05;
const LARGEST_RANK_LOSS = 0.1;
const SMALLEST_COSINE_TO_BASE = 0.9;
const SMALLEST_SIMILAR_OVERLAP = 0.5;
const SIMILAR = 'find-similar order';

const FIGURES: readonly MetricName[] = ['near-miss accuracy', 'MRR@10', 'nDCG@10', 'found at 1'];

/** The figure that decides, by what there is to measure. */
export function choosePrimary(judged: readonly Judged[]): MetricName {
  const paired = judged.filter(({ relevant, wrong }) => relevant.length * wrong.length > 0);
  return paired.length >= LEAST_QUERIES ? 'near-miss accuracy' : 'MRR@10';
}

export function decide(evidence: Evidence): GateResult {
  const conditions = [
    ...heldOutConditions(evidence),
    guardCondition(evidence),
    ...(evidence.geometry ? geometryConditions(evidence.geometry) : []),
    ...(evidence.similar ? [similarCondition(evidence.similar)] : []),
  ];
  const failed = conditions.filter(({ isMet }) => !isMet);
  const isPassed = failed.every(({ name }) => name === SIMILAR);
  return {
    isPassed,
    mapsSimilar: failed.length === 0,
    conditions,
    figures: figuresOf(evidence),
  };
}

function figuresOf(evidence: Evidence): ComparedFigure[] {
  const { heldOut, guard, before, after, guardBefore, guardAfter } = evidence;
  const held = FIGURES.map((metric) =>
    compared(metric, 'held-out queries', pairValues(metric, heldOut, before, after)),
  );
  const guarded = (['MRR@10', 'nDCG@10'] as const).map((metric) =>
    compared(metric, 'guard queries', pairValues(metric, guard, guardBefore, guardAfter)),
  );
  return [...held, ...guarded].filter(({ count }) => count > 0);
}

function heldOutConditions({
  primary,
  heldOut,
  before,
  after,
}: Pick<Evidence, 'primary' | 'heldOut' | 'before' | 'after'>): GateCondition[] {
  const values = pairValues(primary, heldOut, before, after);
  const mrr = pairValues('MRR@10', heldOut, before, after);
  const { length: count } = values.before;
  const gain = lowerBound(values);
  const bound = lowerBound(mrr);
  const { wins, losses } = tally(values.before, values.after);
  const least = signTestWins(wins + losses);
  return [
    condition('enough queries', count >= LEAST_QUERIES, {
      ...{ value: count, limit: LEAST_QUERIES, count },
      sentence: `Held-out queries that were measured: ${count}, and ${LEAST_QUERIES} are the least`,
    }),
    condition('gain on held-out queries', count > 0 && gain > 0, {
      ...{ value: gain, limit: 0, count },
      sentence: `${primary} rises: the lower end of its 90 % interval is ${signed(gain)} and must be above 0`,
    }),
    condition('more gained than lost', wins >= least, {
      ...{ value: wins, limit: least, count },
      sentence: `Held-out queries that improved: ${wins}, that got worse: ${losses}; of so many ${least} must improve, since chance alone makes fewer (sign test at 5 %)`,
    }),
    condition('held-out MRR@10', bound >= SMALLEST_MRR_BOUND, {
      ...{ value: bound, limit: SMALLEST_MRR_BOUND, count: mrr.before.length },
      sentence: `MRR@10 is not down: the lower end of its 90 % interval is ${signed(bound)} and must be at least ${signed(SMALLEST_MRR_BOUND)}`,
    }),
  ];
}

function guardCondition({
  guard,
  guardBefore,
  guardAfter,
}: Pick<Evidence, 'guard' | 'guardBefore' | 'guardAfter'>): GateCondition {
  const values = pairValues('MRR@10', guard, guardBefore, guardAfter);
  const { difference, count } = compared('MRR@10', 'guard queries', values);
  const figures = { value: difference, limit: -LARGEST_GUARD_LOSS, count };
  if (count === 0)
    return condition('guard queries', true, {
      ...figures,
      sentence:
        'There were none: no comment, heading, test title or commit message of the folder makes a query, so what nobody marked is not watched',
    });
  return condition('guard queries', difference >= -LARGEST_GUARD_LOSS, {
    ...figures,
    sentence: `Queries that nobody marked keep their answers: MRR@10 changes by ${signed(difference)}, at most ${signed(-LARGEST_GUARD_LOSS)} is allowed`,
  });
}

function geometryConditions({ cosineToBase, count, chunks }: Geometry): GateCondition[] {
  const near = condition('near the base', cosineToBase >= SMALLEST_COSINE_TO_BASE, {
    ...{ value: cosineToBase, limit: SMALLEST_COSINE_TO_BASE, count },
    sentence: `Embeddings stay near those of the base: mean cosine ${cosineToBase.toFixed(3)}, at least ${SMALLEST_COSINE_TO_BASE}`,
  });
  if (!chunks) return [near];
  const rise = chunks.meanCosineAfter - chunks.meanCosineBefore;
  const loss = 1 - chunks.rankAfter / chunks.rankBefore;
  return [
    near,
    condition('spread of chunks', rise <= LARGEST_COSINE_RISE, {
      ...{ value: rise, limit: LARGEST_COSINE_RISE, count },
      sentence: `Chunks do not bunch: their mean cosine changes by ${signed(rise)}, at most ${signed(LARGEST_COSINE_RISE)}`,
    }),
    condition('dimensions in use', loss <= LARGEST_RANK_LOSS, {
      ...{ value: loss, limit: LARGEST_RANK_LOSS, count },
      sentence: `The space keeps its dimensions: effective rank ${chunks.rankBefore.toFixed(0)} before, ${chunks.rankAfter.toFixed(0)} after`,
    }),
  ];
}

function similarCondition({ overlap, count }: SimilarChange): GateCondition {
  return condition(SIMILAR, overlap >= SMALLEST_SIMILAR_OVERLAP, {
    ...{ value: overlap, limit: SMALLEST_SIMILAR_OVERLAP, count },
    sentence: `Find-similar keeps ${(100 * overlap).toFixed(0)} % of its first ten; below ${100 * SMALLEST_SIMILAR_OVERLAP} % it stays on base embeddings`,
  });
}

/** What an adapted version is judged by: no mark, only what the folder asks itself. */
export interface AdaptEvidence extends Pick<
  Evidence,
  'guard' | 'guardBefore' | 'guardAfter' | 'geometry' | 'similar'
> {
  /** Reciprocal ranks of each query's own text among others, by embeddings alone. */
  readonly rank: Paired;
}

const RANK = 'queries of the folder';

/** The gate of a version that learned without marks: nothing lost anywhere, and a gain where the folder asks itself. */
export function decideAdapted(evidence: AdaptEvidence): GateResult {
  const { rank } = evidence;
  const gain = lowerBound(rank);
  const figure = compared('MRR by embeddings', RANK, rank);
  const conditions = [
    condition('gain on queries of the folder', gain > 0, {
      ...{ value: gain, limit: 0, count: figure.count },
      sentence: `Comments, headings and test titles find their own text: the lower end of the 90 % interval is ${signed(gain)} and must be above 0`,
    }),
    guardCondition(evidence),
    ...(evidence.geometry ? geometryConditions(evidence.geometry) : []),
    ...(evidence.similar ? [similarCondition(evidence.similar)] : []),
  ];
  const failed = conditions.filter(({ isMet }) => !isMet);
  const guarded = pairValues('MRR@10', evidence.guard, evidence.guardBefore, evidence.guardAfter);
  return {
    isPassed: failed.every(({ name }) => name === SIMILAR),
    mapsSimilar: failed.length === 0,
    conditions,
    figures: [figure, compared('MRR@10', 'guard queries', guarded)].filter(
      ({ count }) => count > 0,
    ),
  };
}

export function adaptVerdict({ isPassed, conditions }: GateResult, rank: Paired): string {
  const { count, before, after, low, high } = compared('', '', rank);
  const { wins, losses } = tally(rank.before, rank.after);
  const change = `${wins} of ${count} queries of the folder improved, ${losses} got worse; MRR by embeddings ${short(before)} → ${short(after)}, 95 % interval ${signed(low)} to ${signed(high)}`;
  if (isPassed) return `Promoted: ${change}`;
  const failed = conditions.filter(({ isMet, name }) => !isMet && name !== SIMILAR);
  return `Not promoted (${failed.map(({ name }) => name).join(', ')}): ${change}`;
}

/** What a version is measured by once more: nothing was held out from it but what came after. */
export interface RepeatedEvidence extends Omit<Evidence, 'primary' | 'heldOut'> {
  /** Marked queries with an answer, and those of them that the version has not learned from. */
  readonly marked: readonly Judged[];
  readonly unseen: readonly Judged[];
}

/** The gate of a version that is there already: nothing may have become worse than the base. */
export function decideAgain(evidence: RepeatedEvidence): GateResult {
  const { marked, unseen, before, after, guard } = evidence;
  const figureOf = (of: string, judged: readonly Judged[]): ComparedFigure =>
    compared('MRR@10', of, pairValues('MRR@10', judged, before, after));
  const figures = [
    figureOf('marked queries', marked),
    ...(unseen.length >= LEAST_QUERIES ? [figureOf('queries marked since', unseen)] : []),
  ];
  const conditions = [
    ...figures.map(({ of, difference, count }) =>
      condition(of, difference >= -LARGEST_GUARD_LOSS, {
        ...{ value: difference, limit: -LARGEST_GUARD_LOSS, count },
        sentence: `MRR@10 of ${count} ${of} changes by ${signed(difference)} beside the base, at most ${signed(-LARGEST_GUARD_LOSS)} is allowed`,
      }),
    ),
    guardCondition(evidence),
    ...(evidence.geometry ? geometryConditions(evidence.geometry) : []),
    ...(evidence.similar ? [similarCondition(evidence.similar)] : []),
  ];
  const failed = conditions.filter(({ isMet }) => !isMet);
  return {
    isPassed: failed.every(({ name }) => name === SIMILAR),
    mapsSimilar: failed.length === 0,
    conditions,
    figures: [...figures, figureOf('guard queries', guard)].filter(({ count }) => count > 0),
  };
}

/** The gate of a version that somebody else has learned: a gain on queries of this user alone, and no loss anywhere. */
export function decideTaken(evidence: RepeatedEvidence): GateResult {
  const repeated = decideAgain(evidence);
  const { unseen, before, after } = evidence;
  const own = { primary: choosePrimary(unseen), heldOut: unseen, before, after };
  const conditions = [...heldOutConditions(own), ...repeated.conditions];
  return {
    ...repeated,
    conditions,
    isPassed: conditions.every(({ isMet, name }) => isMet || name === SIMILAR),
  };
}

export function repeatedVerdict({ isPassed, conditions, figures }: GateResult): string {
  const said = figures.map(
    ({ of, count, before, after }) => `${count} ${of} ${short(before)} → ${short(after)}`,
  );
  const change =
    said.length === 0
      ? 'there was no query to measure it on'
      : `MRR@10 beside the base: ${said.join(', ')}`;
  if (isPassed) return `Holds: ${change}`;
  const failed = conditions.filter(({ isMet, name }) => !isMet && name !== SIMILAR);
  return `Does not hold (${failed.map(({ name }) => name).join(', ')}): ${change}`;
}

/** How many values rose and fell. */
function tally(
  before: readonly number[],
  after: readonly number[],
): { readonly wins: number; readonly losses: number } {
  const wins = before.filter((value, index) => after[index]! > value).length;
  const losses = before.filter((value, index) => after[index]! < value).length;
  return { wins, losses };
}

/** One sentence for a person: what came of the run. Where pairs decide, what the rank of right answers did stands beside it. */
export function verdictOf(result: GateResult, evidence: Evidence): string {
  const { primary, heldOut, before, after } = evidence;
  const values = pairValues(primary, heldOut, before, after);
  const { wins, losses } = tally(values.before, values.after);
  const figure = compared(primary, '', values);
  const change = primary === 'MRR@10' ? figureText(figure) : pairsText(figure, evidence);
  if (result.isPassed)
    return `Promoted: ${wins} of ${figure.count} unseen queries improved, ${losses} got worse; ${change}`;
  const failed = result.conditions.filter(({ isMet, name }) => !isMet && name !== SIMILAR);
  const why = failed.map(({ name }) => name).join(', ');
  return `Not promoted (${why}): ${wins} of ${figure.count} unseen queries improved, ${losses} got worse; ${change}`;
}

function figureText({ name, before, after, low, high }: ComparedFigure): string {
  return `${name} ${short(before)} → ${short(after)}, 95 % interval ${signed(low)} to ${signed(high)}`;
}

/** Pairs that people mark stand close together and change places easily: alone their figure promises too much. */
function pairsText(
  { name, before: was, after: is, low, high }: ComparedFigure,
  { heldOut, before, after }: Pick<Evidence, 'heldOut' | 'before' | 'after'>,
): string {
  const values = pairValues('MRR@10', heldOut, before, after);
  const rank = compared('MRR@10', '', values);
  const { wins, losses } = tally(values.before, values.after);
  const moved = `the right answer stands higher for ${wins} of ${rank.count}, lower for ${losses}`;
  return `${name} ${short(was)} → ${short(is)}, 95 % interval ${signed(low)} to ${signed(high)}; ${moved}: MRR@10 ${short(rank.before)} → ${short(rank.after)}, 95 % interval ${signed(rank.low)} to ${signed(rank.high)}`;
}

function condition(
  name: string,
  isMet: boolean,
  rest: Omit<GateCondition, 'name' | 'isMet'>,
): GateCondition {
  return { name, isMet, ...rest };
}

export function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${short(Math.abs(value))}`;
}

function short(value: number): string {
  return value.toFixed(3).replace(/^0\./, '.');
}
