/** A query to all folders of the window at once, and their answers as one list. First hits come as soon as all have some. */
import { isAbort } from '../../base/errors';
import { type Disposable } from '../../base/lifecycle';
import type { SearchParams } from '../../protocol/methods';
import type { SearchResult } from '../../protocol/types';
import type { EngineHost } from './engineHost';
import { type FolderAnswer, mergeAnswers, type WorkspaceResult } from './multiRoot';

/** What is asked; the folder comes from the workspace, the rest from settings and filters. */
export interface WorkspaceQuery extends Omit<SearchParams, 'folder' | 'ticket' | 'explain'> {
  /** Only in this workspace folder. */
  readonly folder?: string;
}

export interface SearchedFolder {
  readonly path: string;
  readonly name: string;
}

export class WorkspaceSearch implements Disposable {
  private readonly waiting = new Map<number, (result: SearchResult) => void>();
  private readonly listening: Disposable;
  private lastTicket = 0;

  constructor(
    private readonly engine: EngineHost,
    private readonly folders: () => readonly SearchedFolder[],
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
    const folders = this.folders().filter(({ path }) => !query.folder || path === query.folder);
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
    return this.gather(query, settled);
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
      const params: SearchParams = { ...query, folder, ticket, explain: true };
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
