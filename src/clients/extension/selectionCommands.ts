/** From the editor or the explorer to the panel: the like of a selection, its words, the hits of one folder. */
import * as vscode from 'vscode';
import { NearmissError } from '../../base/errors';
import type { PanelSource } from '../../protocol/panelMessages';
import { fileName, lineSpan } from './hitText';
import { pathInside } from './openBuffers';
import type { Services } from './services';

/** A selection is a hint, not an essay. */
const longestQuery = 1000;

/** Places like the selected lines, in the panel; without a selection like the lines around the caret. */
export async function findSimilarToSelection({ workspace, panel }: Services): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return;
  const { uri, lineCount } = editor.document;
  const folder = workspace.folderOf(uri);
  const path = folder && pathInside(folder.path, uri.fsPath);
  if (!folder || path === undefined || folder.state !== 'indexed')
    throw new NearmissError('outsideFolder', vscode.l10n.t('This file lies in no indexed folder'));
  const span = spanOf(editor.selection, lineCount);
  const label = `${fileName(path)}:${lineSpan(span)}`;
  const source: PanelSource = { folder: folder.path, path, ...span, label };
  await panel.focus();
  panel.bridge.showSimilar(source);
}

/** Searches for the selected words, or for the word at the caret, in the panel. */
export async function searchSelection({ panel }: Services): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return;
  const { document, selection } = editor;
  const range = selection.isEmpty
    ? document.getWordRangeAtPosition(selection.active)
    : new vscode.Range(selection.start, selection.end);
  const words = range && document.getText(range).replaceAll(/\s+/g, ' ').trim();
  if (!words) return;
  await panel.focus();
  panel.bridge.ask(words.slice(0, longestQuery));
}

/** The panel with a filter for the folder that was clicked in the explorer. */
export async function searchInFolder(
  { workspace, panel }: Services,
  given: unknown,
): Promise<void> {
  const uri = given instanceof vscode.Uri ? given : undefined;
  const folder = uri && workspace.folderOf(uri);
  const path = folder && pathInside(folder.path, uri.fsPath);
  await panel.focus();
  panel.bridge.ask(undefined, { paths: path === undefined ? [] : [path] });
}

/** Whole lines; a selection that ends at the start of a line does not mean that line. */
function spanOf(selection: vscode.Selection, lineCount: number): { start: number; end: number } {
  const { start, end } = selection;
  if (selection.isEmpty) return { start: start.line, end: Math.min(start.line + 1, lineCount) };
  const last = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
  return { start: start.line, end: last + 1 };
}
