/**
 * The search of the command palette: a QuickPick whose rows are live hits. VS Code would filter and sort rows by how
 * their labels match what is typed; every row is shown always and sorting is off, so that the engine's order stands.
 */
import * as vscode from 'vscode';
import { isAbort, messageOf } from '../../base/errors';
import { type Disposable, DisposableStore, MutableDisposable } from '../../base/lifecycle';
import { debounce } from '../../base/queue';
import { localised } from './engineSentences';
import { tellFailure } from './failure';
import type { WorkspaceHit, WorkspaceResult } from './multiRoot';
import { type HitRow, hitRow } from './pickItems';
import type { WorkspaceQuery } from './searching';
import type { Services } from './services';

const previewAfterMs = 80;

type HitItem = vscode.QuickPickItem & HitRow & { readonly hit: WorkspaceHit };

/** `sortByLabel` is not in the published types, but every VS Code since 1.45 has it. */
type UnsortedPick = vscode.QuickPick<HitItem | vscode.QuickPickItem> & { sortByLabel?: boolean };

export class SearchPick implements Disposable {
  private readonly store = new DisposableStore();
  private readonly pick: UnsortedPick;
  private readonly asking = this.store.add(new MutableDisposable<Disposable>());
  private readonly toPanel: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('layout-sidebar-left'),
    tooltip: vscode.l10n.t('Show in the Nearmiss Panel'),
  };
  private readonly notRelevant: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('thumbsdown'),
    tooltip: vscode.l10n.t('Not relevant'),
  };
  private readonly relevant: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('thumbsup'),
    tooltip: vscode.l10n.t('Relevant'),
  };
  private readonly undo: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('discard'),
    tooltip: vscode.l10n.t('Undo'),
  };
  private readonly origin = vscode.window.activeTextEditor;
  private readonly originView = this.origin?.visibleRanges[0];
  private previewed: vscode.Uri | undefined;
  private previewing: Promise<void> | undefined;
  private isAccepted = false;
  private answered = '';

  constructor(
    private readonly services: Services,
    query = '',
  ) {
    this.pick = this.store.add(vscode.window.createQuickPick());
    this.pick.sortByLabel = false;
    this.pick.matchOnDescription = false;
    this.pick.matchOnDetail = false;
    this.pick.title = vscode.l10n.t('Nearmiss: Search Workspace');
    this.pick.placeholder = vscode.l10n.t('Say what you look for, in your own words');
    this.pick.buttons = [this.toPanel];
    const ask = this.store.add(
      debounce(() => void this.ask(), services.settings.get('search.delay')),
    );
    const preview = this.store.add(debounce(() => void this.preview(), previewAfterMs));
    this.store.add(this.pick.onDidChangeValue(() => ask.trigger()));
    this.store.add(this.pick.onDidChangeActive(() => preview.trigger()));
    this.store.add(this.pick.onDidAccept(() => void this.accept()));
    this.store.add(this.pick.onDidTriggerButton(() => void this.move()));
    this.store.add(
      this.pick.onDidTriggerItemButton(({ item, button }) => {
        if (isHit(item)) void tellFailure(services.log, () => this.mark(item.hit, button));
      }),
    );
    this.store.add(this.pick.onDidHide(() => void this.end()));
    this.pick.value = query;
    this.pick.show();
    if (query !== '') ask.trigger();
  }

  dispose(): void {
    this.store.dispose();
  }

  private async ask(): Promise<void> {
    const query = this.pick.value.trim();
    const controller = new AbortController();
    this.asking.value = { dispose: () => controller.abort() };
    if (query === '') {
      this.pick.items = [];
      this.pick.busy = false;
      return;
    }
    this.pick.busy = true;
    try {
      const { signal } = controller;
      const show = (result: WorkspaceResult): void => {
        if (!signal.aborted) this.show(result);
      };
      show(await this.services.searching.search(this.wholeQuery(query), signal, show));
    } catch (error) {
      if (isAbort(error) || controller.signal.aborted) return;
      const said = localised(messageOf(error), vscode.l10n.t);
      this.pick.items = [{ label: said, alwaysShow: true }];
    }
    if (!controller.signal.aborted) this.pick.busy = false;
  }

  private wholeQuery(query: string): WorkspaceQuery {
    const { settings } = this.services;
    const rerank = settings.get('search.rerank');
    return { query, limit: settings.get('search.hitCount'), rerank };
  }

  private show(result: WorkspaceResult): void {
    this.services.cursor.follow(result);
    const isMultiRoot = (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
    const rows = result.hits.map((hit): HitItem => {
      const buttons = hit.mark?.similarity === 1 ? [this.undo] : [this.notRelevant, this.relevant];
      return { ...hitRow(hit, result.query, isMultiRoot), hit, buttons };
    });
    const active = this.pick.activeItems[0];
    // While the answer to one question becomes better, the row that is looked at stays the active one.
    const kept =
      this.answered === result.query && active && isHit(active)
        ? rows.find(({ hit }) => isSameHit(hit, active.hit))
        : undefined;
    this.answered = result.query;
    this.pick.keepScrollPosition = kept !== undefined;
    this.pick.items = [...this.notice(result), ...rows];
    const chosen = kept ?? rows[0];
    if (chosen) this.pick.activeItems = [chosen];
  }

  /** A line above weak hits, or in place of none. */
  private notice({ hits, notes, noGoodMatch }: WorkspaceResult): vscode.QuickPickItem[] {
    const { t } = vscode.l10n;
    if (hits.length === 0)
      return [
        { label: t('No hits'), detail: [...notes, ...this.hints()].join(' '), alwaysShow: true },
      ];
    if (!noGoodMatch) return [];
    return [{ label: t('No good match'), kind: vscode.QuickPickItemKind.Separator }];
  }

  private hints(): string[] {
    const { indexed } = this.services.workspace;
    if (indexed.length === 0) return [vscode.l10n.t('Nothing indexed yet')];
    if (indexed.every(({ status }) => status?.isComplete)) return [];
    return [vscode.l10n.t('Indexing goes on; more can be found in a moment.')];
  }

  private async preview(): Promise<void> {
    const active = this.pick.activeItems[0];
    if (!active || !isHit(active) || this.store.isDisposed) return;
    this.previewing = this.showPreview(active.hit);
    await this.previewing;
  }

  private async showPreview(hit: WorkspaceHit): Promise<void> {
    const editor = await this.services.reveal.reveal(hit, 'preview');
    const { uri } = editor?.document ?? {};
    // What was open before, be it in a preview tab, is not for us to close.
    if (uri && uri.toString() !== this.origin?.document.uri.toString()) this.previewed = uri;
  }

  private async accept(): Promise<void> {
    const active = this.pick.activeItems[0];
    if (!active || !isHit(active)) return;
    this.isAccepted = true;
    const query = this.pick.value.trim();
    this.pick.hide();
    this.services.opened(active.hit, { query });
    await this.services.reveal.reveal(active.hit, 'open');
  }

  /** The order changes at once; the list stays open. */
  private async mark(hit: WorkspaceHit, button: vscode.QuickInputButton): Promise<void> {
    const { marking } = this.services;
    const question = { query: this.answered };
    if (button !== this.undo)
      await marking.set(hit, button === this.relevant ? 'relevant' : 'notRelevant', question);
    else if (hit.mark) await marking.undo(hit.folder, hit.mark.id);
    await this.ask();
  }

  private async move(): Promise<void> {
    this.isAccepted = true;
    const query = this.pick.value.trim();
    this.pick.hide();
    const { panel } = this.services;
    await panel.focus();
    if (query !== '') panel.bridge.ask(query);
  }

  /** Without a choice the editor is put back as it was. */
  private async end(): Promise<void> {
    this.dispose();
    if (this.isAccepted) return;
    // One that is still on its way would come after the editor was put back.
    await this.previewing;
    this.services.reveal.clear();
    await closePreview(this.previewed);
    if (!this.origin || vscode.window.activeTextEditor === this.origin) return;
    const { document, viewColumn, selection } = this.origin;
    const editor = await vscode.window.showTextDocument(document, { viewColumn, selection });
    if (this.originView) editor.revealRange(this.originView, vscode.TextEditorRevealType.AtTop);
  }
}

/** The tab that showed hits, if it is still a preview and was not there before. */
async function closePreview(previewed: vscode.Uri | undefined): Promise<void> {
  const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
  const isOurs =
    tab?.isPreview === true &&
    tab.input instanceof vscode.TabInputText &&
    tab.input.uri.toString() === previewed?.toString();
  if (tab && isOurs) await vscode.window.tabGroups.close(tab);
}

function isHit(item: HitItem | vscode.QuickPickItem): item is HitItem {
  return 'hit' in item;
}

function isSameHit(a: WorkspaceHit, b: WorkspaceHit): boolean {
  return a.folder === b.folder && a.path === b.path && a.start === b.start;
}
