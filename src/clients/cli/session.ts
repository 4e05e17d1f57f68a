/** What every command needs: the data folder, a client of its engine, a way to stop, a folder ready to search. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as readline from 'node:readline/promises';
import { NearmissError } from '../../base/errors';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import { resolveDataFolder } from '../../protocol/engineLock';
import type { IndexParams, IndexResult } from '../../protocol/methods';
import { EngineClient } from '../engineClient';
import { harmless } from './format';
import { showProgress } from './progress';

export interface CommonOptions {
  readonly data?: string;
  readonly verbose?: boolean;
  readonly json?: boolean;
  readonly yes?: boolean;
}

/** Of commands about one folder. */
export interface FolderOption extends CommonOptions {
  readonly folder: string;
}

/** The engine's bundle lies beside the command line's. */
export const engineFile = path.join(__dirname, 'engine.js');

export class CliSession implements Disposable {
  readonly dataFolder: string;
  readonly client: EngineClient;
  readonly signal: AbortSignal;
  private readonly store = new DisposableStore();

  constructor(private readonly options: CommonOptions) {
    this.dataFolder = resolveDataFolder(options.data);
    const { dataFolder } = this;
    this.client = this.store.add(new EngineClient({ dataFolder, engineFile, client: 'cli' }));
    const controller = new AbortController();
    this.signal = controller.signal;
    const interrupt = (): void => controller.abort();
    process.once('SIGINT', interrupt);
    this.store.add({ dispose: () => process.off('SIGINT', interrupt) });
  }

  /** Makes a folder's index as far as asked; asks where a person must agree. */
  async index(params: IndexParams): Promise<IndexResult> {
    try {
      return await this.client.call('index', params, this.signal);
    } catch (error) {
      if (!(error instanceof NearmissError) || error.code !== 'needsConfirmation') throw error;
      await this.agree(`${error.message}. Index it all the same?`, error);
      return await this.client.call('index', { ...params, isConfirmed: true }, this.signal);
    }
  }

  /** The same with the progress of that folder on stderr. */
  async indexVisibly(params: IndexParams, folderId: string): Promise<IndexResult> {
    const progress = showProgress(this.client, folderId, process.stderr);
    try {
      return await this.index(params);
    } finally {
      progress.dispose();
    }
  }

  /** Asks a question, unless --yes answered it. Throws `refusal` where the answer is no, or nobody can give one. */
  async agree(question: string, refusal: NearmissError): Promise<void> {
    if (this.options.yes) return;
    if (!process.stdin.isTTY || !process.stderr.isTTY) throw refusal;
    const dialog = readline.createInterface({ input: process.stdin, output: process.stderr });
    try {
      const reply = await dialog.question(`${question} [y/N] `);
      if (!/^y(es)?$/i.test(reply.trim())) throw refusal;
    } finally {
      dialog.close();
    }
  }

  dispose(): void {
    this.store.dispose();
  }
}

/** Has a person agree to what a sentence says; where nobody can be asked, --yes has to be given. */
export function agree(session: CliSession, sentence: string): Promise<void> {
  const refusal = new NearmissError('needsConfirmation', sentence, 'Agree with --yes');
  return session.agree(`${harmless(sentence)}. Go on?`, refusal);
}

/** Runs a command with a session that ends with it. */
export async function withSession(
  options: CommonOptions,
  command: (session: CliSession) => Promise<number>,
): Promise<number> {
  const session = new CliSession(options);
  try {
    return await command(session);
  } finally {
    session.dispose();
  }
}

/** The same for a command about a folder that is there, which it is given absolute. */
export function withFolder(
  options: FolderOption,
  command: (session: CliSession, folder: string) => Promise<number>,
): Promise<number> {
  const folder = existingFolder(options.folder);
  return withSession(options, (session) => command(session, folder));
}

/** An existing folder, absolute. */
export function existingFolder(given: string): string {
  const folder = path.resolve(given);
  if (fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new NearmissError(
    'usage',
    fs.existsSync(folder) ? `${given} is not a folder` : `There is no folder ${given}`,
    'Check the path',
  );
}

/** A file as results name it (relative to the folder), else as the shell does (relative to where we are). */
export function fileOf(folder: string, given: string): string {
  if (path.isAbsolute(given) || fs.existsSync(path.resolve(folder, given))) return given;
  const here = path.resolve(given);
  return fs.existsSync(here) ? here : given;
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What a person should know but a program should not read. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
