/**
 * `Ask Me the Best Questions`: ten times "which of these is right?" with up to four places. A digit answers, or Enter on a
 * row; the place of the row in focus is shown in the editor behind. An answer is a mark on each place, kept at once, and
 * Back takes the last answer back.
 */
import * as vscode from 'vscode';
import { DisposableStore } from '../../base/lifecycle';
import { Sequencer } from '../../base/queue';
import type { LearningQuestion, QuestionedPlace } from '../../protocol/learning';
import { localised } from './engineSentences';
import { chooseFolder } from './folderPick';
import { inMessage, plain, visible } from './hitText';
import {
  placeRows,
  type QuestionAnswer,
  type QuestionRow,
  questionRows,
  typedAnswer,
  verdictsOf,
} from './questionRows';
import type { Services } from './services';
import { showSideBySide } from './sideBySide';

const QUESTION_COUNT = 10;

type Step = QuestionAnswer | 'back' | undefined;
type Pick = vscode.QuickPick<vscode.QuickPickItem & QuestionRow>;

export async function askBestQuestions(services: Services): Promise<void> {
  const { t } = vscode.l10n;
  const { engine, workspace, typedQueries } = services;
  const folder = await chooseFolder(workspace.indexed, t('Ask about which folder?'));
  if (!folder) return;
  const wanted = { folder: folder.path, limit: QUESTION_COUNT, queries: typedQueries() };
  const questions = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: t('Nearmiss: Looking for Questions') },
    () => engine.ask('bestQuestions', wanted),
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
  const store = new DisposableStore();
  // One list for all questions: between two of them a key must not fall into a file behind.
  const pick: Pick = store.add(vscode.window.createQuickPick());
  pick.totalSteps = questions.length;
  // An editor opens behind it, and a glance into that is part of the answer.
  pick.ignoreFocusOut = true;
  const preview = previewer(services, folder);
  store.add(pick.onDidChangeActive(([row]) => preview(row?.place)));
  try {
    while (markIds.length < questions.length) {
      const question = questions[markIds.length]!;
      pick.step = markIds.length + 1;
      const step = await askOne(pick, question);
      if (step === undefined) break;
      if (step === 'back') await takeBack(services, folder, markIds.pop() ?? []);
      else markIds.push(await judge(services, folder, question, step));
    }
  } finally {
    store.dispose();
  }
  return markIds.filter((ids) => ids.length > 0).length;
}

/** Shows one place after the other; of those that came meanwhile the last. */
function previewer(
  services: Services,
  folder: string,
): (place: QuestionedPlace | undefined) => void {
  const order = new Sequencer();
  let wanted: QuestionedPlace | undefined;
  return (place) => {
    if (!place) return;
    wanted = place;
    void order.run(async () => {
      if (wanted === place) await showSideBySide(services, folder, [place]);
    });
  };
}

async function askOne(pick: Pick, question: LearningQuestion): Promise<Step> {
  const { t } = vscode.l10n;
  const isLater = (pick.step ?? 1) > 1;
  for (;;) {
    const rows = questionRows(question, t);
    show(pick, question, rows);
    // What to do comes first: a hint is cut off where the list ends.
    pick.placeholder = t('A digit answers, Escape ends. {0}', localised(question.sentence, t));
    pick.buttons = isLater ? [vscode.QuickInputButtons.Back] : [];
    const step = await answered(pick, rows);
    if (step !== 'several') return step;
    const right = await askSeveral(pick, question);
    if (right !== 'back') return right;
  }
}

/** Which ones, by check marks; Back leads to the question. */
async function askSeveral(pick: Pick, question: LearningQuestion): Promise<Step> {
  const { t } = vscode.l10n;
  const rows = placeRows(question.places);
  // Rows that are there already would be left without boxes to check.
  pick.canSelectMany = true;
  show(pick, question, rows);
  pick.placeholder = t('Check all that are right; Enter answers');
  pick.buttons = [vscode.QuickInputButtons.Back];
  return answered(pick, rows).finally(() => {
    pick.canSelectMany = false;
  });
}

function show(pick: Pick, { query }: LearningQuestion, rows: readonly QuestionRow[]): void {
  pick.title = vscode.l10n.t('Which is right for "{0}"?', plain(visible(query)));
  pick.value = '';
  pick.items = rows;
}

/** What is done with the list next; undefined when it is closed. */
function answered(pick: Pick, rows: readonly QuestionRow[]): Promise<Step> {
  const store = new DisposableStore();
  return new Promise<Step>((resolve) => {
    const accept = (): void => {
      const chosen = pick.selectedItems.map(({ answer }) => answer);
      const right = chosen.flatMap((answer) => (typeof answer === 'string' ? [] : answer));
      resolve(pick.canSelectMany ? right : chosen[0]);
    };
    const typed = (value: string): void => {
      const answer = pick.canSelectMany ? undefined : typedAnswer(rows, value);
      if (answer !== undefined) resolve(answer);
    };
    store.add(pick.onDidTriggerButton(() => resolve('back')));
    store.add(pick.onDidAccept(accept));
    store.add(pick.onDidChangeValue(typed));
    store.add(pick.onDidHide(() => resolve(undefined)));
    pick.show();
  }).finally(() => store.dispose());
}

/** The ids of the marks that the answer was kept as. */
async function judge(
  { marking }: Services,
  folder: string,
  question: LearningQuestion,
  answer: QuestionAnswer,
): Promise<string[]> {
  const { query } = question;
  const ids: string[] = [];
  for (const { place, verdict } of verdictsOf(question, answer)) {
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
