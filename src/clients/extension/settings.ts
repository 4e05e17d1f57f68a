/** VS Code's settings, read live and checked. A bad value is told once for as long as it stays. */
import * as vscode from 'vscode';
import type { Disposable } from '../../base/lifecycle';
import { checkSetting, type SettingName, type SettingValue } from './settingsTable';

export class ExtensionSettings implements Disposable {
  private readonly told = new Map<string, string>();
  private readonly listening: vscode.Disposable;
  private readonly changed = new vscode.EventEmitter<vscode.ConfigurationChangeEvent>();
  /** After a change of ours, or of the editor's settings that decide which files are searched. */
  readonly onChange = this.changed.event;

  constructor() {
    this.listening = vscode.workspace.onDidChangeConfiguration((event) => {
      const names = ['nearmiss', 'files.exclude', 'search.exclude', 'search.useIgnoreFiles'];
      if (names.some((name) => event.affectsConfiguration(name))) this.changed.fire(event);
    });
  }

  /** The value that counts, for a folder where the setting may differ by folder. */
  get<N extends SettingName>(name: N, folder?: vscode.Uri): SettingValue<N> {
    const given: unknown = vscode.workspace.getConfiguration('nearmiss', folder ?? null).get(name);
    const { value, problem } = checkSetting(name, given, vscode.l10n.t);
    if (problem === undefined) this.told.delete(name);
    else if (this.told.get(name) !== problem) {
      this.told.set(name, problem);
      void this.tell(name, problem);
    }
    return value;
  }

  dispose(): void {
    this.listening.dispose();
    this.changed.dispose();
  }

  private async tell(name: string, problem: string): Promise<void> {
    const open = vscode.l10n.t('Open Settings');
    const chosen = await vscode.window.showWarningMessage(problem, open);
    if (chosen === open)
      await vscode.commands.executeCommand('workbench.action.openSettings', `nearmiss.${name}`);
  }
}
