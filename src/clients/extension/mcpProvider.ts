/** Offers `nearmiss mcp` to the editor as a server that it may start, on its own Node and for the window's folders. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import { DisposableStore } from '../../base/lifecycle';
import { productVersion } from '../../base/installation';
import type { Services } from './services';

/** As package.json declares it. */
const providerId = 'nearmiss.mcp';

export function registerMcpProvider(
  { workspace, engineOptions, settings }: Services,
  extensionPath: string,
): vscode.Disposable {
  const store = new DisposableStore();
  const changed = store.add(new vscode.EventEmitter<void>());
  let last = '';
  const tellChange = (): void => {
    const now = JSON.stringify([engineOptions().dataFolder, foldersOf(workspace)]);
    if (now !== last) changed.fire();
    last = now;
  };
  store.add(workspace.onChange(tellChange));
  store.add(settings.onChange(tellChange));
  store.add(
    vscode.lm.registerMcpServerDefinitionProvider(providerId, {
      onDidChangeMcpServerDefinitions: changed.event,
      provideMcpServerDefinitions: () => {
        const folders = foldersOf(workspace);
        if (folders.length === 0) return [];
        const cli = path.join(extensionPath, 'dist', 'cli.js');
        const { dataFolder } = engineOptions();
        const args = folders.flatMap((folder) => ['--folder', folder]);
        return [
          new vscode.McpStdioServerDefinition(
            'Nearmiss',
            process.execPath,
            [cli, 'mcp', '--data', dataFolder, ...args],
            { ELECTRON_RUN_AS_NODE: '1', ORT_DISABLE_TELEMETRY: '1', NODE_OPTIONS: null },
            productVersion(),
          ),
        ];
      },
    }),
  );
  return store;
}

function foldersOf(workspace: Services['workspace']): string[] {
  return workspace.indexed.map((folder) => folder.path);
}
