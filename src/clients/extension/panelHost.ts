/**
 * The panel as the editor meets it: a webview view whose HTML runs only our own script, with a nonce and no network.
 * What is said goes through panelBridge.ts. The extension registers it under `PanelHost.viewId` and calls the
 * bridge's methods to tell the panel what changed.
 */
import { randomBytes } from 'node:crypto';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import type { Logger } from '../../base/log';
import type { HostMessage } from '../../protocol/panelMessages';
import { type PanelStringKey, panelStrings } from '../../protocol/panelStrings';
import { type ContributedTheme, customTokenRules, readTheme, type ThemeKind } from './editorTheme';
import { PanelBridge, type PanelBackend } from './panelBridge';
import { panelHtml } from './panelHtml';
import { SnippetColours } from './snippetColours';

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
    const post = (message: HostMessage): void => void this.view?.webview.postMessage(message);
    const dist = vscode.Uri.joinPath(extensionUri, 'dist').fsPath;
    const colours = this.store.add(
      new SnippetColours({
        threadFile: path.join(dist, 'colouring.js'),
        folder: path.join(dist, 'colours'),
        theme: activeTheme,
        log,
      }),
    );
    this.bridge = new PanelBridge(backend, post, colours, log);
    this.store.add(vscode.window.onDidChangeActiveColorTheme(() => colours.themeChanged(post)));
    this.store.add(
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('editor.tokenColorCustomizations'))
          colours.themeChanged(post);
      }),
    );
    this.store.add(vscode.window.registerWebviewViewProvider(PanelHost.viewId, this));
  }

  /** Shows the panel and puts the caret into its box. */
  async focus(): Promise<void> {
    // Asked first: a caret that comes after the focus would take it from whatever a quick hand went to meanwhile.
    this.bridge.ask();
    await vscode.commands.executeCommand(`${PanelHost.viewId}.focus`);
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
    // A hidden panel is gone until it says "ready" again; what is said to it meanwhile waits.
    const visibility = view.onDidChangeVisibility(() => {
      if (!view.visible) this.bridge.close();
    });
    view.onDidDispose(() => {
      listener.dispose();
      visibility.dispose();
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

/** Token colours of the theme shown just now. */
function activeTheme(): ReturnType<typeof readTheme> {
  const kind = themeKinds[vscode.window.activeColorTheme.kind];
  const name = activeThemeName(kind);
  const setting = vscode.workspace.getConfiguration('editor').get('tokenColorCustomizations');
  return readTheme(name, kind, contributedThemes(), customTokenRules(setting, name));
}

const themeKinds: Readonly<Record<vscode.ColorThemeKind, ThemeKind>> = {
  [vscode.ColorThemeKind.Light]: 'light',
  [vscode.ColorThemeKind.Dark]: 'dark',
  [vscode.ColorThemeKind.HighContrast]: 'highContrast',
  [vscode.ColorThemeKind.HighContrastLight]: 'highContrastLight',
};

/** Settings that name the theme of a kind where the editor follows the system. */
const preferredSettings: Readonly<Record<ThemeKind, string>> = {
  light: 'preferredLightColorTheme',
  dark: 'preferredDarkColorTheme',
  highContrast: 'preferredHighContrastColorTheme',
  highContrastLight: 'preferredHighContrastLightColorTheme',
};

function activeThemeName(kind: ThemeKind): string {
  const workbench = vscode.workspace.getConfiguration('workbench');
  const window = vscode.workspace.getConfiguration('window');
  const isHighContrast = kind === 'highContrast' || kind === 'highContrastLight';
  const followsSystem = isHighContrast
    ? window.get('autoDetectHighContrast') === true
    : window.get('autoDetectColorScheme') === true;
  const preferred = workbench.get<string>(preferredSettings[kind]) ?? '';
  const chosen = workbench.get<string>('colorTheme') ?? '';
  const hasChosenKind = contributedThemes().some(
    (theme) => theme.id === chosen || theme.label === chosen,
  );
  return followsSystem || !hasChosenKind ? preferred : chosen;
}

function contributedThemes(): ContributedTheme[] {
  return vscode.extensions.all.flatMap((extension) => {
    const { contributes } = extension.packageJSON as {
      contributes?: { themes?: (Omit<ContributedTheme, 'file'> & { path?: string })[] };
    };
    return (contributes?.themes ?? []).map((theme) => ({
      ...theme,
      file: path.join(extension.extensionPath, theme.path ?? ''),
    }));
  });
}

/** The panel's strings in the editor's language. */
export function localisedPanelStrings(): Record<PanelStringKey, string> {
  const entries = Object.entries(panelStrings).map(([key, english]) => [
    key,
    vscode.l10n.t(english),
  ]);
  return Object.fromEntries(entries) as Record<PanelStringKey, string>;
}
