/** How far indexing is, in numbers that never promise more than is there. */
import type { FolderProgress, PanelStatus } from '../../protocol/panelMessages';

/** One tier of one folder: how much of what there is can be searched by it. */
export interface TierProgress {
  readonly tier: 'words' | 'static' | 'contextual';
  readonly done: number;
  readonly total: number;
}

/** Folders that are not complete, in their order. */
export function unfinished(status: PanelStatus): FolderProgress[] {
  return status.folders.filter((folder) => !folder.isComplete);
}

/** True while nobody knows yet whether anything is to be done, in a folder that has an index. */
export function isComparing({ state, wordDocumentCount }: FolderProgress): boolean {
  return (state === 'unknown' || state === 'scanning') && wordDocumentCount > 0;
}

/** Whole per cent; 100 only when everything is done. */
export function percentOf(folder: FolderProgress): number {
  const percent = Math.floor(Math.min(1, Math.max(0, folder.fraction)) * 100);
  return folder.isComplete ? 100 : Math.min(99, percent);
}

export function tiersOf(folder: FolderProgress): TierProgress[] {
  const { documentCount: total } = folder;
  return [
    { tier: 'words', done: folder.wordDocumentCount, total },
    { tier: 'static', done: folder.staticDocumentCount, total },
    { tier: 'contextual', done: folder.embeddedCount, total: folder.embeddableCount },
  ];
}

/** True when nothing can be found yet in any folder. */
export function isNothingIndexed(status: PanelStatus): boolean {
  return status.folders.every((folder) => folder.wordDocumentCount === 0);
}
