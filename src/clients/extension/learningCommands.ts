/** Learning from marks, seen from the editor: plan first, a visible run, a verdict, and the way back. */
import * as vscode from 'vscode';
import type { LearningPlan, LearnParams, LearnResult } from '../../protocol/learning';
import { tierName } from '../report/sections';
import { setContextKey } from './contextKeys';
import { localised, localisedText } from './engineSentences';
import { chooseFolder } from './folderPick';
import { inMessage } from './hitText';
import { showReport } from './reportView';
import type { Services } from './services';
import { briefVerdict } from './versionRows';
import type { WorkspaceFolder } from './workspace';

type Kind = 'marks' | 'adapt';
type Chosen = Pick<LearnParams, 'state' | 'measuresMethods'>;
type PlanRow = vscode.QuickPickItem & { readonly chosen?: Chosen };

/** For the folder whose path is given, else for one that is chosen. */
export const learnFromMarks = (services: Services, path?: unknown): Promise<void> =>
  learn(services, 'marks', path);
export const adaptToWorkspace = (services: Services): Promise<void> => learn(services, 'adapt');

async function learn(services: Services, kind: Kind, path?: unknown): Promise<void> {
  const { t } = vscode.l10n;
  const { indexed } = services.workspace;
  const given = indexed.find((folder) => folder.path === path);
  const folder = given ?? (await chooseFolder(indexed, t('Learn for which folder?')));
  if (!folder) return;
  const plan = await services.engine.ask('learningPlan', { folder: folder.path, kind });
  if (plan.refusal !== undefined) {
    void vscode.window.showInformationMessage(inMessage(localised(plan.refusal, t)));
    return;
  }
  const chosen = await choosePlan(plan, kind);
  if (chosen) await run(services, folder, { folder: folder.path, kind, ...chosen });
}

/** The plan as a list; its first rows start it. Undefined when it is closed. */
async function choosePlan(plan: LearningPlan, kind: Kind): Promise<Chosen | undefined> {
  const { t } = vscode.l10n;
  const minutesOf = (seconds: number): number => Math.max(1, Math.ceil(seconds / 60));
  const go: PlanRow = {
    label: `$(play) ${t('Learn now, about {0} min', minutesOf(plan.seconds))}`,
    description: plan.isBusy
      ? t('Several times as long while other programs keep this machine busy')
      : undefined,
    chosen: { state: 'all' },
  };
  const silent: PlanRow = {
    label: `$(eye-closed) ${t('Learn, but only compare')}`,
    description: t('The version is kept and compared; searches stay as they are'),
    chosen: { state: 'shadow' },
  };
  const whole = minutesOf(plan.seconds + plan.methodSeconds);
  const thorough: PlanRow = {
    label: `$(graph) ${t('Learn, and measure each method, about {0} min', whole)}`,
    description: t(
      'The report says what each of {0} brings; nothing else changes',
      plan.methodCount,
    ),
    chosen: { state: 'all', measuresMethods: true },
  };
  const separator = { label: t('Plan'), kind: vscode.QuickPickItemKind.Separator };
  const tiers: PlanRow[] = plan.tiers.map(({ tier, isPlanned, sentence }) => ({
    label: `$(${isPlanned ? 'check' : 'circle-slash'}) ${tierName(tier, vscode.l10n.t)}`,
    detail: localised(sentence, t),
  }));
  const title =
    kind === 'adapt'
      ? t('Nearmiss: Adapt to This Workspace')
      : t('Nearmiss: Learn from {0} Marks on {1} Queries', plan.usableCount, plan.queryCount);
  const items: PlanRow[] = [go, silent, ...(plan.methodCount > 0 ? [thorough] : []), separator];
  // As a row, because a hint is cut off where the list ends.
  const measured: PlanRow = {
    label: `$(beaker) ${t('How it is measured')}`,
    detail: localised(plan.split, t),
  };
  const placeHolder = t('Enter starts; nothing changes unless it proves better');
  const rows = [...items, ...tiers, measured];
  for (;;) {
    const chosen = await vscode.window.showQuickPick(rows, { title, placeHolder });
    // A row that only tells begins nothing.
    if (!chosen || chosen.chosen) return chosen?.chosen;
  }
}

async function run(
  services: Services,
  folder: WorkspaceFolder,
  params: LearnParams,
): Promise<void> {
  const { engine } = services;
  const title = vscode.l10n.t('Nearmiss learns: {0}', inMessage(folder.name));
  const { report, isPromoted } = await runVisibly(services, folder, title, (signal) =>
    engine.call('learn', params, signal),
  );
  void tellVerdict(services, folder, [report.verdict], isPromoted);
}

/** Calls the engine behind a bar that follows the folder's run and can cancel it. */
export async function runVisibly(
  { engine }: Services,
  folder: WorkspaceFolder,
  title: string,
  call: (signal: AbortSignal) => Promise<LearnResult>,
): Promise<LearnResult> {
  const { t } = vscode.l10n;
  setContextKey('nearmiss.isLearning', true);
  try {
    return await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title, cancellable: true },
      async (progress, token) => {
        const controller = new AbortController();
        const cancelling = token.onCancellationRequested(() => controller.abort());
        let told = 0;
        const following = engine.on('learningProgress', ({ folder: of, ...now }) => {
          if (of !== folder.path || now.state === 'ended') return;
          const paused = now.state === 'paused' ? `, ${t('paused')}` : '';
          const left =
            now.secondsLeft === undefined
              ? ''
              : `, ${t('about {0} min left', Math.max(1, Math.ceil(now.secondsLeft / 60)))}`;
          const percent = 100 * now.fraction;
          progress.report({
            increment: Math.max(0, percent - told),
            message: `${Math.floor(percent)} % ${inMessage(localised(now.stage, t))}${paused}${left}`,
          });
          told = Math.max(told, percent);
        });
        try {
          return await call(controller.signal);
        } finally {
          following.dispose();
          cancelling.dispose();
        }
      },
    );
  } finally {
    setContextKey('nearmiss.isLearning', false);
  }
}

/** The verdict in short, with ways on: the report, and back where something has changed. */
export async function tellVerdict(
  services: Services,
  folder: WorkspaceFolder,
  [verdict, ...more]: readonly [verdict: string, ...more: string[]],
  hasChanged: boolean,
): Promise<void> {
  const { t } = vscode.l10n;
  const report = t('Show Report');
  const back = t('Use Previous Model');
  const names = hasChanged ? [report, back] : [report];
  const chosen = await vscode.window.showInformationMessage(
    inMessage(localisedText([briefVerdict(verdict), ...more], t)),
    ...names,
  );
  if (chosen === report) await showReport(services, folder);
  if (chosen === back) await useVersion(services, 'previous', folder);
}

/** Holds the runs of this window's folders between two steps. */
export const pauseLearning = (services: Services): Promise<void> => holdLearning(services, true);
export const resumeLearning = (services: Services): Promise<void> => holdLearning(services, false);

async function holdLearning({ engine, workspace }: Services, isPaused: boolean): Promise<void> {
  const calls = workspace.indexed.map(({ path: folder }) =>
    engine.call('pauseLearning', { folder, isPaused }),
  );
  const isHeld = (await Promise.all(calls)).some(Boolean);
  if (!isHeld) void vscode.window.showInformationMessage(vscode.l10n.t('Nothing is being learned'));
}

export const usePreviousModel = (services: Services): Promise<void> =>
  useVersion(services, 'previous');
export const useBaseModel = (services: Services): Promise<void> => useVersion(services, 'base');

async function useVersion(
  { engine, workspace }: Services,
  version: 'previous' | 'base',
  given?: WorkspaceFolder,
): Promise<void> {
  const { t } = vscode.l10n;
  const folder = given ?? (await chooseFolder(workspace.indexed, t('Change which folder?')));
  if (!folder) return;
  const { current, problems } = await engine.call('useVersion', { folder: folder.path, version });
  const said =
    current === 'base' ? t('The base model answers now') : t('Version {0} answers now', current);
  void vscode.window.showInformationMessage(inMessage(localisedText([said, ...problems], t)));
}
