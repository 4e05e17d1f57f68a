/** What the panel asks of the extension, answered by the same services that palette and commands use. */
import * as vscode from 'vscode';
import type {
  PanelCommand,
  PanelFilters,
  PanelHit,
  PanelMark,
  PanelOptions,
  PanelStatus,
  PanelVerdict,
} from '../../protocol/panelMessages';
import { addToChat, hasChat } from './addToChat';
import { localised, localisedText, ruleLabel } from './engineSentences';
import { showError } from './failure';
import { findPlace } from './movedSpan';
import type { WorkspaceHit, WorkspaceResult } from './multiRoot';
import {
  type OpenMode,
  type PanelAnswer,
  type PanelBackend,
  type PanelQuery,
  toPanelHit,
} from './panelBridge';
import { localisedPanelStrings } from './panelHost';
import { panelStatus } from './panelStatus';
import type { Services } from './services';

const historyKey = 'nearmiss.history';
const mostHistory = 50;

/** What was searched for in the panel of this workspace, newest first. */
export function typedQueries(memory: vscode.Memento): string[] {
  return memory.get<string[]>(historyKey, []);
}

export async function forgetTypedQueries(memory: vscode.Memento): Promise<void> {
  await memory.update(historyKey, undefined);
}

const commandIds: Readonly<Record<PanelCommand, string>> = {
  openFolder: 'workbench.action.files.openFolder',
  manageTrust: 'workbench.trust.manage',
  restartEngine: 'nearmiss.restartEngine',
  confirmIndex: 'nearmiss.indexFolder',
  pause: 'nearmiss.pauseIndexing',
  resume: 'nearmiss.resumeIndexing',
  showLog: 'nearmiss.showLog',
  showStatus: 'nearmiss.showStatus',
  showMarks: 'nearmiss.showMarks',
  whyNotFound: 'nearmiss.whyNotFound',
  runDoctor: 'nearmiss.runDoctor',
  openSettings: 'nearmiss.openSettings',
};

/** The parts that exist before the panel does. */
export type BackendServices = Omit<Services, 'panel'>;

export class ExtensionBackend implements PanelBackend {
  private hasChat = false;

  constructor(
    private readonly services: BackendServices,
    private readonly memory: vscode.Memento,
  ) {}

  /** Looks whether the editor has a chat to add hits to. */
  async findChat(): Promise<void> {
    this.hasChat = await hasChat();
  }

  async search(
    query: PanelQuery,
    onFirst: (answer: PanelAnswer) => void,
    signal: AbortSignal,
  ): Promise<PanelAnswer> {
    const { searching, settings } = this.services;
    if (query.source) {
      const { folder, path, start, end } = query.source;
      const request = { folder, path, start, end, limit: query.limit };
      return this.toAnswer(await searching.similar(request, signal));
    }
    const { filters, ...rest } = query;
    const { languages, paths, kinds, changedOnly } = filters;
    const rerank = rest.rerank && settings.get('search.rerank');
    const asked = { ...rest, rerank, languages, paths, kinds, changedOnly };
    const first = (result: WorkspaceResult): void => onFirst(this.toAnswer(result));
    return this.toAnswer(await searching.search(asked, signal, first));
  }

  async mark(hit: PanelHit, verdict: PanelVerdict, query: PanelQuery): Promise<PanelMark> {
    const { id } = await this.services.marking.set(hit, verdict, query);
    return { id, verdict, similarity: 1 };
  }

  async undo(markId: string | undefined, hit: PanelHit | undefined): Promise<void> {
    const { marking } = this.services;
    const id = markId ?? hit?.mark?.id;
    if (hit && id !== undefined) await marking.undo(hit.folder, id);
    else await marking.undoLast();
  }

  async open(hit: PanelHit, mode: OpenMode, query: PanelQuery): Promise<void> {
    const { reveal, opened } = this.services;
    if (mode === 'chat') return addToChat(hit);
    if (mode !== 'preview') opened(hit, query);
    await reveal.reveal(hit, mode);
  }

  async textOf(hit: PanelHit): Promise<string> {
    const document = await this.services.reveal.documentOf(hit);
    const lines = document.getText().split(/\r\n|\r|\n/);
    const { start, end } = findPlace(lines, hit);
    return lines.slice(start, end).join('\n');
  }

  async copy(text: string): Promise<void> {
    await vscode.env.clipboard.writeText(text);
  }

  async showSearchEditor(content: string): Promise<void> {
    const document = await vscode.workspace.openTextDocument({
      language: 'search-result',
      content,
    });
    await vscode.window.showTextDocument(document);
  }

  async searchNatively(query: string, filters: PanelFilters): Promise<void> {
    await vscode.commands.executeCommand('workbench.action.findInFiles', {
      query,
      filesToInclude: filters.paths.join(', '),
      triggerSearch: true,
      isRegex: false,
    });
  }

  async run(command: PanelCommand): Promise<void> {
    await vscode.commands.executeCommand(commandIds[command]);
  }

  saveHistory(entries: readonly string[]): void {
    void this.memory.update(historyKey, entries.slice(0, mostHistory));
  }

  options(): PanelOptions {
    const { settings } = this.services;
    return {
      strings: localisedPanelStrings(),
      locale: vscode.env.language,
      isMac: process.platform === 'darwin',
      hasChat: this.hasChat,
      previewOnHover: settings.get('search.previewOnHover'),
      pageSize: settings.get('search.hitCount'),
      history: typedQueries(this.memory),
    };
  }

  status(): PanelStatus {
    const { engine, workspace } = this.services;
    const { isTrusted, workspaceFolders } = vscode.workspace;
    const window = { isTrusted, openFolderCount: workspaceFolders?.length ?? 0 };
    return panelStatus(engine.state, workspace.folders, window, vscode.l10n.t);
  }

  onShown(hitCount: number): void {
    this.services.cursor.followPanel(hitCount);
  }

  localised(...sentences: string[]): string {
    return localisedText(sentences, vscode.l10n.t);
  }

  complain(error: unknown): void {
    void showError(error);
  }

  private toAnswer({ hits, noGoodMatch, notes, tookMs }: WorkspaceResult): PanelAnswer {
    const isMultiRoot = this.services.workspace.folders.length > 1;
    const { t } = vscode.l10n;
    const toHit = ({ folder, folderName, ...hit }: WorkspaceHit): PanelHit => {
      const { explain, ...shown } = toPanelHit(hit, folder, isMultiRoot ? folderName : undefined);
      const parts = explain?.map((part) => ({
        ...part,
        label: ruleLabel(part.name, t),
        text: localised(part.text, t),
      }));
      return { ...shown, explain: parts };
    };
    const said = notes.map((note) => localised(note, t));
    return { hits: hits.map(toHit), noGoodMatch, notes: said, tookMs: tookMs.total ?? 0 };
  }
}
