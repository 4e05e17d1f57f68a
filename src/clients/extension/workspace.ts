/**
 * The folders of this window and the index of each: which are indexed, how far, and why one is not. Asks before a home
 * folder or a very large one, follows folders that come and go, and tells everybody of changes.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { isAbort, messageOf, NearmissError } from '../../base/errors';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import type { IndexParams } from '../../protocol/methods';
import type { FolderStatus } from '../../protocol/types';
import type { EngineHost } from './engineHost';
import { excludeGlobs, letInGlobs } from './folderRules';
import type { ExtensionSettings } from './settings';

/** One folder of the workspace as panel, status bar and commands see it. */
export interface WorkspaceFolder {
  readonly uri: vscode.Uri;
  /** Path on the disk, as the editor writes it. */
  readonly path: string;
  readonly name: string;
  /** `waiting` for the engine or a scan of its size, `declined` by the user, `off` by a setting. */
  readonly state: 'waiting' | 'indexed' | 'declined' | 'off' | 'failed';
  readonly status?: FolderStatus;
  /** Why it failed. */
  readonly problem?: string;
}

type FolderRuleParams = Pick<IndexParams, 'exclude' | 'letIn' | 'usesGitRules'>;

/** Answer to "shall this be indexed", kept for the workspace. */
const agreedKey = 'nearmiss.agreedFolders';
/** Folders whose index was cleared, and which shall stay so, kept for the workspace. */
const restingKey = 'nearmiss.restingFolders';
/** How often a folder that failed is looked for: renamed and back again, or a disk that was not there. */
const lookAgainMs = 5000;

export class WorkspaceIndexes implements Disposable {
  private readonly store = new DisposableStore();
  private readonly changed = this.store.add(new vscode.EventEmitter<void>());
  private readonly known = new Map<string, WorkspaceFolder>();
  private readonly declined: Set<string>;
  /** Failed because they are not on the disk. */
  private readonly missing = new Set<string>();
  /** Switched off by the setting; their indexes rest. */
  private readonly stopped = new Set<string>();
  private round = new AbortController();
  readonly onChange = this.changed.event;

  constructor(
    private readonly engine: EngineHost,
    private readonly settings: ExtensionSettings,
    private readonly memory: vscode.Memento,
  ) {
    this.store.add(engine.on('indexProgress', (status) => this.take(status)));
    this.store.add(engine.onState(({ kind }) => kind === 'up' && this.refresh()));
    this.store.add(vscode.workspace.onDidChangeWorkspaceFolders(() => this.refresh()));
    this.store.add(settings.onChange(() => this.refresh()));
    this.store.add({ dispose: () => this.round.abort() });
    this.declined = new Set(memory.get<string[]>(restingKey, []));
    const looking = setInterval(() => this.lookAgain(), lookAgainMs);
    this.store.add({ dispose: () => clearInterval(looking) });
    this.readFolders();
  }

  get folders(): readonly WorkspaceFolder[] {
    return [...this.known.values()];
  }

  /** Those that can be searched. */
  get indexed(): readonly WorkspaceFolder[] {
    return this.folders.filter(({ state }) => state === 'indexed');
  }

  /** The folder that holds a file. */
  folderOf(uri: vscode.Uri): WorkspaceFolder | undefined {
    const holder = vscode.workspace.getWorkspaceFolder(uri);
    return holder && this.known.get(holder.uri.toString());
  }

  /** Tells the engine what to keep fresh, by the settings of now. */
  refresh(): void {
    this.round.abort();
    this.round = new AbortController();
    this.readFolders();
    const { signal } = this.round;
    for (const folder of this.folders)
      if (folder.state === 'off') void this.stop(folder);
      else void this.index(folder, signal);
    this.changed.fire();
  }

  /** The user was asked again and wants it after all. */
  agree(folder: WorkspaceFolder): void {
    this.declined.delete(folder.path);
    this.remember(restingKey, (known) => known.filter((each) => each !== folder.path));
    this.remember(agreedKey, (known) => [...new Set([...known, folder.path])]);
    void this.index(folder, this.round.signal, true);
  }

  /** All that were declined are wanted after all. */
  agreeAll(): void {
    for (const folder of this.folders) if (folder.state === 'declined') this.agree(folder);
  }

  /** Nothing more is done to these folders until the user asks for it: their index was cleared. */
  rest(folders: readonly WorkspaceFolder[]): void {
    for (const folder of folders) {
      this.declined.add(folder.path);
      this.set(folder, { state: 'declined', status: undefined });
    }
    const paths = folders.map((folder) => folder.path);
    this.remember(restingKey, (known) => [...new Set([...known, ...paths])]);
  }

  private remember(key: string, change: (known: readonly string[]) => readonly string[]): void {
    void this.memory.update(key, change(this.memory.get<string[]>(key, [])));
  }

  /** Folders that could not be opened and are there by now. */
  private lookAgain(): void {
    for (const folder of this.folders) {
      if (!this.missing.has(folder.path) || !fs.existsSync(folder.path)) continue;
      this.missing.delete(folder.path);
      this.set(folder, { state: 'waiting' });
      void this.index(folder, this.round.signal);
    }
  }

  /** Takes the engine's newer word on several folders. */
  takeAll(statuses: readonly FolderStatus[]): void {
    for (const status of statuses) this.take(status);
  }

  /** Takes the engine's newer word on a folder. */
  take(status: FolderStatus): void {
    for (const [key, folder] of this.known)
      if (folder.status?.folderId === status.folderId) {
        this.known.set(key, { ...folder, status });
        this.changed.fire();
      }
  }

  dispose(): void {
    this.store.dispose();
  }

  private readFolders(): void {
    const present = (vscode.workspace.workspaceFolders ?? []).filter(
      ({ uri }) => uri.scheme === 'file',
    );
    const old = new Map(this.known);
    this.known.clear();
    for (const { uri, name } of present) {
      const before = old.get(uri.toString());
      const isOn = this.settings.get('indexing.enabled', uri);
      const state = isOn ? (before?.state === 'indexed' ? 'indexed' : 'waiting') : 'off';
      const status = isOn ? before?.status : undefined;
      this.known.set(uri.toString(), { uri, path: uri.fsPath, name, state, status });
    }
  }

  private async index(
    folder: WorkspaceFolder,
    signal: AbortSignal,
    isConfirmed = this.memory.get<string[]>(agreedKey, []).includes(folder.path),
  ): Promise<void> {
    if (this.declined.has(folder.path)) return this.set(folder, { state: 'declined' });
    try {
      if (this.stopped.delete(folder.path))
        await this.engine.call('resume', { folder: folder.path }).catch(() => undefined);
      const rules = this.rulesOf(folder);
      const { status } = await this.engine.ask(
        'index',
        { folder: folder.path, waitFor: 'nothing', isConfirmed, ...rules },
        signal,
      );
      if (!signal.aborted) this.set(folder, { state: 'indexed', status });
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      if (error instanceof NearmissError && error.code === 'needsConfirmation')
        await this.confirm(folder);
      else this.fail(folder, messageOf(error));
    }
  }

  private fail(folder: WorkspaceFolder, problem: string): void {
    if (!fs.existsSync(folder.path)) this.missing.add(folder.path);
    this.set(folder, { state: 'failed', problem });
  }

  /** A folder that was indexed before the user switched it off is left alone from now on. */
  private async stop({ path: folder }: WorkspaceFolder): Promise<void> {
    if (this.stopped.has(folder)) return;
    this.stopped.add(folder);
    // Never indexed: then there is nothing to stop.
    await this.engine.call('pause', { folder }).catch(() => undefined);
  }

  private async confirm(folder: WorkspaceFolder): Promise<void> {
    this.declined.add(folder.path);
    this.set(folder, { state: 'declined' });
    const yes = vscode.l10n.t('Index It');
    const never = vscode.l10n.t('Never for This Folder');
    const question = holdsHome(folder.path)
      ? vscode.l10n.t('{0} is or holds your home folder. Index it all the same?', folder.path)
      : vscode.l10n.t('{0} has very many files. Index it all the same?', folder.path);
    const answer = await vscode.window.showWarningMessage(question, yes, never);
    if (answer === yes) this.agree(folder);
    if (answer === never)
      await vscode.workspace
        .getConfiguration('nearmiss', folder.uri)
        .update('indexing.enabled', false, vscode.ConfigurationTarget.WorkspaceFolder);
  }

  private rulesOf({ uri }: WorkspaceFolder): FolderRuleParams {
    const read = (section: string, key: string): unknown =>
      vscode.workspace.getConfiguration(section, uri).get(key);
    const exclude = this.settings.get('indexing.exclude', uri);
    const editorExcludes = [read('files', 'exclude'), read('search', 'exclude')];
    return {
      exclude: excludeGlobs({ exclude, editorExcludes }),
      letIn: letInGlobs(this.settings.get('indexing.include', uri)),
      usesGitRules: read('search', 'useIgnoreFiles') !== false,
    };
  }

  private set(folder: WorkspaceFolder, change: Partial<WorkspaceFolder>): void {
    const key = folder.uri.toString();
    const now = this.known.get(key);
    if (!now) return;
    this.known.set(key, { ...now, problem: undefined, ...change });
    this.changed.fire();
  }
}

function holdsHome(folder: string): boolean {
  const relative = path.relative(folder, os.homedir());
  return !relative.startsWith('..') && !path.isAbsolute(relative);
}
