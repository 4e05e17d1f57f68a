/** The checkpoints there are: those that come with the product, and those that the user added. */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { messageOf, NearmissError } from '../base/errors';
import type { ModelInfo } from '../protocol/types';
import { type Checkpoint, readCheckpoint, readFingerprints } from './encoders/checkpoint';

const bundledNames = ['bi-encoder', 'cross-encoder'] as const;

export class ModelShelf {
  constructor(private readonly modelsFolder: string) {}

  async list(): Promise<ModelInfo[]> {
    return Promise.all(bundledNames.map((name) => this.bundled(name)));
  }

  /** Reads every file of every checkpoint and compares fingerprints. */
  async verify(): Promise<ModelInfo[]> {
    const expected = await readFingerprints(this.modelsFolder);
    return Promise.all(
      bundledNames.map(async (name) => {
        const info = await this.bundled(name);
        if (info.problem !== undefined || info.fingerprint === expected[name]) return info;
        return { ...info, problem: 'its sha256 is not the one recorded for it' };
      }),
    );
  }

  async add(folder: string, _signal: AbortSignal): Promise<ModelInfo> {
    throw new NearmissError('model', `${folder} cannot be added`);
  }

  async use(name: string): Promise<ModelInfo> {
    throw new NearmissError('notFound', `There is no model ${name}`);
  }

  private async bundled(name: (typeof bundledNames)[number]): Promise<ModelInfo> {
    const folder = path.join(this.modelsFolder, name);
    const blank = { name, role: name, isBundled: true, isInUse: true };
    try {
      const checkpoint = await readCheckpoint(folder);
      return { ...blank, fingerprint: checkpoint.fingerprint, sizeBytes: await sizeOf(checkpoint) };
    } catch (error) {
      return { ...blank, fingerprint: '', sizeBytes: 0, problem: messageOf(error) };
    }
  }
}

async function sizeOf(checkpoint: Checkpoint): Promise<number> {
  return (await fs.stat(checkpoint.modelFile)).size;
}
