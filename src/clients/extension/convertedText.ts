/** The text that the index holds of PDF and office files, as documents that cannot be edited. */
import * as vscode from 'vscode';
import { NearmissError } from '../../base/errors';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import { localised } from './engineSentences';
import type { EngineHost } from './engineHost';

const scheme = 'nearmiss-text';
/** More lines than any document gives. */
const allLines = 10_000_000;

export class ConvertedText implements vscode.TextDocumentContentProvider, Disposable {
  private readonly store = new DisposableStore();
  private readonly changed = this.store.add(new vscode.EventEmitter<vscode.Uri>());
  readonly onDidChange = this.changed.event;

  constructor(private readonly engine: EngineHost) {
    this.store.add(vscode.workspace.registerTextDocumentContentProvider(scheme, this));
  }

  /** Folder and path are in the address, so that a window that is opened again finds them. */
  async provideTextDocumentContent({ path, query: folder }: vscode.Uri): Promise<string> {
    const span = { start: 0, end: allLines };
    try {
      return (await this.engine.ask('readSpan', { folder, path: path.slice(1), ...span })).text;
    } catch (error) {
      if (!(error instanceof NearmissError)) throw error;
      // The editor shows it as it is thrown.
      const text = localised(error.message, vscode.l10n.t);
      throw new NearmissError(error.code, text, error.advice, { cause: error });
    }
  }

  /** The document of now; rejects when the file is not in the index any more. */
  async open({ folder, path }: { folder: string; path: string }): Promise<vscode.TextDocument> {
    const uri = vscode.Uri.from({ scheme, path: `/${path}`, query: folder });
    this.changed.fire(uri);
    return vscode.workspace.openTextDocument(uri);
  }

  dispose(): void {
    this.store.dispose();
  }
}
