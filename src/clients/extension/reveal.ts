/** Opens a hit at its span: in a preview tab, for good, or to the side; says so when the text has moved since. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore, MutableDisposable } from '../../base/lifecycle';
import { isConvertedFile } from '../../protocol/convertedFiles';
import type { ConvertedText } from './convertedText';
import { fileName, inMessage, lineSpan } from './hitText';
import { findPlace, type FoundPlace, type HitPlace } from './movedSpan';
import type { WorkspaceHit } from './multiRoot';

/** What is needed of a hit to open it. */
export type RevealedHit = HitPlace & Pick<WorkspaceHit, 'folder' | 'path' | 'page'>;

/** `preview` leaves the focus where it is; `open` takes it; `side` takes it in a column beside. */
export type RevealMode = 'preview' | 'open' | 'side';

const toldForMs = 8000;

export class HitReveal implements Disposable {
  private readonly store = new DisposableStore();
  private readonly highlight = this.store.add(
    new MutableDisposable<vscode.TextEditorDecorationType>(),
  );
  private shown: vscode.TextEditor | undefined;

  constructor(private readonly texts: Pick<ConvertedText, 'open'>) {
    this.highlight.value = makeHighlight(vscode.window.activeColorTheme);
    this.store.add(
      vscode.window.onDidChangeActiveColorTheme((theme) => {
        this.highlight.value = makeHighlight(theme);
      }),
    );
    // A click or an edit elsewhere means that the reader has moved on.
    this.store.add(
      vscode.window.onDidChangeTextEditorSelection(({ textEditor, kind }) => {
        if (textEditor === this.shown && kind !== undefined) this.clear();
      }),
    );
  }

  /** The editor that shows it; undefined when the file is gone, which has been said then. */
  async reveal(hit: RevealedHit, mode: RevealMode): Promise<vscode.TextEditor | undefined> {
    if (isConvertedFile(hit.path)) return this.revealText(hit, mode);
    const uri = uriOf(hit);
    const document = await openIfThere(uri);
    if (!document) return this.tellGone(hit, mode);
    const place = placeIn(document, hit);
    const editor = await this.show(document, place, mode);
    tellMoved(hit, place, mode);
    return editor;
  }

  /** The text of a PDF or office file at the hit, and on which page that is. */
  private async revealText(
    hit: RevealedHit,
    mode: RevealMode,
  ): Promise<vscode.TextEditor | undefined> {
    const document = await this.texts.open(hit);
    const editor = await this.show(document, placeIn(document, hit), mode);
    tellPage(hit, mode);
    return editor;
  }

  /** The document whose lines are those of hits in it: of a PDF or office file, its text. Rejects where it is gone. */
  async documentOf(place: Pick<WorkspaceHit, 'folder' | 'path'>): Promise<vscode.TextDocument> {
    if (isConvertedFile(place.path)) return this.texts.open(place);
    return vscode.workspace.openTextDocument(uriOf(place));
  }

  /** Takes the highlight away. */
  clear(): void {
    if (this.highlight.value) this.shown?.setDecorations(this.highlight.value, []);
    this.shown = undefined;
  }

  dispose(): void {
    this.store.dispose();
  }

  private async show(
    document: vscode.TextDocument,
    { start, end }: FoundPlace,
    mode: RevealMode,
  ): Promise<vscode.TextEditor> {
    const last = document.lineAt(Math.min(end, document.lineCount) - 1);
    const range = new vscode.Range(new vscode.Position(start, 0), last.range.end);
    this.clear();
    const editor = await vscode.window.showTextDocument(document, {
      preview: mode === 'preview',
      preserveFocus: mode === 'preview',
      viewColumn: mode === 'side' ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active,
      selection: new vscode.Range(range.start, range.start),
    });
    const fits = end - start < visibleLineCount(editor);
    editor.revealRange(
      range,
      fits
        ? vscode.TextEditorRevealType.InCenterIfOutsideViewport
        : vscode.TextEditorRevealType.AtTop,
    );
    if (this.highlight.value) editor.setDecorations(this.highlight.value, [range]);
    this.shown = editor;
    return editor;
  }

  /** A file of that name with the same text elsewhere is the same file, moved. */
  private async tellGone(
    hit: RevealedHit,
    mode: RevealMode,
  ): Promise<vscode.TextEditor | undefined> {
    const name = hit.path.slice(hit.path.lastIndexOf('/') + 1);
    const escaped = name.replaceAll(/[[\]{}*?]/g, '[$&]');
    const pattern = new vscode.RelativePattern(vscode.Uri.file(hit.folder), `**/${escaped}`);
    for (const uri of await vscode.workspace.findFiles(pattern, undefined, 20)) {
      const document = await openIfThere(uri);
      const place = document && findPlace(document.getText().split(/\r\n|\r|\n/), hit);
      if (!document || !place || place.how === 'gone') continue;
      const where = inMessage(vscode.workspace.asRelativePath(uri));
      void vscode.window.showInformationMessage(
        vscode.l10n.t('{0} is gone; {1} has the nearest match', inMessage(hit.path), where),
      );
      return this.show(document, place, mode);
    }
    void vscode.window.showWarningMessage(
      vscode.l10n.t('{0} was removed since it was indexed', inMessage(hit.path)),
    );
    return undefined;
  }
}

/** Where the hit is by now. The text of a page in HTML is not how its lines read in the file. */
function placeIn(document: vscode.TextDocument, hit: RevealedHit): FoundPlace {
  const place = findPlace(document.getText().split(/\r\n|\r|\n/), hit);
  if (place.how === 'same' || place.how === 'moved' || document.languageId !== 'html') return place;
  const end = Math.min(hit.end, document.lineCount);
  return { start: Math.min(hit.start, end - 1), end, how: 'same' };
}

/** Says which page is shown as text, and once it is opened for good offers the file itself. */
function tellPage(hit: RevealedHit, mode: RevealMode): void {
  const { t } = vscode.l10n;
  const file = inMessage(fileName(hit.path));
  const text =
    hit.page === undefined ? t('{0} as text', file) : t('Page {0} of {1}, as text', hit.page, file);
  if (mode === 'preview')
    return void vscode.window.setStatusBarMessage(`$(info) ${text}`, toldForMs);
  const open = t('Open the File');
  void vscode.window.showInformationMessage(text, open).then((answer) => {
    if (answer !== open) return;
    const fragment = hit.page === undefined ? '' : `page=${hit.page}`;
    void vscode.commands.executeCommand('vscode.open', uriOf(hit).with({ fragment }));
  });
}

/** High contrast themes have no background for it, but a border. */
function makeHighlight({ kind }: vscode.ColorTheme): vscode.TextEditorDecorationType {
  const { HighContrast, HighContrastLight } = vscode.ColorThemeKind;
  const isContrast = kind === HighContrast || kind === HighContrastLight;
  const border = {
    border: '1px dashed',
    borderColor: new vscode.ThemeColor('contrastActiveBorder'),
  };
  return vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('editor.rangeHighlightBackground'),
    overviewRulerColor: new vscode.ThemeColor('editorOverviewRuler.rangeHighlightForeground'),
    overviewRulerLane: vscode.OverviewRulerLane.Full,
    ...(isContrast ? border : {}),
  });
}

/** The file that a hit lies in. */
export function uriOf({ folder, path }: Pick<WorkspaceHit, 'folder' | 'path'>): vscode.Uri {
  return vscode.Uri.joinPath(vscode.Uri.file(folder), ...path.split('/'));
}

/** In the status bar while one only looks, in a message once the hit is opened for good. */
function tellMoved(hit: RevealedHit, place: FoundPlace, mode: RevealMode): void {
  if (place.how === 'same') return;
  const lines = lineSpan(place);
  const path = inMessage(hit.path);
  if (place.how === 'moved')
    return void vscode.window.setStatusBarMessage(
      `$(info) ${vscode.l10n.t('The text has moved to line {0}', lines)}`,
      toldForMs,
    );
  const text =
    place.how === 'changed'
      ? vscode.l10n.t('{0} has changed since; line {1} is the nearest match', path, lines)
      : vscode.l10n.t('{0} has changed since, and the hit is no longer in it', path);
  if (mode === 'preview') vscode.window.setStatusBarMessage(`$(info) ${text}`, toldForMs);
  else void vscode.window.showInformationMessage(text);
}

async function openIfThere(uri: vscode.Uri): Promise<vscode.TextDocument | undefined> {
  try {
    // An open editor would keep the text of a file that was removed.
    await vscode.workspace.fs.stat(uri);
    return await vscode.workspace.openTextDocument(uri);
  } catch {
    // Gone, or not text any more: the caller says so.
    return undefined;
  }
}

function visibleLineCount(editor: vscode.TextEditor): number {
  const [range] = editor.visibleRanges;
  return range ? range.end.line - range.start.line : 30;
}
