/**
 * What a run leaves on disk. While it goes on, everything lies in a folder beside the result (`OUT.training`): the last
 * state, from which a run that was killed goes on, and the draft of the result. The result is verified where it was
 * written and comes into being by one rename; a folder OUT is whole or not there.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { NearmissError, messageOf, systemCode } from '../../base/errors';
import { decodeSafetensors, encodeSafetensors, type SafeTensor } from '../encoders/safetensors';
import type { KeptState, LoopState } from './loop';
import type { NamedNumbers } from './optimizer';

/** The record of a run beside its result: recipe, seed, versions, hashes, figures. */
export const RUN_FILE = 'training.json';
const STATE_FILE = 'state.safetensors';
const DRAFT = 'result';

/** Everything that decides what a run computes; a state of another run is not gone on with. */
export interface RunIdentity {
  readonly part: string;
  readonly base: string;
  readonly dataHash: string;
  readonly heldOutHash: string;
  readonly recipe: unknown;
  readonly seed: number;
}

const recordSchema = z.looseObject({ part: z.string(), base: z.string(), baseFolder: z.string() });

/** The record beside a result; undefined where the folder has none that can be read. */
export async function readRunRecord(
  folder: string,
): Promise<z.infer<typeof recordSchema> | undefined> {
  try {
    const text = await fs.readFile(path.join(folder, RUN_FILE), 'utf8');
    return recordSchema.parse(JSON.parse(text));
  } catch {
    // A checkpoint from elsewhere has none.
    return undefined;
  }
}

interface Note {
  readonly run: string;
  readonly value: unknown;
}

export class RunFiles {
  readonly work: string;

  constructor(
    readonly out: string,
    readonly identity: RunIdentity,
  ) {
    this.work = `${path.resolve(out)}.training`;
  }

  /**
   * Makes the folder for the run. Throws a NearmissError('usage') when OUT holds something, or when an unfinished run
   * is there that was not to be gone on with.
   */
  async prepare(resume: boolean): Promise<LoopState | undefined> {
    await this.checkOut();
    const state = await this.readState();
    if (state && !resume)
      throw new NearmissError(
        'usage',
        `An unfinished run of ${state.step} steps is in ${this.work}`,
        'Go on with it by --resume, or remove that folder',
      );
    await guarded(this.work, () => fs.mkdir(this.work, { recursive: true }));
    return state;
  }

  /** Replaces the saved state in one step. */
  async saveState(state: LoopState): Promise<void> {
    const bytes = encodeSafetensors(packState(state, this.fingerprint));
    await writeWhole(path.join(this.work, STATE_FILE), bytes);
  }

  /**
   * Lets `write` fill an empty folder and `verify` look at it, then renames it to OUT and removes the rest. Whatever
   * fails, OUT is not there and the last state stays.
   */
  async publish(
    write: (folder: string) => Promise<void>,
    verify: (folder: string) => Promise<void>,
  ): Promise<void> {
    const draft = path.join(this.work, DRAFT);
    await fs.rm(draft, { recursive: true, force: true });
    await guarded(draft, async () => {
      await fs.mkdir(draft);
      await write(draft);
    });
    await verify(draft);
    await guarded(this.out, async () => {
      await removeIfEmpty(this.out);
      await fs.rename(draft, this.out);
    });
    await fs.rm(this.work, { recursive: true, force: true });
  }

  /** The state that was saved last; undefined when none was. */
  lastState(): Promise<LoopState | undefined> {
    return this.readState();
  }

  /** Keeps something beside the state, for a run that goes on. */
  async writeNote(name: string, value: unknown): Promise<void> {
    const note: Note = { run: this.fingerprint, value };
    await writeWhole(path.join(this.work, name), JSON.stringify(note));
  }

  /** What this run kept by that name; undefined when it is not there, or another run's. */
  async readNote<T>(name: string): Promise<T | undefined> {
    try {
      const note = JSON.parse(await fs.readFile(path.join(this.work, name), 'utf8')) as Note;
      return note.run === this.fingerprint ? (note.value as T) : undefined;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw writeError(path.join(this.work, name), error);
    }
  }

  private get fingerprint(): string {
    return createHash('sha256').update(JSON.stringify(this.identity)).digest('hex');
  }

  private async checkOut(): Promise<void> {
    try {
      const names = await fs.readdir(this.out);
      if (names.length === 0) return;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return;
      if (systemCode(error) === 'ENOTDIR')
        throw new NearmissError('usage', `${this.out} is a file`, 'Name another folder with --out');
      throw writeError(this.out, error);
    }
    throw new NearmissError('usage', `${this.out} is not empty`, 'Name another folder with --out');
  }

  private async readState(): Promise<LoopState | undefined> {
    const file = path.join(this.work, STATE_FILE);
    let bytes: Uint8Array;
    try {
      bytes = await fs.readFile(file);
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
      throw writeError(file, error);
    }
    const { tensors, metadata } = decodeSafetensors(bytes, file);
    if (metadata.run === this.fingerprint) return unpackState(tensors, metadata, file);
    throw new NearmissError(
      'usage',
      `The unfinished run in ${this.work} has other data, another recipe, base or seed`,
      'Give what it was started with, or remove that folder',
    );
  }
}

const stateSchema = z.object({
  step: z.int(),
  baseMetric: z.number(),
  worseCount: z.int(),
  adamCount: z.int(),
  kept: z.array(z.object({ step: z.int(), metric: z.number() })),
});

function packState(
  state: LoopState,
  run: string,
): { tensors: Map<string, SafeTensor>; metadata: Record<string, string> } {
  const tensors = new Map<string, SafeTensor>();
  const put = (prefix: string, values: NamedNumbers): void => {
    for (const [name, numbers] of values) {
      const data = numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
      tensors.set(`${prefix}/${name}`, { dims: [data.length], data });
    }
  };
  put('weight', state.weights);
  put('first', state.moments.first);
  put('second', state.moments.second);
  state.kept.forEach(({ weights }, index) => put(`kept${index}`, weights));
  const { step, baseMetric, worseCount } = state;
  const kept = state.kept.map(({ step, metric }) => ({ step, metric }));
  const numbers = { step, baseMetric, worseCount, adamCount: state.moments.step, kept };
  return { tensors, metadata: { run, numbers: JSON.stringify(numbers) } };
}

function unpackState(
  tensors: ReadonlyMap<string, SafeTensor>,
  metadata: Readonly<Record<string, string>>,
  file: string,
): LoopState {
  const take = (prefix: string): Map<string, Float32Array> => {
    const own = [...tensors].filter(([name]) => name.startsWith(`${prefix}/`));
    return new Map(own.map(([name, { data }]) => [name.slice(prefix.length + 1), data]));
  };
  let numbers: z.infer<typeof stateSchema>;
  try {
    numbers = stateSchema.parse(JSON.parse(metadata.numbers ?? ''));
  } catch (error) {
    const message = `The saved state ${file} is damaged: ${messageOf(error)}`;
    throw new NearmissError('model', message, 'Start the run anew', { cause: error });
  }
  const { step, baseMetric, worseCount, adamCount } = numbers;
  const kept = numbers.kept.map((state, index): KeptState => ({
    ...state,
    weights: take(`kept${index}`),
  }));
  const moments = { first: take('first'), second: take('second'), step: adamCount };
  return { step, baseMetric, worseCount, kept, weights: take('weight'), moments };
}

/** Writes beside and renames: a reader, and the next start, see the old file or the new one. */
export async function writeWhole(file: string, bytes: Uint8Array | string): Promise<void> {
  const draft = `${file}.draft`;
  await guarded(file, async () => {
    const handle = await fs.open(draft, 'w');
    try {
      await handle.writeFile(bytes);
      // A rename that overtakes its data would leave an empty file after a power cut.
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(draft, file);
  });
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await fs.rmdir(folder);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

async function guarded<T>(what: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw writeError(what, error);
  }
}

function writeError(what: string, error: unknown): Error {
  if (error instanceof NearmissError) return error;
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    return new NearmissError(
      'diskFull',
      `The disk is full: ${what} could not be written`,
      'Make room, then go on with --resume',
      { cause: error },
    );
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new NearmissError(
      'permission',
      `${what} cannot be written (${code})`,
      'Name another folder with --out',
      { cause: error },
    );
  return error as Error;
}
