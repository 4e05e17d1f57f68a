/** Unsaved text of this window: what a search reads in place of the stored text of those files. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Overlay } from '../../protocol/methods';

/** Larger texts would make every search slow; the engine skips such files too. */
const longestText = 1_000_000;
const mostOverlays = 50;

/** Edited, unsaved files inside a folder; the text is what the editor shows. */
export function overlaysOf(folder: string): Overlay[] {
  return vscode.workspace.textDocuments
    .filter((document) => document.isDirty && document.uri.scheme === 'file')
    .flatMap((document) => {
      const relative = pathInside(folder, document.uri.fsPath);
      if (relative === undefined) return [];
      const text = document.getText();
      return text.length <= longestText ? [{ path: relative, text }] : [];
    })
    .slice(0, mostOverlays);
}

/** The lines of a span, where the file has unsaved changes; undefined where the stored text holds. */
export function unsavedText(uri: vscode.Uri, start: number, end: number): string | undefined {
  const document = vscode.workspace.textDocuments.find(
    (open) => open.isDirty && open.uri.toString() === uri.toString(),
  );
  return document?.getText(new vscode.Range(start, 0, end, 0));
}

/** Relative with `/`, or undefined for what lies outside. */
export function pathInside(folder: string, file: string): string | undefined {
  const relative = path.relative(folder, file);
  if (relative === '' || relative.startsWith('..') || path.isAbsolute(relative)) return undefined;
  return relative.split(path.sep).join('/');
}
