/** Runs of encoders without a process around them: a toy checkpoint, records, and what the run is told. */
import * as path from 'node:path';
import { type Checkpoint, readCheckpoint } from '../../src/engine/encoders/checkpoint';
import type { TrainingContext } from '../../src/engine/training/context';
import { RunControl } from '../../src/engine/training/control';
import { makePlan } from '../../src/engine/training/plan';
import { type Part, type RecipeChanges, makeRecipe } from '../../src/engine/training/recipe';
import type { TrainingRecord } from '../../src/engine/training/recordFile';
import { writeToyCheckpoint } from './toyCheckpoint';

const words = ['alpha', 'bravo', 'delta', 'gamma', 'kappa', 'omega', 'sigma', 'theta'];

/** What "the X" asks for is "read X"; everything else is wrong. */
function wordRecords(count: number): TrainingRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const [word, other] = [words[index % words.length]!, words[(index + 3) % words.length]!];
    return {
      task: 'ir',
      query: `the ${word} ${index}`,
      positives: [`read ${word}`],
      negatives: [`read ${other}`, `class ${other}`],
      line: index + 1,
    };
  });
}

export interface ContextOptions {
  readonly part: Extract<Part, 'bi-encoder' | 'cross-encoder'>;
  readonly changes?: RecipeChanges;
  readonly device?: TrainingContext['device'];
  readonly memoryCuts?: number;
}

/** A context over a new toy checkpoint below the folder; notes go to the list. */
export async function toyContext(
  folder: string,
  { part, changes, device = 'cpu', memoryCuts = 0 }: ContextOptions,
): Promise<{ readonly context: TrainingContext; readonly notes: string[] }> {
  const at = writeToyCheckpoint(path.join(folder, part), { kind: part, layerCount: 1 });
  const base: Checkpoint = await readCheckpoint(at);
  const recipe = makeRecipe(part, 20, {
    ...{
      rows: 6,
      negatives: 2,
      duplicateCosine: 1,
      quarantine: false,
      learningRate: 0.003,
      threads: 1,
    },
    ...{ steps: 8, evaluateEvery: 2, patience: 99, dropout: 0.1, ...changes },
  });
  const plan = makePlan({ train: wordRecords(16), heldOutShare: 0.25, seed: 2 });
  const notes: string[] = [];
  const context: TrainingContext = {
    ...{ plan, recipe, base, seed: 1, dataFolder: folder, device, memoryCuts },
    control: new RunControl(),
    tell: () => undefined,
    tellLoop: () => undefined,
    note: (text) => notes.push(text),
    openEmbedder: () => Promise.reject(new Error('no run here embeds')),
    writeRecord: () => Promise.resolve(),
  };
  return { context, notes };
}
