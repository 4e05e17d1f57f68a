/** How a failed command is told: one sentence, and the buttons that help. Aborts are not told. */
import * as vscode from 'vscode';
import { isAbort, messageOf, NearmissError } from '../../base/errors';
import { localised, localisedText } from './engineSentences';
import { inMessage } from './hitText';

/** Runs a command of ours; what it throws is told and logged, never thrown on. */
export async function tellFailure(
  log: vscode.LogOutputChannel,
  command: () => unknown,
): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (isAbort(error)) return;
    if (!(error instanceof NearmissError))
      log.error(error instanceof Error ? error : messageOf(error));
    await showError(error);
  }
}

/** The engine was given up: a sentence with its last words, and the buttons that help. */
export async function showStopped(error: Error): Promise<void> {
  const text = vscode.l10n.t(
    'The engine does not stay up and is not started again: {0}',
    localised(error.message, vscode.l10n.t),
  );
  await showError(new NearmissError('engine', text));
}

/** Shows an error with the buttons that fit it. */
export async function showError(error: unknown): Promise<void> {
  const isEngine = error instanceof NearmissError && error.code === 'engine';
  const actions: readonly (readonly [string, string])[] = isEngine
    ? [
        [vscode.l10n.t('Restart Engine'), 'nearmiss.restartEngine'],
        [vscode.l10n.t('Run Doctor'), 'nearmiss.runDoctor'],
        [vscode.l10n.t('Show Log'), 'nearmiss.showLog'],
      ]
    : [[vscode.l10n.t('Show Log'), 'nearmiss.showLog']];
  const names = actions.map(([name]) => name);
  const advice = error instanceof NearmissError ? error.advice : undefined;
  const sentences = [messageOf(error), ...(advice === undefined ? [] : [advice])];
  const text = localisedText(sentences, vscode.l10n.t);
  const chosen = await vscode.window.showErrorMessage(`Nearmiss: ${inMessage(text)}`, ...names);
  const command = actions.find(([name]) => name === chosen)?.[1];
  if (command !== undefined) await vscode.commands.executeCommand(command);
}
