/** Two places of a folder beside one another in the editor, their lines chosen, while a list keeps the keyboard. */
import * as vscode from 'vscode';
import type { RankedPlace } from '../../protocol/learning';
import type { Services } from './services';

type Shown = Pick<Services, 'log' | 'reveal'>;

/** From left to right, as far as there are any. */
export async function showSideBySide(
  services: Shown,
  folder: string,
  places: readonly (RankedPlace | undefined)[],
): Promise<void> {
  const { One, Two, Three } = vscode.ViewColumn;
  const columns = [One, Two, Three];
  const shown = places.filter((place) => place !== undefined);
  for (const [at, place] of shown.slice(0, columns.length).entries())
    await show(services, folder, place, columns[at]!);
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
