/**
 * What each method of a part's training brings (training-methods 9.7: report each part's effect by removing it alone). A part
 * that was tried is trained again on the same folds with one method left out, all other flags as they were, and asked the
 * same held-out queries. It begins when everything is decided, so that nothing here can change what is promoted.
 */
import * as fsp from 'node:fs/promises';
import * as path from 'node:path';
import { isAbort, messageOf } from '../../base/errors';
import { makeRecipe, type Recipe } from '../training/recipe';
import type { Contestant } from './arena';
import { compared, pairValues } from './measures';
import { heldOutAnswers, type Trial } from './measuring';
import { isQuick, methodsOf, methodWeight, type QuickTier, useOf, withoutMethod } from './methods';
import type { LearningMethod, MethodOutcome } from './report';
import { fileOf, openTier, trainingSeconds, trainTier } from './trainTier';
import { partOf, recipeOf, type TriedTier, WORDS } from './triedTier';
import { recordsOf, type TierMaterial, type TierOrder } from './tryTier';

/** What one part's methods are measured with. */
interface MethodRun {
  readonly tier: QuickTier;
  readonly tried: TriedTier;
  readonly trial: Trial;
  readonly material: TierMaterial;
  readonly order: TierOrder;
}

/** A row a method, parts and methods in a fixed order. Throws an AbortedError when cancelled. */
export async function tryMethods(
  tried: readonly TriedTier[],
  trial: Trial,
  material: TierMaterial,
  order: TierOrder,
): Promise<MethodOutcome[]> {
  const outcomes: MethodOutcome[] = [];
  for (const one of tried) {
    const { tier } = one;
    if (!isQuick(tier)) continue;
    const run = { tier, tried: one, trial, material, order };
    const use = useOf(partOf(tier, material.data), recipeFor(run, material.groups), material);
    const methods = methodsOf(tier, use);
    for (const [at, method] of methods.entries())
      outcomes.push(await tryWithout(method, { number: at + 1, count: methods.length }, run));
  }
  return outcomes;
}

async function tryWithout(
  method: LearningMethod,
  { number, count }: { readonly number: number; readonly count: number },
  run: MethodRun,
): Promise<MethodOutcome> {
  const { tier, tried, trial, order } = run;
  const outs = tried.byFold.map((_, at) => path.join(order.store.runFolder, `${tier}-${at}`));
  const outsWithout = outs.map((out) => `${out}.without-${method}`);
  const { training, searching } = methodWeight(tier, run.material.groups.length);
  const bare = { tier, method, recomputedVectorCount: 0 };
  try {
    trial.progress.begin({
      stage: `learning ${WORDS[tier]} without method ${number} of ${count}`,
      weight: training,
    });
    const byFold: Contestant[] = [];
    for (const [at, out] of outsWithout.entries())
      byFold.push(await trainWithout(method, at, out, run));
    trial.progress.begin({
      stage: `measuring ${WORDS[tier]} without method ${number} of ${count}`,
      weight: searching,
    });
    const without = await heldOutAnswers(trial, byFold);
    const { primary, heldOut, after } = tried.measured.evidence;
    const names = new Set([primary, 'MRR@10'] as const);
    return {
      ...bare,
      figures: [...names].map((name) =>
        compared(name, 'held-out queries', pairValues(name, heldOut, without, after)),
      ),
      processorSeconds: await medianSeconds(outs),
      processorSecondsWithout: await medianSeconds(outsWithout),
      bytes: await keptBytes(tier, outs[0]!),
      bytesWithout: await keptBytes(tier, outsWithout[0]!),
    };
  } catch (error) {
    if (isAbort(error)) throw error;
    // What was decided stands whatever goes wrong here; the report says what did.
    return { ...bare, figures: [], bytes: 0, bytesWithout: 0, problem: messageOf(error) };
  }
}

/** Trains the model of one fold without the method, unless that was done before. */
async function trainWithout(
  method: LearningMethod,
  fold: number,
  out: string,
  run: MethodRun,
): Promise<Contestant> {
  const { tier, tried, trial, material, order } = run;
  const { means } = order;
  const hidden = new Set(material.folds[fold]);
  const seen = material.groups.filter((_, index) => !hidden.has(index));
  const part = partOf(tier, material.data);
  // Flags go by the number of records: those of the whole are kept where records are left out.
  const { material: rest, recipe } = withoutMethod(
    method,
    { ...material, groups: seen },
    recipeFor(run, seen),
  );
  const records = recordsOf(part, rest.groups, rest, means.index);
  const foldCount = tried.byFold.length;
  await trainTier(
    { part, records, recipe, out },
    { ...means, onNews: ({ done, total }) => trial.progress.at(fold + done / total, foldCount) },
  );
  return openTier(tier, out, means.openReranker);
}

/** All flags that the part was trained with on these groups. */
function recipeFor({ tier, material, order }: MethodRun, groups: TierMaterial['groups']): Recipe {
  const part = partOf(tier, material.data);
  const { length } = recordsOf(part, groups, material, order.means.index);
  const limits = order.niceness === undefined ? {} : { niceness: order.niceness };
  const changes = { ...recipeOf(tier, length), ...limits, ...order.recipes?.[tier] };
  return makeRecipe(part, length, changes);
}

async function keptBytes(tier: QuickTier, out: string): Promise<number> {
  return (await fsp.stat(path.join(out, fileOf(tier)))).size;
}

/** The middle one, so that what only the first training has to do does not count. */
async function medianSeconds(outs: readonly string[]): Promise<number | undefined> {
  const known = await Promise.all(outs.map((out) => trainingSeconds(out)));
  const seconds = known.filter((value) => value !== undefined).sort((a, b) => a - b);
  return seconds[Math.floor((seconds.length - 1) / 2)];
}
