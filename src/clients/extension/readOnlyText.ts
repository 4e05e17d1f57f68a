/** Reports (doctor, status) as pages of text that cannot be edited and need not be saved. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../../base/lifecycle';

const scheme = 'nearmiss';

export class ReadOnlyText implements vscode.TextDocumentContentProvider, Disposable {
  private readonly store = new DisposableStore();
  private readonly texts = new Map<string, string>();
  private readonly changed = this.store.add(new vscode.EventEmitter<vscode.Uri>());
  readonly onDidChange = this.changed.event;

  constructor() {
    this.store.add(vscode.workspace.registerTextDocumentContentProvider(scheme, this));
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? '';
  }

  /** Shows a page of this name; `write` replaces its text from then on. */
  async show(name: string, text: string): Promise<(text: string) => void> {
    const uri = vscode.Uri.from({ scheme, path: `/${name}` });
    const write = (next: string): void => {
      this.texts.set(uri.path, next);
      this.changed.fire(uri);
    };
    write(text);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true });
    return write;
  }

  dispose(): void {
    this.store.dispose();
  }
}
