/**
 * `Review Negatives`: marks that were set aside, one after the other. Query, answer and suspect stand side by side; the
 * decision is a choice in a list, so that the keyboard is enough.
 */
import * as vscode from 'vscode';
import type { ReviewDecision, ReviewItem, ReviewParent } from '../../protocol/learning';
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
    // What is open comes first, so that Enter goes on where the last decision left off.
    const open = queue.filter(({ decision }) => decision === undefined);
    const decided = queue.filter(({ decision }) => decision !== undefined);
    const chosen = await vscode.window.showQuickPick([...open, ...decided].map(reviewRow), {
      title: t('Nearmiss: Review Negatives'),
      placeHolder: t('Still open: {0} of {1}; Enter shows one', open.length, queue.length),
      matchOnDetail: true,
    });
    if (!chosen) return;
    const { answer, suspect, parents } = chosen.item;
    const places = parents ? [...parents.map(({ place }) => place), suspect] : [answer, suspect];
    await showSideBySide(services, folder.path, places);
    const order = await askDecision(chosen.item);
    if (order === undefined) continue;
    queue = await engine.call('resolveReview', { folder: folder.path, ...order });
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

/** On the item itself, or on one of the two that it was mixed of. Without a decision the one before is taken back. */
interface Order {
  readonly id: string;
  readonly decision: ReviewDecision | null;
}

/** Undefined when the list was closed. */
async function askDecision(item: ReviewItem): Promise<Order | undefined> {
  const { t } = vscode.l10n;
  const choices = item.parents ? mixedChoices(item.id, item.parents) : ownChoices(item.id);
  if (item.decision !== undefined)
    choices.push({
      label: `$(discard) ${t('Take the decision back')}`,
      order: { id: item.id, decision: null },
    });
  const placeHolders: Readonly<Partial<Record<ReviewItem['reason'], string>>> = {
    mined: t('Left: the answer. Right: what nobody marked and learning takes for wrong'),
    mixed: t('Left and middle: the two that were mixed. Right: the nearest text to the mixture'),
  };
  const chosen = await vscode.window.showQuickPick(choices, {
    title: plain(visible(item.query)),
    placeHolder:
      placeHolders[item.reason] ?? t('Left: the answer. Right: what was marked as not relevant'),
    ignoreFocusOut: true,
  });
  return chosen?.order;
}

type Choice = vscode.QuickPickItem & { readonly order: Order };

function ownChoices(id: string): Choice[] {
  const { t } = vscode.l10n;
  return [
    {
      label: `$(thumbsdown) ${t('Keep: it is a wrong answer')}`,
      order: { id, decision: 'keep' },
    },
    { label: `$(trash) ${t('Drop: do not learn from it')}`, order: { id, decision: 'drop' } },
    { label: `$(check-all) ${t('Both are right')}`, order: { id, decision: 'both' } },
  ];
}

function mixedChoices(id: string, [left, middle]: NonNullable<ReviewItem['parents']>): Choice[] {
  const { t } = vscode.l10n;
  const drop = (label: string, { id: parent, place }: ReviewParent): Choice => ({
    label: `$(trash) ${label}`,
    description: `${plain(visible(place.path))}:${lineSpan(place)}`,
    order: { id: parent, decision: 'drop' },
  });
  return [
    {
      label: `$(thumbsdown) ${t('Keep: both are wrong answers')}`,
      order: { id, decision: 'keep' },
    },
    drop(t('Drop the left one: do not learn from it'), left),
    drop(t('Drop the middle one: do not learn from it'), middle),
  ];
}
