/** Which folder of the window a command is for: the only one, or the one chosen from a list. */
import * as vscode from 'vscode';
import type { WorkspaceFolder } from './workspace';

export async function chooseFolder(
  folders: readonly WorkspaceFolder[],
  placeHolder: string,
): Promise<WorkspaceFolder | undefined> {
  if (folders.length <= 1) return folders[0];
  const items = folders.map((folder) => ({ label: folder.name, description: folder.path, folder }));
  return (await vscode.window.showQuickPick(items, { placeHolder }))?.folder;
}
