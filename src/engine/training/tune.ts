/**
 * Looks for a better head within a time budget: its kind and settings drawn at random around the given recipe, each
 * judged by cross-validation over the training queries alone. What is held out for the final figure is never looked at,
 * so the figure stays honest however many settings were tried (nested cross-validation).
 */
import { type Random, seededRandom, shuffle } from '../../base/random';
import type { HeadKind } from '../encoders/heads';
import type { RunControl } from './control';
import { settle } from './kept';
import { type Learner, runLoop } from './loop';
import { mean } from './metrics';
import { type Plan, type RowSet, fold, seedFor } from './plan';
import type { Recipe } from './recipe';

/** One setting and what it gained. */
export interface Trial {
  /** What differs from the recipe that was given, and the kind of head as `part`. */
  readonly changes: Readonly<Record<string, unknown>>;
  /** Mean over folds of the held-out figure after minus before. */
  readonly gain: number;
}

export interface Tuned {
  readonly kind: HeadKind;
  readonly recipe: Recipe;
  /** In the order tried; the first is what was asked for. */
  readonly trials: readonly Trial[];
}

export interface TuneOptions {
  readonly kind: HeadKind;
  readonly plan: Plan;
  readonly recipe: Recipe;
  readonly minutes: number;
  readonly seed: number;
  readonly control: RunControl;
  readonly makeLearner: (kind: HeadKind, plan: Plan, recipe: Recipe) => Learner;
  readonly onTrial: (count: number, trial: Trial) => void;
}

const FOLD_COUNT = 3;
/** Beyond this many settings the best is chosen by luck. */
const MOST_TRIALS = 60;

/** What may be drawn for each flag. Every one of them is tried with the others as they come. */
const CHOICES = {
  rank: [4, 8, 16, 32, 64],
  tau: [0.02, 0.05, 0.1],
  anchor: [0.2, 0.5, 1, 2, 4],
  dropout: [0, 0.1, 0.3],
  learningRate: [3e-4, 1e-3],
  columnWeight: [0, 0.5],
  hnm: [
    { k: 0, s: 0, alpha: 0.5 },
    { k: 4, s: 6, alpha: 0.5 },
  ],
  offDropout: [
    { enabled: false, rho: 1 },
    { enabled: true, rho: 1 },
  ],
} as const;

/** The best found in time, at least what was asked for; an equal gain leaves the earlier. */
export async function tuneRecipe(options: TuneOptions): Promise<Tuned> {
  const { kind, plan, recipe, minutes, seed, control } = options;
  const endMs = performance.now() + minutes * 60_000;
  const folds = foldsOf(plan, seed);
  const random = seededRandom(seedFor(seed, 'tune', 0));
  const trials: Trial[] = [];
  let best = { kind, recipe, gain: -Infinity };
  for (let count = 0; count < MOST_TRIALS && (count === 0 || performance.now() < endMs); count++) {
    const drawn =
      count === 0 ? { part: kind } : { part: drawKind(plan, random), ...drawFlags(random) };
    const { part, ...flags } = drawn;
    const candidate = { kind: part, recipe: { ...recipe, ...flags } };
    const gains: number[] = [];
    for (const fold of folds) {
      await control.turn();
      gains.push(await gainOf(fold, candidate, options));
    }
    const trial = { changes: count === 0 ? {} : drawn, gain: mean(gains) };
    trials.push(trial);
    options.onTrial(trials.length, trial);
    if (trial.gain > best.gain) best = { ...candidate, gain: trial.gain };
  }
  return { kind: best.kind, recipe: best.recipe, trials };
}

/** A query head cannot learn from pairs of texts. */
function drawKind({ train, heldOut }: Plan, random: Random): HeadKind {
  const kinds: readonly HeadKind[] = ['query-head', 'shared-head'];
  const drawn = kinds[Math.floor(random() * kinds.length)]!;
  return train.pairs.length + heldOut.pairs.length > 0 ? 'shared-head' : drawn;
}

function drawFlags(random: Random): Partial<Recipe> {
  return Object.fromEntries(
    Object.entries(CHOICES).map(([flag, values]) => [
      flag,
      values[Math.floor(random() * values.length)],
    ]),
  );
}

async function gainOf(
  plan: Plan,
  { kind, recipe }: Pick<Tuned, 'kind' | 'recipe'>,
  options: TuneOptions,
): Promise<number> {
  const learner = options.makeLearner(kind, plan, recipe);
  const result = await runLoop({ learner, recipe, control: options.control });
  const { metric } = await settle(learner, result, recipe, { control: options.control });
  return metric - result.baseMetric;
}

/** The training side cut by query: each fold is held out once, the texts keep their numbers. */
function foldsOf(plan: Plan, seed: number): Plan[] {
  const { rows, pairs } = plan.train;
  const keys = [
    ...new Set([...rows.map(({ query }) => query), ...pairs.map(({ a }) => a)].map(keyOf)),
  ];
  const place = new Map(
    shuffle(keys, seededRandom(seedFor(seed, 'folds', 0))).map((key, at) => [key, at % FOLD_COUNT]),
  );
  const pick = (isIn: (text: number) => boolean): RowSet => ({
    rows: rows.filter(({ query }) => isIn(query)),
    pairs: pairs.filter(({ a }) => isIn(a)),
  });
  return Array.from({ length: FOLD_COUNT }, (_, number): Plan => {
    const isHeldOut = (text: number): boolean => place.get(keyOf(text)) === number;
    return { ...plan, train: pick((text) => !isHeldOut(text)), heldOut: pick(isHeldOut) };
  }).filter(({ train, heldOut }) => hasAny(train) && hasAny(heldOut));

  function keyOf(text: number): string {
    return fold(plan.texts[text]!);
  }
}

function hasAny({ rows, pairs }: RowSet): boolean {
  return rows.length + pairs.length > 0;
}
