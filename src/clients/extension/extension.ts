/** `activate`: builds the parts and registers them, nothing else. The engine starts beside it, nobody waits for it. */
import * as vscode from 'vscode';
import { EngineClient } from '../engineClient';
import { registerCommands } from './commands';
import { EngineHost } from './engineHost';
import { engineOptions } from './engineOptions';
import { showError } from './failure';
import { HitCursor } from './hitCursor';
import { HitReveal } from './reveal';
import { WorkspaceSearch } from './searching';
import type { Services } from './services';
import { ExtensionSettings } from './settings';
import { StatusBar } from './statusBar';
import { WorkspaceIndexes } from './workspace';

/** A person waits: the re-ranker reads what fits into this. */
const rerankBudgetMs = 250;

export function activate(context: vscode.ExtensionContext): void {
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
    });
  const engine = own(new EngineHost({ makeClient: () => new EngineClient(options()) }));
  const workspace = own(new WorkspaceIndexes(engine, settings, context.workspaceState));
  const searching = own(new WorkspaceSearch(engine, () => workspace.indexed));
  const services: Services = {
    engine,
    engineOptions: options,
    workspace,
    settings,
    reveal: own(new HitReveal()),
    cursor: own(new HitCursor()),
    log,
    search: (query, signal, onFirst) =>
      searching.search(
        {
          query,
          limit: settings.get('search.hitCount'),
          rerank: settings.get('search.rerank'),
          budgetMs: rerankBudgetMs,
        },
        signal,
        onFirst,
      ),
    moveToPanel: () => void vscode.commands.executeCommand('nearmiss.panel.focus'),
  };
  own(new StatusBar(engine, workspace));
  own(registerCommands(services));
  own(watchEngine(services));
  engine.restart();
}

/** The engine's end is said in a sentence, and that it comes back. */
function watchEngine({ engine, log, settings }: Services): vscode.Disposable {
  const listening = engine.onState((state) => {
    log.info(`engine: ${state.kind}`);
    if (state.kind === 'stopped') void showError(state.error);
    if (state.kind === 'restarting')
      void vscode.window.showWarningMessage(
        vscode.l10n.t('The Nearmiss engine ended and is being started again'),
      );
  });
  const changes = settings.onChange((event) => {
    const names = ['nearmiss.dataFolder', 'nearmiss.memoryLimit'];
    if (names.some((name) => event.affectsConfiguration(name))) engine.restart();
  });
  return vscode.Disposable.from(listening, changes);
}
