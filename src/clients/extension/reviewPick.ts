/**
 * `Review Negatives`: marks that were set aside, one after the other. Query, answer and suspect stand side by side; the
 * decision is a choice in a list, so that the keyboard is enough.
 */
import * as vscode from 'vscode';
import type { ReviewDecision, ReviewItem } from '../../protocol/learning';
import { localised } from './engineSentences';
import { chooseFolder } from './folderPick';
import { lineSpan, plain, visible } from './hitText';
import type { Services } from './services';
import { showSideBySide } from './sideBySide';

interface ReviewRow extends vscode.QuickPickItem {
  readonly item: ReviewItem;
}

export async function reviewNegatives(services: Services): Promise<void> {
  const { t } = vscode.l10n;
  const { engine, workspace } = services;
  const folder = await chooseFolder(workspace.indexed, t('Review marks of which folder?'));
  if (!folder) return;
  let queue = await engine.ask('reviewQueue', { folder: folder.path });
  for (;;) {
    if (queue.length === 0) {
      void vscode.window.showInformationMessage(t('No mark needs a second look'));
      return;
    }
    const chosen = await vscode.window.showQuickPick(queue.map(reviewRow), {
      title: t('Nearmiss: Review Negatives'),
      placeHolder: t('Marks set aside: {0}; Enter shows one beside its answer', queue.length),
      matchOnDetail: true,
    });
    if (!chosen) return;
    const { answer, suspect } = chosen.item;
    await showSideBySide(services, folder.path, { left: answer, right: suspect });
    const decision = await askDecision(chosen.item);
    if (decision === undefined) continue;
    const { id } = chosen.item;
    queue = await engine.call('resolveReview', { folder: folder.path, id, decision });
  }
}

function reviewRow(item: ReviewItem): ReviewRow {
  const { suspect, decision } = item;
  const icon = decision === undefined ? 'question' : 'check';
  return {
    label: `$(${icon}) ${plain(visible(item.query))}`,
    description: `${plain(visible(suspect.path))}:${lineSpan(suspect)}${decision ? ` (${decisionName(decision)})` : ''}`,
    detail: localised(item.sentence, vscode.l10n.t),
    item,
  };
}

function decisionName(decision: ReviewDecision): string {
  const { t } = vscode.l10n;
  return { keep: t('kept'), drop: t('left out'), both: t('both are right') }[decision];
}

/** Undefined when the list was closed; null takes a decision back. */
async function askDecision({
  decision,
  query,
  reason,
}: ReviewItem): Promise<ReviewDecision | null | undefined> {
  const { t } = vscode.l10n;
  const choices: (vscode.QuickPickItem & { value: ReviewDecision | null })[] = [
    { label: `$(thumbsdown) ${t('Keep: it is a wrong answer')}`, value: 'keep' },
    { label: `$(trash) ${t('Drop: do not learn from it')}`, value: 'drop' },
    { label: `$(check-all) ${t('Both are right')}`, value: 'both' },
  ];
  if (decision !== undefined)
    choices.push({ label: `$(discard) ${t('Take the decision back')}`, value: null });
  const chosen = await vscode.window.showQuickPick(choices, {
    title: query,
    placeHolder:
      reason === 'mined'
        ? t('Left: the answer. Right: what nobody marked and learning takes for wrong')
        : t('Left: the answer. Right: what was marked as not relevant'),
    ignoreFocusOut: true,
  });
  return chosen?.value;
}
