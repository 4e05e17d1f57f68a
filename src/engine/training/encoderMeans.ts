/**
 * What an encoder's run has to work with, the device and the tokens of a chunk, and what becomes of it when that is
 * taken away: a device that is lost gives way to the processor, memory that runs out halves the chunk, and the run goes
 * on from its last saved state. Both stand in the folder of the run, so that one that is gone on with computes the same.
 */
import { NearmissError } from '../../base/errors';
import { type DeviceChoice, type TrainingProvider, chooseDevice, tryDevice } from './device';
import type { TrainingContext } from './context';
import type { EncoderGraphs } from './encoderGraphs';
import type { Learner } from './loop';
import { FEWEST_CHUNK_TOKENS, memoryNeeds, planMemory } from './memoryPlan';
import type { RunFiles } from './runFiles';

export interface Means {
  readonly provider: TrainingProvider;
  readonly chunkTokens: number;
  readonly choice?: DeviceChoice;
}

const MEANS_FILE = 'means.json';
/** There while a device is tried: a driver may end the process. */
const TRIAL_FILE = 'trial.json';

export interface MeansTask {
  readonly context: TrainingContext;
  readonly files: RunFiles;
  readonly graphs: EncoderGraphs;
  /** Makes a learner of a few rows on a provider, for the length of the action. */
  readonly withTrial: <T>(
    provider: TrainingProvider,
    chunkTokens: number,
    action: (learner: Learner) => Promise<T>,
  ) => Promise<T>;
}

/** Decides, says what was decided and why, and keeps it for a run that goes on. */
export async function settleMeans(task: MeansTask): Promise<Means> {
  const { context, files } = task;
  const known = await files.readNote<Means>(MEANS_FILE);
  const chunkTokens = Math.min(known?.chunkTokens ?? Infinity, chunkFor(task));
  const choice = known?.choice ?? (await deviceFor(task, chunkTokens));
  const means = { provider: known?.provider ?? choice?.provider ?? 'cpu', chunkTokens, choice };
  if (choice && !known) context.note(choice.reason);
  await files.writeNote(MEANS_FILE, means);
  return means;
}

function chunkFor({ context, graphs }: MeansTask): number {
  const { base, recipe, memoryCuts, note } = context;
  const { config } = base;
  const layers = Number(config.num_hidden_layers ?? config.n_layers ?? DEFAULT_LAYERS);
  const heads = config.num_attention_heads ?? Number(config.n_heads ?? DEFAULT_HEADS);
  const sizes = { layers, heads, maxTokens: Math.min(base.maxTokens, recipe.maxTokens) };
  const given = {
    budgetBytes: recipe.memoryMb * 2 ** 20,
    availableBytes: process.availableMemory(),
    usedBytes: process.memoryUsage.rss(),
  };
  const plan = planMemory(memoryNeeds(graphs, sizes, recipe.keep), given, recipe.chunkTokens);
  if (plan.note !== undefined) note(plan.note);
  return Math.max(
    Math.min(FEWEST_CHUNK_TOKENS, plan.chunkTokens),
    Math.floor(plan.chunkTokens / 2 ** memoryCuts),
  );
}

/** What most encoders of this kind have, where the file does not say. */
const DEFAULT_LAYERS = 12;
const DEFAULT_HEADS = 12;

async function deviceFor(
  { context, files, withTrial }: MeansTask,
  chunkTokens: number,
): Promise<DeviceChoice | undefined> {
  const { device, note } = context;
  if (device === 'cpu') return undefined;
  if (await files.readNote(TRIAL_FILE)) {
    const problem = 'it ended the process when it was tried';
    note(`The processor trains, for WebGPU is not tried again: ${problem}`);
    return undefined;
  }
  await files.writeNote(TRIAL_FILE, true);
  const attempt = (provider: TrainingProvider): ReturnType<typeof tryDevice> =>
    tryDevice(provider, (action) => withTrial(provider, chunkTokens, action));
  const webgpu = await attempt('webgpu');
  // Nothing to compare where there is no device: its session does not even start.
  const cpu = webgpu.problem === undefined ? await attempt('cpu') : { provider: 'cpu' as const };
  await files.writeNote(TRIAL_FILE, false);
  return chooseDevice(device, cpu, webgpu);
}

/** Runs with the means given, and again with what is left of them for as long as something can be given up. */
export async function withFallback<T>(
  means: Means,
  { files, context }: Pick<MeansTask, 'files' | 'context'>,
  run: (means: Means, isFirst: boolean) => Promise<T>,
): Promise<T> {
  let current = means;
  for (;;) {
    try {
      return await run(current, current === means);
    } catch (error) {
      const left = lesserMeans(current, error);
      if (!left) throw error;
      context.note(left.note);
      current = left.means;
      await files.writeNote(MEANS_FILE, current);
    }
  }
}

function lesserMeans(
  means: Means,
  error: unknown,
): { readonly means: Means; readonly note: string } | undefined {
  if (!(error instanceof NearmissError)) return undefined;
  const { chunkTokens, provider } = means;
  if (error.code === 'provider' && provider !== 'cpu')
    return {
      means: { ...means, provider: 'cpu' },
      note: `${error.message}; the processor goes on from the last saved state`,
    };
  if (error.code !== 'memory' || chunkTokens <= FEWEST_CHUNK_TOKENS) return undefined;
  const half = Math.max(FEWEST_CHUNK_TOKENS, Math.floor(chunkTokens / 2));
  return {
    means: { ...means, chunkTokens: half },
    note: `There is no memory left for chunks of ${chunkTokens} tokens; the run goes on from the last saved state with chunks of ${half}`,
  };
}
