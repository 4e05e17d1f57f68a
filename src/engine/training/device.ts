/**
 * Where an encoder is trained. A device is taken only after it ran a real step of this run, came to the loss that the
 * processor comes to, and was faster. The step is a small one: a device without a graphics card behind it would need
 * minutes for a whole one.
 */
import { messageOf } from '../../base/errors';
import { plainProblem } from '../encoders/providers';
import type { Learner } from './loop';

export type TrainingProvider = 'cpu' | 'webgpu';

/** One provider, tried. */
export interface DeviceTrial {
  readonly provider: TrainingProvider;
  readonly stepMs?: number;
  readonly loss?: number;
  /** Why it cannot be used. */
  readonly problem?: string;
}

/** What was found and what follows; it stands in the record of the run. */
export interface DeviceChoice {
  readonly provider: TrainingProvider;
  readonly reason: string;
  readonly trials: readonly DeviceTrial[];
}

/** Rows, and negatives of each, of the step that is timed: about a chunk. */
export const TRIAL_SIZES = { rows: 4, negatives: 3 } as const;

/** Largest difference of two losses, in units of the processor's where that is above 1. */
const LARGEST_DIFFERENCE = 1e-4;

/** Times the first step of a run, its second time: the first compiles kernels and fills caches. No weight changes. */
export async function tryDevice(
  provider: TrainingProvider,
  use: <T>(action: (learner: Learner) => Promise<T>) => Promise<T>,
): Promise<DeviceTrial> {
  try {
    return await use(async (learner) => {
      await learner.step(0);
      const startMs = performance.now();
      const { loss } = await learner.step(0);
      return { provider, loss, stepMs: performance.now() - startMs };
    });
  } catch (error) {
    return { provider, problem: plainProblem(messageOf(error)) };
  }
}

/** The faster of the right ones; WebGPU also where it is slower but was asked for by name. */
export function chooseDevice(
  asked: 'auto' | 'webgpu',
  cpu: DeviceTrial,
  webgpu: DeviceTrial,
): DeviceChoice {
  const trials = [cpu, webgpu];
  const stay = (reason: string): DeviceChoice => ({ provider: 'cpu', reason, trials });
  if (webgpu.problem !== undefined)
    return stay(`The processor trains, for WebGPU does not (${webgpu.problem})`);
  if (cpu.problem !== undefined)
    return stay(`The processor trains, for nothing can be compared with it (${cpu.problem})`);
  const [right, loss] = [cpu.loss!, webgpu.loss!];
  if (!(Math.abs(loss - right) <= LARGEST_DIFFERENCE * Math.max(1, Math.abs(right))))
    return stay(
      `The processor trains, for WebGPU comes to another loss (${loss.toFixed(6)}, not ${right.toFixed(6)})`,
    );
  const figures = `${shownMs(webgpu)} a step of ${TRIAL_SIZES.rows} rows against ${shownMs(cpu)}, the same loss (${right.toFixed(6)})`;
  if (webgpu.stepMs! < cpu.stepMs!)
    return { provider: 'webgpu', reason: `WebGPU trains: ${figures}`, trials };
  if (asked === 'webgpu')
    return { provider: 'webgpu', reason: `WebGPU trains as asked, slower: ${figures}`, trials };
  return stay(`The processor trains, for WebGPU is slower: ${figures}`);
}

function shownMs({ stepMs }: DeviceTrial): string {
  return `${Math.round(stepMs!)} ms`;
}
