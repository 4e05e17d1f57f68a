/**
 * What a run ends with. The best states are merged, each tensor weighing in by how far it moved from the start (CoDiEmb's
 * idea; the formula is ours), then pulled back towards the start as far as the held-out figure likes best.
 */
import { NearmissError } from '../../base/errors';
import type { RunControl } from './control';
import { type Learner, type LoopResult, setWeights } from './loop';
import { mergeCheckpoints } from './merge';
import type { Recipe } from './recipe';

type Values = ReadonlyMap<string, Float32Array>;

/** The state that was settled on; the learner's weights are it. */
export interface Settled {
  readonly metric: number;
  /** Which of the kept steps it is made of. */
  readonly steps: readonly number[];
  /** How far from the start to the state: 1 is all the way. */
  readonly pull: number;
}

/** How it is steered and what it says meanwhile: each state that is tried costs as much as looking at held-out records once. */
export interface SettleMeans {
  readonly control?: RunControl;
  readonly tell?: (news: { stage: string; done: number; total: number }) => void;
}

/**
 * Tries what the recipe allows and leaves the best in the learner. Throws a NearmissError('usage') without any state, and
 * an AbortedError when it is cancelled between two of them.
 */
export async function settle(
  learner: Learner,
  result: LoopResult,
  recipe: Pick<Recipe, 'merge' | 'pulls'>,
  { control, tell }: SettleMeans = {},
): Promise<Settled> {
  const { kept, start, problem } = result;
  const [best] = kept;
  if (!best)
    throw new NearmissError(
      'usage',
      problem ?? 'The run was over before its first step',
      problem ? 'Correct that record, or lower learningRate in the recipe' : 'Give it more minutes',
    );
  let found: Settled & { readonly weights: Values } = {
    ...{ metric: best.metric, steps: [best.step], pull: 1, weights: best.weights },
  };
  const goals = [{ steps: [best.step], states: [best.weights] }];
  if (recipe.merge !== 'best' && kept.length > 1)
    goals.unshift({
      steps: kept.map(({ step }) => step),
      states: kept.map(({ weights }) => weights),
    });
  const how = recipe.merge === 'average' ? 'average' : 'deviation';
  // The best state as it is was measured when it was kept.
  const trials = goals
    .flatMap((goal) => recipe.pulls.map((pull) => ({ ...goal, pull })))
    .filter(({ states, pull }) => states.length > 1 || pull < 1);
  for (const [done, { steps, states, pull }] of trials.entries()) {
    tell?.({ stage: 'choosing among kept states', done, total: trials.length });
    await control?.turn();
    const weights = mergeCheckpoints(start, states, how, pull);
    setWeights(learner.weights, weights);
    const metric = await learner.evaluate();
    if (metric > found.metric) found = { metric, steps, pull, weights };
  }
  setWeights(learner.weights, found.weights);
  const { metric, steps, pull } = found;
  return { metric, steps, pull };
}
