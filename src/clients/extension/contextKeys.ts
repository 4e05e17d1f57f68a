/** What `when` clauses of the manifest ask: only changes are told, because each one redraws menus. */
import * as vscode from 'vscode';
import type { WorkspaceIndexes } from './workspace';

type Key =
  | 'nearmiss.isPaused'
  | 'nearmiss.isLearning'
  | 'nearmiss.hasDeclinedFolder'
  | 'nearmiss.hasHits'
  | 'nearmiss.hasOpenedHit';

const told = new Map<Key, boolean>();

export function setContextKey(key: Key, value: boolean): void {
  if (told.get(key) === value) return;
  told.set(key, value);
  void vscode.commands.executeCommand('setContext', key, value);
}

/** Follows the folders of the window. */
export function followFolders(workspace: WorkspaceIndexes): vscode.Disposable {
  return workspace.onChange(() => {
    const { folders } = workspace;
    setContextKey(
      'nearmiss.isPaused',
      folders.some(({ status }) => status?.state === 'paused'),
    );
    setContextKey(
      'nearmiss.hasDeclinedFolder',
      folders.some(({ state }) => state === 'declined'),
    );
  });
}
