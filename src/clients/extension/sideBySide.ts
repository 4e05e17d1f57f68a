/** Two places of a folder beside one another in the editor, their lines chosen, while a list keeps the keyboard. */
import * as vscode from 'vscode';
import type { RankedPlace } from '../../protocol/learning';
import type { Services } from './services';

type Shown = Pick<Services, 'log' | 'reveal'>;

/** Without a left one the right one is shown alone. */
export async function showSideBySide(
  services: Shown,
  folder: string,
  { left, right }: { readonly left?: RankedPlace; readonly right: RankedPlace },
): Promise<void> {
  const { One, Two } = vscode.ViewColumn;
  if (left) await show(services, folder, left, One);
  await show(services, folder, right, left ? Two : One);
}

async function show(
  { log, reveal }: Shown,
  folder: string,
  { path, start, end }: RankedPlace,
  viewColumn: vscode.ViewColumn,
): Promise<void> {
  try {
    const selection = new vscode.Range(start, 0, Math.max(start, end - 1), 1000);
    const options = { viewColumn, selection, preview: true, preserveFocus: true };
    await vscode.window.showTextDocument(await reveal.documentOf({ folder, path }), options);
  } catch (error) {
    // The file may be gone; the row still says what it is.
    log.warn(`not shown: ${path}: ${String(error)}`);
  }
}
