/** `activate`: builds the parts and registers them, nothing else. The engine starts beside it, nobody waits for it. */
import * as vscode from 'vscode';
import { debounce } from '../../base/queue';
import { EngineClient } from '../engineClient';
import { changedPaths } from './changedFiles';
import { registerAgentTool } from './agentTool';
import { registerCommands } from './commands';
import { followFolders } from './contextKeys';
import { ConvertedText } from './convertedText';
import { EngineHost } from './engineHost';
import { engineOptions } from './engineOptions';
import { showStopped } from './failure';
import { HitCursor } from './hitCursor';
import { LearningOffer } from './learningOffer';
import { Marking } from './marking';
import { registerMcpProvider } from './mcpProvider';
import { followModelSetting } from './modelCommands';
import { overlaysOf, unsavedText } from './openBuffers';
import { ExtensionBackend, forgetTypedQueries, typedQueries } from './panelBackend';
import { PanelHost } from './panelHost';
import { ReadOnlyText } from './readOnlyText';
import { RepositorySharing } from './repositorySharing';
import { HitReveal, uriOf } from './reveal';
import { WorkspaceSearch } from './searching';
import type { Services } from './services';
import { ExtensionSettings } from './settings';
import { StatusBar } from './statusBar';
import { UsageNotes } from './usage';
import { tellWhatGaveWay } from './versionCommands';
import { type WorkspaceFolder, WorkspaceIndexes } from './workspace';

/** Progress and edits come many times a second. */
const tellPanelAfterMs = 150;
const askAgainAfterMs = 600;

export function activate(context: vscode.ExtensionContext): void {
  const startedAt = performance.now();
  const own = <T extends vscode.Disposable>(item: T): T => {
    context.subscriptions.push(item);
    return item;
  };
  const log = own(vscode.window.createOutputChannel('Nearmiss', { log: true }));
  const settings = own(new ExtensionSettings());
  const options = (): ReturnType<typeof engineOptions> =>
    engineOptions(context.extensionPath, {
      dataFolder: settings.get('dataFolder'),
      memoryLimit: settings.get('memoryLimit'),
      provider: settings.get('provider'),
      measuresAgain: settings.get('learning.measureAgain'),
    });
  const engine = own(
    new EngineHost({ makeClient: () => new EngineClient(options()), t: vscode.l10n.t }),
  );
  const workspace = own(new WorkspaceIndexes(engine, settings, context.workspaceState));
  const marking = new Marking(engine, workspace);
  const cursor = new HitCursor();
  const usage = own(new UsageNotes(engine, settings, context.globalState, log));
  const parts = {
    engine,
    engineOptions: options,
    workspace,
    searching: own(makeSearch(engine, workspace, usage)),
    settings,
    marking,
    reveal: own(new HitReveal(own(new ConvertedText(engine)))),
    cursor,
    pages: own(new ReadOnlyText()),
    log,
    typedQueries: () => typedQueries(context.workspaceState),
    forgetTypedQueries: () => forgetTypedQueries(context.workspaceState),
    opened: ((hit, question) => {
      cursor.noteOpened(hit, question);
      usage.opened(hit, question);
      if (settings.get('learning.guardPastQueries')) marking.keepQuery(hit, question);
      if (settings.get('marks.learnFromOpenedHits')) marking.noteOpened(hit, question);
    }) satisfies Services['opened'],
  };
  const backend = new ExtensionBackend(parts, context.workspaceState);
  const panel = own(new PanelHost(context.extensionUri, backend, log));
  const services: Services = { ...parts, panel };
  own(new StatusBar(engine, workspace));
  own(registerCommands(services));
  own(registerAgentTool(services));
  own(registerMcpProvider(services, context.extensionPath));
  own(watchEngine(services));
  own(new LearningOffer(services));
  own(tellWhatGaveWay(services));
  own(new RepositorySharing(services));
  own(keepPanelFresh(services));
  own(followFolders(workspace));
  engine.restart();
  void backend.findChat().then(() => panel.bridge.options());
  log.info(`activated in ${Math.round(performance.now() - startedAt)} ms`);
}

function makeSearch(
  engine: EngineHost,
  workspace: WorkspaceIndexes,
  usage: UsageNotes,
): WorkspaceSearch {
  return new WorkspaceSearch(engine, {
    folders: () => workspace.indexed,
    overlays: overlaysOf,
    changedPaths,
    answered: (query, folder) => usage.answered(query, folder),
    unsavedText: (folder, { path, start, end }) => unsavedText(uriOf({ folder, path }), start, end),
  });
}

/** Settings that an engine is started with. */
const startsAnew = ['memoryLimit', 'provider', 'learning.measureAgain'];

/** The engine's end is said in a sentence, and that it comes back. Settings that it was started with start it anew. */
function watchEngine(services: Services): vscode.Disposable {
  const { engine, log, settings } = services;
  const follow = (): void => {
    followModelSetting(services).catch((error: unknown) => log.warn(String(error)));
  };
  const listening = engine.onState((state) => {
    log.info(`engine: ${state.kind}`);
    if (state.kind === 'up') follow();
    if (state.kind === 'stopped') void showStopped(state.error);
    if (state.kind === 'restarting')
      void vscode.window.showWarningMessage(
        vscode.l10n.t('The Nearmiss engine ended and is being started again'),
      );
  });
  const changes = settings.onChange((event) => {
    const changed = (name: string): boolean => event.affectsConfiguration(`nearmiss.${name}`);
    if (startsAnew.some(changed)) void engine.replace();
    else if (changed('dataFolder')) engine.restart();
    else if (changed('model')) follow();
  });
  return vscode.Disposable.from(listening, changes);
}

/** Tells the panel of the engine, folders and settings, and to ask again when what it shows may be old. */
function keepPanelFresh({ engine, workspace, panel, settings }: Services): vscode.Disposable {
  const status = debounceFirst(() => panel.bridge.status(), tellPanelAfterMs);
  const again = debounce(() => panel.bridge.refresh(), askAgainAfterMs);
  const more = debounceFirst(() => panel.bridge.refresh(), askAgainAfterMs);
  let known = findable([]);
  return vscode.Disposable.from(
    status,
    again,
    more,
    engine.onState(() => status.trigger()),
    engine.on('marksChanged', () => again.trigger()),
    engine.on('versionsChanged', () => again.trigger()),
    workspace.onChange(() => {
      status.trigger();
      const now = findable(workspace.indexed);
      const isMore =
        now.tiers !== known.tiers || (!panel.bridge.hasHits && now.files !== known.files);
      if (isMore) more.trigger();
      known = now;
    }),
    settings.onChange(() => panel.bridge.options()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => status.trigger()),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length > 0 && workspace.folderOf(document.uri)) again.trigger();
    }),
  );
}

/** What can be found just now: the tiers that are whole, and how many files by words; as texts to compare. */
function findable(folders: readonly Pick<WorkspaceFolder, 'path' | 'status'>[]): {
  readonly tiers: string;
  readonly files: string;
} {
  const tiers = folders.map(({ path, status }) => {
    const { documentCount = 0, wordDocumentCount, staticDocumentCount, isComplete } = status ?? {};
    const isWhole = (count = 0): boolean => documentCount > 0 && count >= documentCount;
    return [path, isWhole(wordDocumentCount), isWhole(staticDocumentCount), isComplete === true];
  });
  const files = folders.map(({ status }) => status?.wordDocumentCount ?? 0);
  return { tiers: JSON.stringify(tiers), files: JSON.stringify(files) };
}

/** Acts at most once in `everyMs`, and not later than that after a trigger. */
function debounceFirst(action: () => void, everyMs: number): { trigger(): void; dispose(): void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    trigger() {
      timer ??= setTimeout(() => {
        timer = undefined;
        action();
      }, everyMs);
    },
    dispose: () => clearTimeout(timer),
  };
}
