/**
 * The folders that an agent may search, and an index of each that is as fresh as the time allows. Every tool goes
 * through here, so that nothing outside these folders is ever named to the engine.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { NearmissError } from '../../base/errors';
import type { IndexParams } from '../../protocol/methods';
import type { FolderStatus } from '../../protocol/types';
import type { EngineClient } from '../engineClient';

/** A folder never indexed makes the first call wait so long, then it answers with what is there. */
const firstIndexMs = 20_000;
/** A known folder is compared with its index for at most so long before an answer. */
const compareMs = 3000;

export class ServedFolders {
  /** Real paths, in the order given. */
  readonly folders: readonly string[];

  constructor(
    private readonly client: EngineClient,
    given: readonly string[],
  ) {
    this.folders = [...new Set(given.map(realFolder))];
  }

  /** The folder a tool call is about: the only one, the one named, or the one that holds the absolute path. */
  choose(given: string | undefined, file?: string): string {
    if (given !== undefined) return this.named(given);
    const [only] = this.folders;
    if (this.folders.length === 1) return only!;
    const holder = file !== undefined && path.isAbsolute(file) ? this.holding(file) : undefined;
    if (holder !== undefined) return holder;
    throw new NearmissError(
      'usage',
      'Several folders are served',
      `Name one as "folder": ${this.folders.join(', ')}`,
    );
  }

  /** Sees to it that the folder's index is there, as far as the time allows. */
  async prepare(folder: string, signal?: AbortSignal): Promise<FolderStatus> {
    const { isNew } = await this.index({ folder, waitFor: 'nothing' }, signal);
    if (isNew)
      return (await this.index({ folder, waitFor: 'all', waitMs: firstIndexMs }, signal)).status;
    return (await this.index({ folder, waitFor: 'words', waitMs: compareMs }, signal)).status;
  }

  /** How far the index is, without waiting; a folder never indexed is begun. */
  async look(folder: string, signal?: AbortSignal): Promise<FolderStatus> {
    return (await this.index({ folder, waitFor: 'nothing' }, signal)).status;
  }

  /** Compares the whole folder with its index; answers with what is there after a while. */
  async refresh(folder: string, signal?: AbortSignal): Promise<FolderStatus> {
    await this.index({ folder, waitFor: 'nothing' }, signal);
    const asked = { folder, waitFor: 'words', refresh: true, waitMs: firstIndexMs } as const;
    return (await this.index(asked, signal)).status;
  }

  private index(params: IndexParams, signal?: AbortSignal) {
    return this.client.call('index', params, signal);
  }

  private named(given: string): string {
    const wanted = this.folders.find(
      (folder) => folder === given || path.basename(folder) === given,
    );
    const real = wanted ?? this.folders.find((folder) => folder === path.resolve(folder, given));
    if (real !== undefined) return real;
    throw new NearmissError(
      'outsideFolder',
      'That folder is not served',
      `Served are ${this.folders.join(', ')}`,
    );
  }

  private holding(file: string): string | undefined {
    return this.folders
      .filter((folder) => file === folder || file.startsWith(`${folder}${path.sep}`))
      .sort((a, b) => b.length - a.length)[0];
  }
}

function realFolder(given: string): string {
  const folder = path.resolve(given);
  if (fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    return fs.realpathSync.native(folder);
  throw new NearmissError('usage', `There is no folder ${given}`, 'Check --folder');
}
