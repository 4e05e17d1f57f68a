/**
 * The panel as the editor meets it: a webview view whose HTML runs only our own script, with a nonce and no network.
 * What is said goes through panelBridge.ts. The extension registers it under `PanelHost.viewId` and calls the
 * bridge's methods to tell the panel what changed.
 */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import type { Logger } from '../../base/log';
import { type PanelStringKey, panelStrings } from '../../protocol/panelStrings';
import { PanelBridge, type PanelBackend } from './panelBridge';
import { panelHtml } from './panelHtml';

export class PanelHost implements vscode.WebviewViewProvider, Disposable {
  static readonly viewId = 'nearmiss.panel';
  readonly bridge: PanelBridge;
  private view: vscode.WebviewView | undefined;
  private readonly store = new DisposableStore();

  constructor(
    private readonly extensionUri: vscode.Uri,
    backend: PanelBackend,
    log: Logger,
  ) {
    this.bridge = new PanelBridge(
      backend,
      (message) => void this.view?.webview.postMessage(message),
      { colour: () => {}, start: () => {} },
      log,
    );
    this.store.add(vscode.window.registerWebviewViewProvider(PanelHost.viewId, this));
  }

  /** Shows the panel and puts the caret into its box. */
  async focus(): Promise<void> {
    await vscode.commands.executeCommand(`${PanelHost.viewId}.focus`);
    this.bridge.ask();
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    const media = vscode.Uri.joinPath(this.extensionUri, 'media');
    const dist = vscode.Uri.joinPath(this.extensionUri, 'dist');
    const { webview } = view;
    webview.options = { enableScripts: true, localResourceRoots: [media, dist] };
    const uri = (folder: vscode.Uri, name: string): string =>
      webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
    const listener = webview.onDidReceiveMessage((value) => this.bridge.receive(value));
    view.onDidDispose(() => {
      listener.dispose();
      if (this.view !== view) return;
      this.view = undefined;
      this.bridge.close();
    });
    webview.html = panelHtml({
      nonce: randomBytes(18).toString('base64url'),
      cspSource: webview.cspSource,
      language: vscode.env.language,
      script: uri(dist, 'panel.js'),
      styles: [uri(dist, 'codicon.css'), uri(media, 'panel.css')],
    });
  }

  dispose(): void {
    this.bridge.close();
    this.store.dispose();
  }
}

/** The panel's strings in the editor's language. */
export function localisedPanelStrings(): Record<PanelStringKey, string> {
  const entries = Object.entries(panelStrings).map(([key, english]) => [
    key,
    vscode.l10n.t(english),
  ]);
  return Object.fromEntries(entries) as Record<PanelStringKey, string>;
}
