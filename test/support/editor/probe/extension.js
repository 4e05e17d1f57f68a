// A second extension, for tests only: does what an agent of the editor does with tools, and writes down what came back.
// It also serves a folder that lies on no disk.
const vscode = require('vscode');
const fs = require('node:fs');
const path = require('node:path');

function fileBeside(name) {
  return path.join(path.dirname(vscode.workspace.workspaceFolders[0].uri.fsPath), name);
}

function answer(value) {
  // Renamed into place, so that nobody reads half of it.
  fs.writeFileSync(fileBeside('probe-draft.json'), JSON.stringify(value));
  fs.renameSync(fileBeside('probe-draft.json'), fileBeside('probe-result.json'));
}

/** A folder with one file that lies on no disk. */
const nowhere = {
  onDidChangeFile: new vscode.EventEmitter().event,
  watch: () => ({ dispose() {} }),
  stat(uri) {
    const isFolder = !uri.path.endsWith('.ts');
    const type = isFolder ? vscode.FileType.Directory : vscode.FileType.File;
    return { type, ctime: 0, mtime: 0, size: isFolder ? 0 : 20 };
  },
  readDirectory: () => [['cloud.ts', vscode.FileType.File]],
  readFile: () => new TextEncoder().encode('export const x = 1;\n'),
  createDirectory: refuse,
  writeFile: refuse,
  delete: refuse,
  rename: refuse,
};

function refuse(uri) {
  throw vscode.FileSystemError.NoPermissions(uri);
}

exports.activate = (context) => {
  context.subscriptions.push(
    vscode.workspace.registerFileSystemProvider('nowhere', nowhere, { isReadonly: true }),
  );
  context.subscriptions.push(
    vscode.commands.registerCommand('probe.listTools', () =>
      answer(vscode.lm.tools.map(({ name, description, tags }) => ({ name, description, tags }))),
    ),
    vscode.commands.registerCommand('probe.invokeTool', async () => {
      const { name, input } = JSON.parse(fs.readFileSync(fileBeside('probe-request.json'), 'utf8'));
      try {
        const result = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
        answer({ content: result.content.map((part) => part.value ?? part) });
      } catch (error) {
        answer({ error: String(error.message ?? error) });
      }
    }),
  );
};
