/**
 * The checkpoints that the user added, a folder each under `<data>/models`, named by fingerprint. Each was looked
 * into in a child process before it was let in. Which one embeds is noted in `active.json`; the bundled one does
 * where none is noted. Embeddings of two checkpoints never meet: the fingerprint is part of their space.
 */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { NearmissError, deserializeError, messageOf, systemCode } from '../../base/errors';
import { type Checkpoint, readCheckpoint } from './checkpoint';
import { type ProbeLimits, runProbe } from './probe';
import type { Templates } from './stageCheckpoint';

/** One added checkpoint. */
export interface AddedCheckpoint {
  readonly fingerprint: string;
  /** The name of the folder it came from; a person types it or the start of the fingerprint. */
  readonly name: string;
  readonly folder: string;
  readonly kind: Checkpoint['kind'];
  readonly dimension: number;
  readonly sizeBytes: number;
  /** Set by `verifyCheckpoints`: what is wrong with it, in a sentence's part. */
  readonly problem?: string;
}

export interface AddOptions {
  /** `<data>/models`. */
  readonly modelsFolder: string;
  /** The bundle of the probe, dist/probe.js. */
  readonly probeFile: string;
  /** Replace the templates of the checkpoint, for those that do not bring any ("query: "). */
  readonly templates?: Templates;
  readonly limits?: ProbeLimits;
  readonly signal?: AbortSignal;
}

const recordSchema = z.object({
  name: z.string(),
  kind: z.enum(['bi-encoder', 'cross-encoder']),
  dimension: z.int().positive(),
});
const FINGERPRINT = /^[0-9a-f]{64}$/;
const RECORD_FILE = 'nearmiss.json';
const ACTIVE_FILE = 'active.json';
const STAGING = '.staging-';

/** Node and ONNX Runtime themselves take this much. */
const BASE_MEMORY_BYTES = 2 ** 30;
/** The file, its decoded form, the copy, and what the runtime makes of it. */
const MEMORY_PER_FILE_BYTE = 8;
const ADD_TIMEOUT_MS = 180_000;
/** Protobuf ends here, and with it a model in one file. */
const LARGEST_MODEL_BYTES = 2 ** 31 - 1;

/** Looks into a checkpoint in the hub's layout, copies it and keeps it. Adding it again changes nothing. */
export async function addCheckpoint(folder: string, options: AddOptions): Promise<AddedCheckpoint> {
  const source = path.resolve(folder);
  const { modelsFolder, probeFile, templates, signal } = options;
  const limits = options.limits ?? (await limitsFor(source));
  await removeStaging(modelsFolder);
  await fs.mkdir(modelsFolder, { recursive: true, mode: 0o700 });
  const staging = await fs.mkdtemp(path.join(modelsFolder, STAGING));
  try {
    const request = { kind: 'checkpoint', source, staging, templates } as const;
    const reply = await runProbe(probeFile, request, limits, signal);
    if (reply.type !== 'staged') throw refused(source, reply);
    const { fingerprint, kind, dimension } = reply.staged;
    const record = { name: path.basename(source), kind, dimension };
    await fs.writeFile(path.join(staging, RECORD_FILE), `${JSON.stringify(record)}\n`, {
      mode: 0o600,
    });
    await moveIntoPlace(staging, modelsFolder, fingerprint);
    return await readAdded(modelsFolder, fingerprint);
  } finally {
    await fs.rm(staging, { recursive: true, force: true });
  }
}

/** All added checkpoints, by name; one whose record cannot be read is listed with its problem. */
export async function listCheckpoints(modelsFolder: string): Promise<AddedCheckpoint[]> {
  const names = await namesIn(modelsFolder);
  const added = await Promise.all(
    names.filter((name) => FINGERPRINT.test(name)).map((name) => readAdded(modelsFolder, name)),
  );
  return added.sort((a, b) => (a.name + a.fingerprint < b.name + b.fingerprint ? -1 : 1));
}

/** Reads every file of every added checkpoint and compares it with the name of its folder. */
export async function verifyCheckpoints(modelsFolder: string): Promise<AddedCheckpoint[]> {
  return Promise.all(
    (await listCheckpoints(modelsFolder)).map(async (added) => {
      if (added.problem !== undefined) return added;
      try {
        const { fingerprint } = await readCheckpoint(added.folder);
        if (fingerprint === added.fingerprint) return added;
        return { ...added, problem: 'its sha256 is not the one recorded for it' };
      } catch (error) {
        return { ...added, problem: messageOf(error) };
      }
    }),
  );
}

/** The checkpoint that a name, or the first characters of a fingerprint, stands for. */
export async function findCheckpoint(modelsFolder: string, name: string): Promise<AddedCheckpoint> {
  const all = await listCheckpoints(modelsFolder);
  const found = all.filter(
    (added) => added.name === name || (name.length >= 4 && added.fingerprint.startsWith(name)),
  );
  if (found.length === 1) return found[0]!;
  const message =
    found.length === 0
      ? `There is no model ${name}`
      : `${name} stands for ${found.length} models: ${found.map(shortName).join(', ')}`;
  throw new NearmissError('notFound', message, '"nearmiss models list" shows the names');
}

/** Makes an added bi-encoder (its name or fingerprint) the one that embeds, or the bundled one for undefined. */
export async function setActiveCheckpoint(
  modelsFolder: string,
  name: string | undefined,
): Promise<void> {
  const file = path.join(modelsFolder, ACTIVE_FILE);
  if (name === undefined) return fs.rm(file, { force: true });
  const added = await findCheckpoint(modelsFolder, name);
  if (added.kind !== 'bi-encoder' || added.problem !== undefined) {
    const why = added.problem ?? 'it scores pairs and embeds nothing';
    throw new NearmissError('model', `${added.name} cannot embed: ${why}`, 'Choose another model');
  }
  const draft = `${file}.${crypto.randomBytes(4).toString('hex')}`;
  const { fingerprint } = added;
  await fs.writeFile(draft, `${JSON.stringify({ fingerprint })}\n`, { mode: 0o600 });
  await fs.rename(draft, file);
}

const activeSchema = z.object({ fingerprint: z.string().regex(FINGERPRINT) });

/** The added checkpoint in use, its files checked against its fingerprint; undefined means the bundled one. */
export async function activeCheckpoint(modelsFolder: string): Promise<Checkpoint | undefined> {
  const active = await activeFingerprint(modelsFolder);
  if (active === undefined) return undefined;
  const checkpoint = await readCheckpoint(path.join(modelsFolder, active));
  if (checkpoint.fingerprint === active) return checkpoint;
  throw new NearmissError(
    'model',
    `The model in ${checkpoint.folder} is damaged: its sha256 is not the one recorded for it`,
    'Add it again with "nearmiss models add FOLDER"',
  );
}

/** The fingerprint noted in `active.json`, if any. */
export async function activeFingerprint(modelsFolder: string): Promise<string | undefined> {
  try {
    const text = await fs.readFile(path.join(modelsFolder, ACTIVE_FILE), 'utf8');
    return activeSchema.parse(JSON.parse(text)).fingerprint;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new NearmissError(
      'model',
      `${path.join(modelsFolder, ACTIVE_FILE)} cannot be read: ${messageOf(error)}`,
      'Choose a model with "nearmiss models", or delete this file to use the bundled one',
      { cause: error },
    );
  }
}

/** Memory and time for a checkpoint, by the size of its files. Throws for one that is not there or too large. */
async function limitsFor(source: string): Promise<ProbeLimits> {
  let size = 0;
  for (const folder of [source, path.join(source, 'onnx')]) {
    for (const name of await namesIn(folder)) {
      const stat = await fs.stat(path.join(folder, name)).catch(() => undefined);
      if (stat?.isFile() && /^model\.onnx|[._]data$/.test(name)) size += stat.size;
    }
  }
  if (size > LARGEST_MODEL_BYTES) {
    throw new NearmissError(
      'model',
      `The model in ${source} is larger than 2 GB`,
      'Use a smaller one',
    );
  }
  const memoryBytes = BASE_MEMORY_BYTES + MEMORY_PER_FILE_BYTE * size;
  return { timeoutMs: ADD_TIMEOUT_MS, memoryBytes };
}

function refused(
  source: string,
  reply: Exclude<Awaited<ReturnType<typeof runProbe>>, { type: 'staged' }>,
): Error {
  if (reply.type !== 'failed') return new NearmissError('model', `${source} gave no checkpoint`);
  const error = deserializeError(reply.error);
  if (error instanceof NearmissError && error.code === 'model') return error;
  const message = `The checkpoint in ${source} cannot be used: ${reply.error.message}`;
  return new NearmissError('model', message, 'Use a plain encoder of the BERT family', {
    cause: error,
  });
}

/** A sound checkpoint of this fingerprint that is there already may be in use: it stays. */
async function moveIntoPlace(
  staging: string,
  modelsFolder: string,
  fingerprint: string,
): Promise<void> {
  const target = path.join(modelsFolder, fingerprint);
  const present = await readCheckpoint(target).catch(() => undefined);
  const { problem } = await readAdded(modelsFolder, fingerprint);
  if (present?.fingerprint === fingerprint && problem === undefined) return;
  await fs.rm(target, { recursive: true, force: true });
  await fs.rename(staging, target);
}

/** Left behind by a process that was killed; a young one may be in use. */
async function removeStaging(modelsFolder: string): Promise<void> {
  for (const name of await namesIn(modelsFolder)) {
    if (!name.startsWith(STAGING)) continue;
    const folder = path.join(modelsFolder, name);
    const stat = await fs.stat(folder).catch(() => undefined);
    const isOld = stat !== undefined && Date.now() - stat.mtimeMs > 2 * ADD_TIMEOUT_MS;
    if (isOld) await fs.rm(folder, { recursive: true, force: true });
  }
}

async function readAdded(modelsFolder: string, fingerprint: string): Promise<AddedCheckpoint> {
  const folder = path.join(modelsFolder, fingerprint);
  try {
    const text = await fs.readFile(path.join(folder, RECORD_FILE), 'utf8');
    const record = recordSchema.parse(JSON.parse(text));
    const { size } = await fs.stat(path.join(folder, 'model.onnx'));
    return { fingerprint, folder, sizeBytes: size, ...record };
  } catch (error) {
    const problem = messageOf(error);
    const name = fingerprint.slice(0, 12);
    return { fingerprint, name, folder, kind: 'bi-encoder', dimension: 0, sizeBytes: 0, problem };
  }
}

function shortName({ name, fingerprint }: AddedCheckpoint): string {
  return `${name} (${fingerprint.slice(0, 12)})`;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await fs.readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
