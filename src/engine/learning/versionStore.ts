/**
 * The versions of one folder on the disk:
 *
 *   current.json          which one answers, which one did before: the only file that a swap changes
 *   versions/<id>/        version.json with the hash of every file, report.json, and what was learned
 *   measured/<id>.json    the folder as it was when a version was measured last
 *   checks/<id>.json      what came of it each time that it was measured again
 *   last.json             the report of the last run, promoted or not
 *   review.json           what a person decided about marks that were set aside
 *   run/                  a run under way, or stopped
 *
 * A version is written beside, verified, and comes into being by one rename; then `current.json` is replaced in one step.
 * A kill at any moment leaves the old state or the new one. What is damaged is left out with a sentence; the base answers.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { messageOf, NearmissError, systemCode } from '../../base/errors';
import { writeWhole } from '../training/runFiles';
import type { CheckedAgain, LearningReport } from './report';

export const BASE = 'base';
const VERSION_STATES = ['shadow', 'pilot', 'all'] as const;
const TIERS = ['words', 'fusion', 'head', 'cross-encoder', 'encoder'] as const;

const scopeSchema = z.object({ path: z.string().optional(), language: z.string().optional() });
export type VersionScope = z.infer<typeof scopeSchema>;

const useSchema = z.object({
  id: z.string().min(1),
  state: z.enum(VERSION_STATES),
  scope: scopeSchema.optional(),
});
/** A version, and where it counts. */
export type VersionUse = z.infer<typeof useSchema>;

const checkSchema = z.object({
  time: z.string(),
  holds: z.boolean(),
  verdict: z.string(),
  isUnasked: z.boolean(),
});

const pointerSchema = z.object({
  v: z.literal(1),
  current: useSchema,
  previous: useSchema.optional(),
  /** Ranks silently beside the current one. */
  shadow: useSchema.optional(),
  /** Answers are mixed of both, so that opened hits decide between them. */
  isLive: z.boolean().optional(),
  /** Was measured again, did not hold, and gave way to the base that answers now. */
  left: checkSchema.extend({ version: z.string() }).optional(),
});
/** What answers now, and what did before. */
export type VersionPointer = z.infer<typeof pointerSchema>;

const manifestSchema = z.object({
  v: z.literal(1),
  id: z.string().min(1),
  time: z.string(),
  kind: z.enum(['marks', 'adapt']),
  isPromoted: z.boolean(),
  verdict: z.string(),
  markCount: z.int(),
  /** Hashes of the ids of the marks that it was learned from. */
  markHashes: z.array(z.string()).optional(),
  /** Who made it, where it came with the repository. */
  author: z.string().optional(),
  /** When that was; `time` is when it came. */
  sharedTime: z.string().optional(),
  /** Fingerprints of what it was learned on; on anything else it would be noise. */
  base: z.object({ biEncoder: z.string(), crossEncoder: z.string() }),
  tiers: z.array(z.enum(TIERS)),
  /** Find-similar failed its condition alone and stays on base vectors. */
  mapsSimilar: z.boolean(),
  level: z.object({ factor: z.number(), shift: z.number() }).optional(),
  /** Fingerprint of its own encoder, by which its vectors are known. */
  encoder: z.string().optional(),
  /** The part of the folder that it was measured in, and is for; none where it is for the whole. */
  scope: scopeSchema.optional(),
  /** By path inside the version's folder. */
  files: z.record(z.string(), z.object({ sha256: z.string(), bytes: z.int() })),
});
export type VersionManifest = z.infer<typeof manifestSchema>;

const BASE_USE: VersionUse = { id: BASE, state: 'all' };
const BASE_POINTER: VersionPointer = { v: 1, current: BASE_USE };
const MANIFEST = 'version.json';
const REPORT = 'report.json';
const KEPT_COUNT = 3;
const MOST_CHECKS = 20;

/** A version as it lies there; a problem where it cannot be read. */
export interface StoredVersion {
  readonly id: string;
  readonly manifest?: VersionManifest;
  readonly problem?: string;
}

/** A name that no version has: the day, and a few letters. */
export function newVersionName(folder: string): string {
  const time = new Date().toISOString();
  const tail = createHash('sha256').update(`${time}${folder}`).digest('hex');
  return `${time.slice(0, 10)}-${tail.slice(0, 8)}`;
}

export class VersionStore {
  constructor(readonly root: string) {}

  /** Where a run keeps its state. */
  get runFolder(): string {
    return path.join(this.root, 'run');
  }

  folderOf(id: string): string {
    return path.join(this.root, 'versions', id);
  }

  /** What answers; the base where nothing was said, or nothing that can be read. */
  async pointer(): Promise<{ readonly pointer: VersionPointer; readonly problem?: string }> {
    const file = path.join(this.root, 'current.json');
    try {
      const text = await readText(file);
      if (text === undefined) return { pointer: BASE_POINTER };
      return { pointer: pointerSchema.parse(JSON.parse(text)) };
    } catch (error) {
      const problem = `Which version answers cannot be read (${file}), so the base model does: ${firstLine(error)}`;
      return { pointer: BASE_POINTER, problem };
    }
  }

  /** Oldest first. */
  async list(): Promise<StoredVersion[]> {
    const names = await namesIn(path.join(this.root, 'versions'));
    const versions = await Promise.all(names.map((id) => this.read(id)));
    return versions.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  async read(id: string): Promise<StoredVersion> {
    try {
      const text = await fs.readFile(path.join(this.folderOf(id), MANIFEST), 'utf8');
      const manifest = manifestSchema.parse(JSON.parse(text));
      if (manifest.id !== id) throw new Error(`it says that it is ${manifest.id}`);
      return { id, manifest };
    } catch (error) {
      return { id, problem: `The version ${id} cannot be read: ${firstLine(error)}` };
    }
  }

  /** Reads a version and every file of it. Throws a NearmissError('model') that says what is wrong. */
  async verified(id: string): Promise<VersionManifest> {
    const { manifest, problem } = await this.read(id);
    if (!manifest) throw new NearmissError('model', problem ?? `There is no version ${id}`, ADVICE);
    await verifyFiles(this.folderOf(id), manifest);
    return manifest;
  }

  /** Makes a version of a folder that holds what was learned, and removes the oldest that nobody uses. */
  async publish(
    draft: string,
    manifest: Omit<VersionManifest, 'v' | 'files'>,
    report: LearningReport,
  ): Promise<VersionManifest> {
    await writeWhole(path.join(draft, REPORT), json(report));
    const files = await hashFiles(draft);
    const whole: VersionManifest = { v: 1, ...manifest, files };
    await writeWhole(path.join(draft, MANIFEST), json(whole));
    await verifyFiles(draft, whole);
    await fs.mkdir(path.join(this.root, 'versions'), { recursive: true, mode: 0o700 });
    await fs.rename(draft, this.folderOf(manifest.id));
    return whole;
  }

  /** Lets another version answer. One file is replaced; nothing else changes. */
  async use(pointer: Omit<VersionPointer, 'v'>): Promise<void> {
    await fs.mkdir(this.root, { recursive: true, mode: 0o700 });
    await writeWhole(path.join(this.root, 'current.json'), json({ v: 1, ...pointer }));
  }

  /** Keeps the newest versions and those in use. */
  async prune(keptCount = KEPT_COUNT): Promise<void> {
    const { pointer } = await this.pointer();
    const used = [pointer.current.id, pointer.previous?.id, pointer.shadow?.id];
    const versions = await this.list();
    for (const { id } of versions.slice(0, Math.max(0, versions.length - keptCount)))
      if (!used.includes(id)) {
        await fs.rm(this.folderOf(id), { recursive: true, force: true });
        for (const kind of ['measured', 'checks'])
          await fs.rm(path.join(this.root, kind, `${id}.json`), { force: true });
      }
  }

  /** The report of a version, or of the last run; undefined where there is none. */
  async report(id?: string): Promise<LearningReport | undefined> {
    const file =
      id === undefined ? path.join(this.root, 'last.json') : path.join(this.folderOf(id), REPORT);
    const text = await readText(file);
    if (text === undefined) return undefined;
    try {
      const report = JSON.parse(text) as LearningReport;
      if (report?.v === 1) return await this.withChecks(report);
    } catch {
      // Said below, for both.
    }
    throw new NearmissError('model', `The report ${file} is damaged`, 'Learn again');
  }

  /** Notes that a version was measured again; its own report is never changed, and is told with this. */
  async noteCheck(id: string, check: CheckedAgain): Promise<void> {
    const checks = [...(await this.checks(id)), check].slice(-MOST_CHECKS);
    await fs.mkdir(path.join(this.root, 'checks'), { recursive: true, mode: 0o700 });
    await writeWhole(this.checksFile(id), json(checks));
  }

  /** What came of it when the version was measured again last; undefined where it never was. */
  async lastCheck(id: string): Promise<CheckedAgain | undefined> {
    return (await this.checks(id)).at(-1);
  }

  private async withChecks(report: LearningReport): Promise<LearningReport> {
    if (report.kind === 'check') return report;
    const checks = await this.checks(report.version);
    return checks.length > 0 ? { ...report, checks } : report;
  }

  private async checks(id: string): Promise<CheckedAgain[]> {
    const text = await readText(this.checksFile(id));
    try {
      return text === undefined ? [] : z.array(checkSchema).parse(JSON.parse(text));
    } catch {
      // It only tells what was; the next check begins it anew.
      return [];
    }
  }

  private checksFile(id: string): string {
    return path.join(this.root, 'checks', `${id}.json`);
  }

  async keepReport(report: LearningReport): Promise<void> {
    await fs.mkdir(this.root, { recursive: true, mode: 0o700 });
    await writeWhole(path.join(this.root, 'last.json'), json(report));
  }
}

const ADVICE = 'Go back with `nearmiss revert base`, or learn again';

/** Every file of the manifest is there, of the size and the hash that it was written with. */
async function verifyFiles(folder: string, manifest: VersionManifest): Promise<void> {
  const { id, files, tiers, encoder } = manifest;
  const wrongIn = (name: string, what: string): NearmissError =>
    new NearmissError('model', `The version ${id} is damaged: ${name} ${what}`, ADVICE);
  // Without its fingerprint nobody knows which vectors are the encoder's.
  if (tiers.includes('encoder') && encoder === undefined)
    throw wrongIn(MANIFEST, 'is not what was written');
  for (const [name, { sha256, bytes }] of Object.entries(files)) {
    const wrong = (what: string): NearmissError => wrongIn(name, what);
    const file = path.join(folder, name);
    if (!file.startsWith(folder + path.sep)) throw wrong('lies outside');
    const stat = await fs.stat(file).catch(() => undefined);
    if (!stat) throw wrong('is missing');
    if (stat.size !== bytes) throw wrong(`has ${stat.size} bytes instead of ${bytes}`);
    if ((await hashOf(file)) !== sha256) throw wrong('is not what was written');
  }
}

async function hashFiles(folder: string): Promise<VersionManifest['files']> {
  const entries = await fs.readdir(folder, { withFileTypes: true, recursive: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/'),
    )
    .sort();
  const files: Record<string, { sha256: string; bytes: number }> = {};
  for (const name of names) {
    const file = path.join(folder, name);
    files[name] = { sha256: await hashOf(file), bytes: (await fs.stat(file)).size };
  }
  return files;
}

async function hashOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await fs.readFile(file))
    .digest('hex');
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await fs.readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** A checker of shapes says much; the first thing is enough. */
function firstLine(error: unknown): string {
  if (error instanceof z.ZodError) return error.issues[0]?.message ?? 'its shape is another';
  return messageOf(error).split('\n')[0]!;
}

function keyOf({ id, manifest }: StoredVersion): string {
  return `${manifest?.time ?? ''} ${id}`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
