/** Command id -> function. The manifest lists the same ids, a test holds the two together. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import {
  clearIndex,
  forgetEverything,
  pauseIndexing,
  rebuildIndex,
  resumeIndexing,
  runDoctor,
  showStatus,
  whyNotFound,
} from './careCommands';
import { tellFailure } from './failure';
import { nameAndSpan } from './hitText';
import {
  adaptToWorkspace,
  learnFromMarks,
  pauseLearning,
  resumeLearning,
  useBaseModel,
  usePreviousModel,
} from './learningCommands';
import { showMarks } from './marksPick';
import { chooseModel } from './modelCommands';
import { askBestQuestions } from './questionsPick';
import { exportLearningReport, showLearningReport } from './reportView';
import { reviewNegatives } from './reviewPick';
import { SearchPick } from './searchPick';
import { findSimilarToSelection, searchInFolder, searchSelection } from './selectionCommands';
import type { Services } from './services';
import { compareVersions, measureVersionAgain, shareVersion, takeVersion } from './versionCommands';

type Command = (services: Services, ...args: unknown[]) => unknown;

const commands = {
  'nearmiss.searchWorkspace': (services, query) =>
    new SearchPick(services, typeof query === 'string' ? query : ''),
  'nearmiss.focusPanel': ({ panel }) => panel.focus(),
  'nearmiss.findSimilarToSelection': findSimilarToSelection,
  'nearmiss.searchSelection': searchSelection,
  'nearmiss.searchInFolder': searchInFolder,
  'nearmiss.nextHit': (services) => goTo(services, 1),
  'nearmiss.previousHit': (services) => goTo(services, -1),
  'nearmiss.markLastOpenedHitNotRelevant': markLastOpened,
  'nearmiss.undoLastMark': undoLastMark,
  'nearmiss.showMarks': showMarks,
  'nearmiss.learnFromMarks': learnFromMarks,
  'nearmiss.askBestQuestions': askBestQuestions,
  'nearmiss.adaptToWorkspace': adaptToWorkspace,
  'nearmiss.pauseLearning': pauseLearning,
  'nearmiss.resumeLearning': resumeLearning,
  'nearmiss.showLearningReport': showLearningReport,
  'nearmiss.exportLearningReport': exportLearningReport,
  'nearmiss.reviewNegatives': reviewNegatives,
  'nearmiss.usePreviousModel': usePreviousModel,
  'nearmiss.useBaseModel': useBaseModel,
  'nearmiss.compareVersions': compareVersions,
  'nearmiss.measureVersionAgain': measureVersionAgain,
  'nearmiss.shareVersion': shareVersion,
  'nearmiss.takeVersion': takeVersion,
  'nearmiss.pauseIndexing': pauseIndexing,
  'nearmiss.resumeIndexing': resumeIndexing,
  'nearmiss.indexFolder': ({ workspace }) => workspace.agreeAll(),
  'nearmiss.rebuildIndex': rebuildIndex,
  'nearmiss.clearIndex': clearIndex,
  'nearmiss.forgetEverything': forgetEverything,
  'nearmiss.showStatus': showStatus,
  'nearmiss.whyNotFound': whyNotFound,
  'nearmiss.runDoctor': runDoctor,
  'nearmiss.showLog': ({ log }) => log.show(),
  'nearmiss.chooseModel': chooseModel,
  'nearmiss.restartEngine': ({ engine }) => engine.restart(),
  'nearmiss.openSettings': () =>
    vscode.commands.executeCommand('workbench.action.openSettings', 'nearmiss.'),
} as const satisfies Record<string, Command>;

/** Registers every command; what one throws is told in a sentence. */
export function registerCommands(services: Services): Disposable {
  const store = new DisposableStore();
  for (const [id, command] of Object.entries<Command>(commands))
    store.add(
      vscode.commands.registerCommand(id, (...args: unknown[]) =>
        tellFailure(services.log, () => command(services, ...args)),
      ),
    );
  return store;
}

async function goTo({ cursor, reveal, panel }: Services, by: 1 | -1): Promise<void> {
  if (cursor.isPanels) return panel.bridge.step(by);
  const hit = cursor.move(by);
  if (hit) await reveal.reveal(hit, 'open');
}

async function markLastOpened({ cursor, marking }: Services): Promise<void> {
  const opened = cursor.lastOpened;
  if (opened) await marking.setAndTell(opened.hit, 'notRelevant', opened.question);
}

async function undoLastMark({ marking }: Services): Promise<void> {
  const undone = await marking.undoLast();
  const text = undone
    ? vscode.l10n.t('The mark on {0} is taken back', nameAndSpan(undone))
    : vscode.l10n.t('There is no mark to take back');
  void vscode.window.setStatusBarMessage(text, 5000);
}
