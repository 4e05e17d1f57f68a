/** The status bar item: state, per cent, and in its tooltip the folders and the device. A click asks for details. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import type { EngineHost } from './engineHost';
import { localised } from './engineSentences';
import { folderLine, statusLine } from './statusText';
import type { WorkspaceIndexes } from './workspace';

/** Progress comes many times a second. */
const redrawMs = 200;

export class StatusBar implements Disposable {
  private readonly store = new DisposableStore();
  private readonly item: vscode.StatusBarItem;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly engine: EngineHost,
    private readonly workspace: WorkspaceIndexes,
  ) {
    const { Right } = vscode.StatusBarAlignment;
    this.item = this.store.add(vscode.window.createStatusBarItem('nearmiss.status', Right, 90));
    this.item.name = 'Nearmiss';
    this.item.command = 'nearmiss.showStatus';
    this.store.add(engine.onState(() => this.drawSoon()));
    this.store.add(workspace.onChange(() => this.drawSoon()));
    this.store.add({ dispose: () => clearTimeout(this.timer) });
    this.draw();
    this.item.show();
  }

  dispose(): void {
    this.store.dispose();
  }

  private drawSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.draw();
    }, redrawMs);
  }

  private draw(): void {
    const { state } = this.engine;
    const { folders } = this.workspace;
    const line = statusLine(state, folders, vscode.l10n.t);
    const said = state.kind === 'stopped' ? [localised(state.error.message, vscode.l10n.t)] : [];
    const lines = folders.map((folder) => `${folder.name}: ${folderLine(folder, vscode.l10n.t)}`);
    const none = folders.length === 0 ? [vscode.l10n.t('No folder is open')] : [];
    this.item.text = line.text;
    this.item.tooltip = ['Nearmiss', ...said, ...none, ...lines].join('\n');
    this.item.accessibilityInformation = {
      label: [line.text.replace(/^\$\([^)]*\) /, ''), ...said, ...lines].join(', '),
    };
    this.item.backgroundColor = line.isProblem
      ? new vscode.ThemeColor('statusBarItem.warningBackground')
      : undefined;
  }
}
