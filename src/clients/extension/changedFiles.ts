/** Files that differ from the last commit, as the editor's own git extension knows them, and unsaved ones. */
import * as vscode from 'vscode';
import { pathInside } from './openBuffers';

/** The little of the git extension's interface that is used here. */
interface GitChange {
  readonly uri: vscode.Uri;
}
interface GitRepository {
  readonly state: Readonly<
    Partial<
      Record<
        'workingTreeChanges' | 'indexChanges' | 'mergeChanges' | 'untrackedChanges',
        readonly GitChange[]
      >
    >
  >;
}
interface GitExtension {
  getAPI(version: 1): { readonly repositories: readonly GitRepository[] };
}

/** Paths relative to the folder, each once. Without git only unsaved files count as changed. */
export async function changedPaths(folder: string): Promise<string[]> {
  const unsaved = vscode.workspace.textDocuments.filter(({ isDirty }) => isDirty);
  const uris = [...(await gitChanges()), ...unsaved.map(({ uri }) => uri)];
  const paths = uris.flatMap((uri) =>
    uri.scheme === 'file' ? (pathInside(folder, uri.fsPath) ?? []) : [],
  );
  return [...new Set(paths)];
}

async function gitChanges(): Promise<vscode.Uri[]> {
  const extension = vscode.extensions.getExtension<GitExtension>('vscode.git');
  if (!extension) return [];
  try {
    const git = extension.isActive ? extension.exports : await extension.activate();
    return git
      .getAPI(1)
      .repositories.flatMap(({ state }) =>
        [
          state.workingTreeChanges,
          state.indexChanges,
          state.mergeChanges,
          state.untrackedChanges,
        ].flatMap((changes) => (changes ?? []).map(({ uri }) => uri)),
      );
  } catch {
    // Switched off by `git.enabled`: then no file is known to be changed.
    return [];
  }
}
