/** What every part in training is given, and what it gives back. */
import type { Checkpoint } from '../encoders/checkpoint';
import type { Embedder } from '../encoders/types';
import type { SearchContext } from '../search/types';
import type { RunControl } from './control';
import type { Settled } from './kept';
import type { LoopProgress, LoopResult, LoopState } from './loop';
import type { Plan } from './plan';
import type { Part, Recipe } from './recipe';

export interface TrainingNews {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  readonly loss?: number;
  readonly metric?: number;
  readonly baseMetric?: number;
  readonly secondsLeft?: number;
}

/** What the training of each part works with. */
export interface TrainingContext {
  readonly plan: Plan;
  readonly recipe: Recipe;
  readonly seed: number;
  readonly base: Checkpoint;
  readonly dataFolder: string;
  readonly control: RunControl;
  readonly resumed?: LoopState;
  readonly device: 'auto' | 'cpu' | 'webgpu';
  /** How often this run was ended for want of memory: each time halves its chunks. */
  readonly memoryCuts: number;
  readonly tuneMinutes?: number;
  readonly tell: (news: TrainingNews) => void;
  readonly tellLoop: (progress: LoopProgress) => void;
  readonly note: (text: string) => void;
  /** The base in 32-bit floats, the bundled bi-encoder where the base is none; whoever opens it disposes it. */
  readonly openEmbedder: () => Promise<Embedder>;
  /** The folder that fusion weights are trained in. */
  readonly index?: SearchContext;
  /** Writes the record of the run into the folder of the result. */
  readonly writeRecord: (
    folder: string,
    result: LoopResult,
    settled: Settled,
    more?: Readonly<Record<string, unknown>>,
  ) => Promise<void>;
}

/** How the loop ended, and what was settled on. */
export interface PartResult extends LoopResult {
  /** What was trained: with `--tune` it may be another head than was asked for. */
  readonly part: Part;
  readonly settled: Settled;
}
