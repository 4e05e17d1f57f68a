/** A hit handed to the editor's chat as a file with its lines; where there is no chat, to the clipboard. */
import * as vscode from 'vscode';
import type { RevealedHit } from './reveal';
import { uriOf } from './reveal';

const openChat = 'workbench.action.chat.open';

/** True when the editor has a chat that takes files. */
export async function hasChat(): Promise<boolean> {
  return (await vscode.commands.getCommands(true)).includes(openChat);
}

export async function addToChat(hit: RevealedHit): Promise<void> {
  // Lines of the chat's ranges count from 1, both included.
  const range = {
    startLineNumber: hit.start + 1,
    startColumn: 1,
    endLineNumber: hit.end,
    endColumn: Number.MAX_SAFE_INTEGER,
  };
  const attachFiles = [{ uri: uriOf(hit), range }];
  await vscode.commands.executeCommand(openChat, { query: '', isPartialQuery: true, attachFiles });
}
