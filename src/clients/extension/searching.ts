/** A query to all folders of the window at once, and their answers as one list. First hits come as soon as all have some. */
import { isAbort } from '../../base/errors';
import { type Disposable } from '../../base/lifecycle';
import type { SearchParams, SimilarParams } from '../../protocol/methods';
import type { SearchResult } from '../../protocol/types';
import type { EngineHost } from './engineHost';
import { type FolderAnswer, mergeAnswers, type WorkspaceResult } from './multiRoot';

/** A person waits: the re-ranker reads what fits into this. */
const rerankBudgetMs = 250;

/** What is asked; folders, unsaved text and changed files are added for each folder. */
export interface WorkspaceQuery extends Pick<
  SearchParams,
  'query' | 'limit' | 'rerank' | 'paths' | 'languages' | 'kinds' | 'budgetTokens'
> {
  /** Only files that differ from the last commit. */
  readonly changedOnly?: boolean;
}

export interface SearchedFolder {
  readonly path: string;
  readonly name: string;
}

/** What searches need of the window. */
export interface SearchedWindow {
  readonly folders: () => readonly SearchedFolder[];
  /** Unsaved text inside a folder. */
  readonly overlays: (folder: string) => SearchParams['overlays'];
  readonly changedPaths: (folder: string) => Promise<readonly string[]>;
  /** The lines of a span where they are unsaved. */
  readonly unsavedText: (
    folder: string,
    span: Pick<SimilarParams, 'path' | 'start' | 'end'>,
  ) => string | undefined;
  /** To be told of every question that was answered to its end. */
  readonly answered?: (query: string, folder: string | undefined) => void;
}

export class WorkspaceSearch implements Disposable {
  private readonly waiting = new Map<number, (result: SearchResult) => void>();
  private readonly listening: Disposable;
  private lastTicket = 0;

  constructor(
    private readonly engine: EngineHost,
    private readonly window: SearchedWindow,
  ) {
    this.listening = engine.on('firstHits', ({ ticket, result }) =>
      this.waiting.get(ticket)?.(result),
    );
  }

  /**
   * The hits of all folders. `onFirst` gets fused hits before the re-ranked ones, never after them. A folder that
   * cannot answer becomes a note; when none can, the first error is thrown.
   */
  async search(
    query: WorkspaceQuery,
    signal: AbortSignal,
    onFirst?: (result: WorkspaceResult) => void,
  ): Promise<WorkspaceResult> {
    const folders = this.window.folders();
    const early = new Map<string, FolderAnswer>();
    let finalCount = 0;
    const tellEarly = (answer: FolderAnswer): void => {
      early.set(answer.folder, answer);
      if (signal.aborted || early.size < folders.length || finalCount === folders.length) return;
      onFirst?.(mergeAnswers(query.query, [...early.values()], query.limit));
    };
    const settled = await Promise.allSettled(
      folders.map(async (folder) => {
        const answer = await this.searchFolder(folder, query, signal, tellEarly);
        finalCount++;
        tellEarly(answer);
        return answer;
      }),
    );
    const result = this.gather(query, settled);
    if (!signal.aborted) this.window.answered?.(query.query, folders[0]?.path);
    return result;
  }

  /** Places like a span of one folder. */
  async similar(
    span: Omit<SimilarParams, 'explain' | 'text'>,
    signal: AbortSignal,
  ): Promise<WorkspaceResult> {
    const { folder } = span;
    const text = this.window.unsavedText(folder, span);
    const result = await this.engine.ask('similar', { ...span, text, explain: true }, signal);
    const folderName = this.window.folders().find(({ path }) => path === folder)?.name ?? '';
    return mergeAnswers(result.query, [{ folder, folderName, result }], span.limit);
  }

  dispose(): void {
    this.listening.dispose();
    this.waiting.clear();
  }

  private async searchFolder(
    { path: folder, name: folderName }: SearchedFolder,
    query: WorkspaceQuery,
    signal: AbortSignal,
    onFirst: (answer: FolderAnswer) => void,
  ): Promise<FolderAnswer> {
    const ticket = ++this.lastTicket;
    this.waiting.set(ticket, (result) => onFirst({ folder, folderName, result }));
    try {
      const { changedOnly, ...asked } = query;
      const onlyPaths = changedOnly ? await this.window.changedPaths(folder) : undefined;
      const overlays = this.window.overlays(folder);
      const always = { budgetMs: rerankBudgetMs, explain: true };
      const params = { ...asked, ...always, folder, ticket, onlyPaths, overlays };
      const result = await this.engine.ask('search', params, signal);
      return { folder, folderName, result };
    } finally {
      this.waiting.delete(ticket);
    }
  }

  private gather(
    query: WorkspaceQuery,
    settled: readonly PromiseSettledResult<FolderAnswer>[],
  ): WorkspaceResult {
    const errors = settled.flatMap((one) =>
      one.status === 'rejected' ? [one.reason as Error] : [],
    );
    const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const aborted = errors.find(isAbort);
    if (aborted) throw aborted;
    if (answers.length === 0 && errors[0]) throw errors[0];
    const merged = mergeAnswers(query.query, answers, query.limit);
    return { ...merged, notes: [...merged.notes, ...errors.map(({ message }) => message)] };
  }
}
