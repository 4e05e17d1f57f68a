/**
 * Each method of a part's training left out alone, on queries that nobody marked. The part learns from the same marks, mined
 * negatives and fillers with all of its methods and with all but one; what the method brings is the difference. `learn
 * --methods` says the same of a user's own held-out queries, which are few.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { seededRandom } from '../../src/base/random';
import { mineGroups } from '../../src/engine/learning/groups';
import { pseudoGuard } from '../../src/engine/learning/guard';
import { gatherMarks } from '../../src/engine/learning/markData';
import {
  type MethodMaterial,
  methodsOf,
  type QuickTier,
  useOf,
  withoutMethod,
} from '../../src/engine/learning/methods';
import { openTier, trainTier } from '../../src/engine/learning/trainTier';
import { partOf, recipeOf } from '../../src/engine/learning/triedTier';
import { recordsOf } from '../../src/engine/learning/tryTier';
import { RunControl } from '../../src/engine/training/control';
import { mean } from '../../src/engine/training/metrics';
import { makeRecipe, type RecipeChanges } from '../../src/engine/training/recipe';
import { figuresOf, type Gains, lead, Yardstick } from './learningMeasures';
import { learnMeans, simulate, type World } from './learningWorld';
import { benchOption, type Figure, note } from './report';

export interface MethodOptions {
  readonly levels: readonly number[];
  readonly seeds: readonly number[];
  /** Guard queries that are measured, and those behind them that fill batches. */
  readonly guardCount: number;
  readonly fillerCount: number;
}

export async function measureMethods(
  world: World,
  { levels, seeds, guardCount, fillerCount }: MethodOptions,
): Promise<Figure[]> {
  const tier = (benchOption('tier') ?? 'head') as QuickTier;
  const yardstick = await Yardstick.make(world);
  const figures = yardstick.baseFigures();
  const made = pseudoGuard(world.snapshot, guardCount + fillerCount, seededRandom(1));
  for (const level of levels) {
    const whole: Gains[] = [];
    const brought = new Map<string, Gains[]>();
    for (const seed of seeds) {
      const data = gatherMarks(world.snapshot, await simulate(world, level, seed));
      const options = { control: new RunControl(), seed, onQuery: () => undefined };
      const groups = await mineGroups(world.context, data.queries, options);
      const material: MethodMaterial = { groups, filler: made.slice(guardCount), data };
      const part = partOf(tier, data);
      const { length } = recordsOf(part, groups, material, world.context);
      const recipe = makeRecipe(part, length, recipeOf(tier, length));
      const gainsOf = async (from: MethodMaterial, flags: RecipeChanges): Promise<Gains> => {
        const records = recordsOf(part, from.groups, from, world.context);
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-bench-'));
        const out = path.join(folder, 'out');
        const means = learnMeans(world, seed);
        await trainTier({ part, records, recipe: flags, out }, means);
        const ranker = await openTier(tier, out, means.openReranker);
        fs.rmSync(folder, { recursive: true });
        return yardstick.gainsOf(ranker);
      };
      const full = await gainsOf(material, recipe);
      whole.push(full);
      note(`${world.name} ${level}, seed ${seed}, ${part}: ${sayGains(full)}`);
      for (const method of methodsOf(tier, useOf(part, recipe, material))) {
        const without = withoutMethod(method, material, recipe);
        const difference = lead(full, await gainsOf(without.material, without.recipe));
        note(`  ${method} brings ${sayGains(difference)}`);
        brought.set(method, [...(brought.get(method) ?? []), difference]);
      }
    }
    figures.push(...figuresOf(`${level} marks, ${tier} with all methods`, whole));
    for (const [method, gains] of brought)
      figures.push(...figuresOf(`${level} marks, ${method} brings`, gains));
  }
  return figures;
}

function sayGains({ reciprocal, accuracy, guard }: Gains): string {
  const [a, b, c] = [reciprocal, accuracy, guard].map((values) => mean(values).toFixed(4));
  return `MRR ${a} accuracy ${b} guard ${c}`;
}
