/** Sets and takes back marks, remembers which was the last of this window, and says both in a sentence with an Undo. */
import * as vscode from 'vscode';
import { NearmissError } from '../../base/errors';
import type { Overlay } from '../../protocol/methods';
import type { MarkInfo, SourceSpan, Verdict } from '../../protocol/types';
import type { EngineHost } from './engineHost';
import { localised } from './engineSentences';
import { inMessage, nameAndSpan } from './hitText';
import type { WorkspaceHit } from './multiRoot';
import { overlaysOf } from './openBuffers';
import type { WorkspaceIndexes } from './workspace';

/** What a hit is an answer to: words, or a span whose like was looked for. */
export interface Question {
  readonly query: string;
  readonly source?: SourceSpan;
}

export type MarkableHit = Pick<WorkspaceHit, 'folder' | 'path' | 'start' | 'end' | 'rank'>;

/** What stood in no list of hits has no rank. */
type MarkablePlace = Omit<MarkableHit, 'rank'> & Partial<Pick<MarkableHit, 'rank'>>;

interface SetMark {
  readonly folder: string;
  readonly id: string;
}

export class Marking {
  private readonly told = new Set<string>();
  private readonly mine: SetMark[] = [];

  constructor(
    private readonly engine: EngineHost,
    private readonly workspace: WorkspaceIndexes,
  ) {}

  /** Settles when the mark is on the disk. */
  async set(hit: MarkablePlace, verdict: Verdict, question: Question): Promise<MarkInfo> {
    refuseUntrusted();
    const { folder, path, start, end, rank } = hit;
    const mark = await this.engine.call('addMark', {
      folder,
      ...aimOf(question),
      path,
      start,
      end,
      verdict,
      rank,
      overlays: buffersFor(hit, question),
    });
    this.mine.push({ folder, id: mark.id });
    return mark;
  }

  /** Opening counts as weak evidence where the user wants that; a failure is nobody's business. */
  noteOpened(hit: MarkableHit, question: Question): void {
    if (!vscode.workspace.isTrusted) return;
    const { folder, path, start, end, rank } = hit;
    this.engine
      .call('addMark', {
        folder,
        ...aimOf(question),
        path,
        start,
        end,
        verdict: 'relevant',
        rank,
        overlays: buffersFor(hit, question),
        isWeak: true,
      })
      .catch(() => undefined);
  }

  /** What was asked and found must not get worse by learning; a failure is nobody's business. */
  keepQuery({ folder, path, start, end }: MarkableHit, { query, source }: Question): void {
    if (source || !vscode.workspace.isTrusted) return;
    const params = { folder, query, hit: { path, start, end } };
    this.engine.call('keepQuery', params).catch(() => undefined);
  }

  /** Takes one mark back; false when somebody else has done so before. */
  async undo(folder: string, id: string): Promise<boolean> {
    return (await this.engine.call('undoMark', { folder, id })) !== null;
  }

  /** The last mark of this window, else the last one of all its folders; undefined when there is none. */
  async undoLast(): Promise<MarkInfo | undefined> {
    for (let last = this.mine.pop(); last; last = this.mine.pop()) {
      const undone = await this.engine.call('undoMark', last);
      if (undone) return undone;
    }
    const newest = (await this.all()).filter(({ mark }) => !mark.isWeak && !mark.author).at(-1);
    if (!newest) return undefined;
    const { folder, mark } = newest;
    return (await this.engine.call('undoMark', { folder, id: mark.id })) ?? undefined;
  }

  /** Marks of all folders, oldest first. */
  async all(): Promise<{ folder: string; mark: MarkInfo }[]> {
    const lists = await Promise.all(
      // Also of folders whose index was cleared: their marks are still there.
      this.workspace.folders.map(async ({ path: folder }) => {
        const { marks, problems } = await this.engine.ask('listMarks', { folder });
        problems.forEach((problem) => this.tellOnce(problem));
        return marks.map((mark) => ({ folder, mark }));
      }),
    );
    return lists.flat().sort((a, b) => (a.mark.time < b.mark.time ? -1 : 1));
  }

  /** What is wrong with a journal, a damaged line say. */
  private tellOnce(problem: string): void {
    if (this.told.has(problem)) return;
    this.told.add(problem);
    void vscode.window.showWarningMessage(inMessage(localised(problem, vscode.l10n.t)));
  }

  /** Sets a mark and says so, with a way back. */
  async setAndTell(hit: MarkableHit, verdict: Verdict, question: Question): Promise<void> {
    const mark = await this.set(hit, verdict, question);
    const undo = vscode.l10n.t('Undo');
    const name = inMessage(nameAndSpan(hit));
    const asked = inMessage(question.source?.path ?? question.query);
    const text =
      verdict === 'notRelevant'
        ? vscode.l10n.t('{0} counts as not relevant for "{1}" from now on', name, asked)
        : vscode.l10n.t('{0} counts as relevant for "{1}" from now on', name, asked);
    const chosen = await vscode.window.showInformationMessage(text, undo);
    if (chosen === undo) await this.undo(hit.folder, mark.id);
  }
}

function aimOf({ query, source }: Question): { query: string } | { source: SourceSpan } {
  if (!source) return { query };
  const { path, start, end } = source;
  return { source: { path, start, end } };
}

/** The buffers whose lines the mark names. */
function buffersFor({ folder, path }: MarkablePlace, { source }: Question): Overlay[] {
  return overlaysOf(folder).filter((each) => each.path === path || each.path === source?.path);
}

function refuseUntrusted(): void {
  if (vscode.workspace.isTrusted) return;
  throw new NearmissError(
    'permission',
    vscode.l10n.t(
      'In a folder that is not trusted Nearmiss only searches; marks wait for your trust',
    ),
  );
}
