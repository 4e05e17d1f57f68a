/**
 * `Ask Me the Best Questions`: ten times "which of these two is right?", where words and meaning disagree most. Both
 * places stand side by side; an answer is a mark on each, kept at once, and Back takes the last answer back.
 */
import * as vscode from 'vscode';
import { DisposableStore } from '../../base/lifecycle';
import type { LearningQuestion } from '../../protocol/learning';
import { chooseFolder } from './folderPick';
import { inMessage, plain, visible } from './hitText';
import {
  type QuestionAnswer,
  type QuestionRow,
  questionRows,
  type Sides,
  sidesOf,
  verdictsOf,
} from './questionRows';
import type { Services } from './services';
import { showSideBySide } from './sideBySide';

const QUESTION_COUNT = 10;

type Step = QuestionAnswer | 'back' | undefined;

export async function askBestQuestions(services: Services): Promise<void> {
  const { t } = vscode.l10n;
  const { engine, workspace } = services;
  const folder = await chooseFolder(workspace.indexed, t('Ask about which folder?'));
  if (!folder) return;
  const questions = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: t('Nearmiss: Looking for Questions') },
    () => engine.ask('bestQuestions', { folder: folder.path, limit: QUESTION_COUNT }),
  );
  if (questions.length === 0) {
    const text = t(
      'There is nothing worth asking in {0} just now: words and meaning agree, or it was answered',
      inMessage(folder.name),
    );
    void vscode.window.showInformationMessage(text);
    return;
  }
  const answeredCount = await askAll(services, folder.path, questions);
  if (answeredCount > 0) void tellEnd(answeredCount, questions.length);
}

/** Resolves with how many were answered when all were asked, or the list was closed. */
async function askAll(
  services: Services,
  folder: string,
  questions: readonly LearningQuestion[],
): Promise<number> {
  const markIds: string[][] = [];
  while (markIds.length < questions.length) {
    const question = questions[markIds.length]!;
    const sides = sidesOf(question, markIds.length);
    await showSideBySide(services, folder, [sides.left, sides.right]);
    const step = await askOne(question, sides, {
      number: markIds.length + 1,
      count: questions.length,
    });
    if (step === undefined) break;
    if (step === 'back') await takeBack(services, folder, markIds.pop() ?? []);
    else markIds.push(await judge(services, folder, question, sides, step));
  }
  return markIds.filter((ids) => ids.length > 0).length;
}

function askOne(
  { query }: LearningQuestion,
  sides: Sides,
  { number, count }: { readonly number: number; readonly count: number },
): Promise<Step> {
  const { t } = vscode.l10n;
  const store = new DisposableStore();
  const pick = store.add(vscode.window.createQuickPick<vscode.QuickPickItem & QuestionRow>());
  pick.title = t('Which is right for "{0}"?', plain(visible(query)));
  pick.step = number;
  pick.totalSteps = count;
  pick.placeholder = t('Enter answers, Escape ends; every answer is kept as a mark on each');
  pick.items = questionRows(sides, t);
  pick.buttons = number > 1 ? [vscode.QuickInputButtons.Back] : [];
  // Editors open behind it, and a glance into them is part of the answer.
  pick.ignoreFocusOut = true;
  return new Promise<Step>((resolve) => {
    store.add(pick.onDidTriggerButton(() => resolve('back')));
    store.add(pick.onDidAccept(() => resolve(pick.selectedItems[0]?.answer)));
    store.add(pick.onDidHide(() => resolve(undefined)));
    pick.show();
  }).finally(() => store.dispose());
}

/** The ids of the marks that the answer was kept as. */
async function judge(
  { marking }: Services,
  folder: string,
  { query }: LearningQuestion,
  sides: Sides,
  answer: QuestionAnswer,
): Promise<string[]> {
  const ids: string[] = [];
  for (const { place, verdict } of verdictsOf(sides, answer)) {
    const { path, start, end } = place;
    ids.push((await marking.set({ folder, path, start, end }, verdict, { query })).id);
  }
  return ids;
}

async function takeBack(
  { marking }: Services,
  folder: string,
  ids: readonly string[],
): Promise<void> {
  for (const id of ids) await marking.undo(folder, id);
}

async function tellEnd(answeredCount: number, askedCount: number): Promise<void> {
  const { t } = vscode.l10n;
  const [learn, show] = [t('Learn from Marks'), t('Show Marks')];
  const text = t(
    '{0} of {1} questions answered; they count from now on',
    answeredCount,
    askedCount,
  );
  const chosen = await vscode.window.showInformationMessage(text, learn, show);
  if (chosen === learn) await vscode.commands.executeCommand('nearmiss.learnFromMarks');
  if (chosen === show) await vscode.commands.executeCommand('nearmiss.showMarks');
}
