/** The checkpoints there are: those that come with the product, and those that the user added. */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { messageOf } from '../base/errors';
import type { ModelInfo } from '../protocol/types';
import { readCheckpoint, readFingerprints } from './encoders/checkpoint';
import {
  activeFingerprint,
  addCheckpoint,
  type AddedCheckpoint,
  findCheckpoint,
  listCheckpoints,
  setActiveCheckpoint,
  verifyCheckpoints,
} from './encoders/modelStore';
import { readStaticTable } from './encoders/staticEncoder';

const bundledNames = ['bi-encoder', 'cross-encoder', 'static-encoder'] as const;
type BundledName = (typeof bundledNames)[number];

export interface ShelfOptions {
  /** The models that come with the product. */
  readonly bundledModels: string;
  /** `<data>/models`. */
  readonly modelsFolder: string;
  readonly probeFile: string;
}

export class ModelShelf {
  constructor(private readonly options: ShelfOptions) {}

  async list(): Promise<ModelInfo[]> {
    const { modelsFolder } = this.options;
    const active = await activeFingerprint(modelsFolder);
    const bundled = bundledNames.map((name) => this.bundled(name, active === undefined));
    const added = (await listCheckpoints(modelsFolder)).map((one) => toInfo(one, active));
    return [...(await Promise.all(bundled)), ...added];
  }

  /** Reads every file of every checkpoint and compares fingerprints. */
  async verify(): Promise<ModelInfo[]> {
    const { bundledModels, modelsFolder } = this.options;
    const active = await activeFingerprint(modelsFolder);
    const expected = await readFingerprints(bundledModels);
    const bundled = bundledNames.map(async (name) => {
      const info = await this.bundled(name, active === undefined);
      const isRight = expected[name] === undefined || info.fingerprint === expected[name];
      if (info.problem !== undefined || isRight) return info;
      return { ...info, problem: 'its sha256 is not the one recorded for it' };
    });
    const added = (await verifyCheckpoints(modelsFolder)).map((one) => toInfo(one, active));
    return [...(await Promise.all(bundled)), ...added];
  }

  async add(folder: string, signal: AbortSignal): Promise<ModelInfo> {
    const { modelsFolder, probeFile } = this.options;
    const added = await addCheckpoint(folder, { modelsFolder, probeFile, signal });
    return toInfo(added, await activeFingerprint(modelsFolder));
  }

  /** Makes an added checkpoint, or by its name the bundled one, the one that embeds. */
  async use(name: string): Promise<ModelInfo> {
    const { modelsFolder } = this.options;
    if (name === 'bi-encoder') {
      await setActiveCheckpoint(modelsFolder, undefined);
      return this.bundled('bi-encoder', true);
    }
    const added = await findCheckpoint(modelsFolder, name);
    await setActiveCheckpoint(modelsFolder, added.fingerprint);
    return toInfo(added, added.fingerprint);
  }

  private async bundled(name: BundledName, isBundledActive: boolean): Promise<ModelInfo> {
    const folder = path.join(this.options.bundledModels, name);
    const isInUse = name !== 'bi-encoder' || isBundledActive;
    const blank = { name, role: name, isBundled: true, isInUse };
    try {
      const fingerprint = await fingerprintOf(name, folder);
      return { ...blank, fingerprint, sizeBytes: await sizeOfFiles(folder) };
    } catch (error) {
      return { ...blank, fingerprint: '', sizeBytes: 0, problem: messageOf(error) };
    }
  }
}

async function fingerprintOf(name: BundledName, folder: string): Promise<string> {
  if (name !== 'static-encoder') return (await readCheckpoint(folder)).fingerprint;
  // Reading checks the table against the fingerprint in its own settings.
  await readStaticTable(folder);
  const settings: unknown = JSON.parse(await fs.readFile(path.join(folder, 'config.json'), 'utf8'));
  return (settings as { fingerprint: string }).fingerprint;
}

function toInfo(added: AddedCheckpoint, active: string | undefined): ModelInfo {
  const { name, kind, fingerprint, sizeBytes, problem } = added;
  const isInUse = fingerprint === active;
  return { name, role: kind, fingerprint, sizeBytes, isBundled: false, isInUse, problem };
}

async function sizeOfFiles(folder: string): Promise<number> {
  const entries = await fs.readdir(folder, { withFileTypes: true, recursive: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await fs.stat(path.join(entry.parentPath, entry.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
