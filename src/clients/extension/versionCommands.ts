/** Versions, seen from the editor: compared in daily use, measured again, given to the repository and taken from it. */
import * as vscode from 'vscode';
import { NearmissError } from '../../base/errors';
import type { VersionList } from '../../protocol/learning';
import { localised, localisedText } from './engineSentences';
import { tellFailure } from './failure';
import { chooseFolder } from './folderPick';
import { inMessage } from './hitText';
import { runVisibly, tellVerdict } from './learningCommands';
import { showReport } from './reportView';
import type { Services } from './services';
import { comparisonRows, notCounting, usableVersions, versionRow } from './versionRows';
import type { WorkspaceFolder } from './workspace';

export async function compareVersions(services: Services): Promise<void> {
  const { t } = vscode.l10n;
  const folder = await folderFor(services);
  if (!folder) return;
  const list = await services.engine.ask('versions', { folder: folder.path });
  const rows = comparisonRows(list, services.settings.get('usage.enabled'), t);
  if (rows.length === 0) {
    tell([t('There is no other version to compare with the one that answers')]);
    return;
  }
  const answering =
    list.current === 'base' ? t('the base model answers') : t('{0} answers', list.current);
  const title = t('Nearmiss: Compare Versions ({0})', answering);
  for (;;) {
    const chosen = await vscode.window.showQuickPick(rows, { title, matchOnDetail: true });
    if (!chosen) return;
    // A row that only tells begins nothing.
    if (!chosen.order) continue;
    const params = { folder: folder.path, ...chosen.order };
    const now = await services.engine.call('compareVersion', params);
    return tellComparison(services, folder, list, now);
  }
}

/** What begins now; at the end, what came of it. A button, because only with one the editor shows a whole message. */
async function tellComparison(
  services: Services,
  folder: WorkspaceFolder,
  before: VersionList,
  { comparison, problems }: VersionList,
): Promise<void> {
  const { t } = vscode.l10n;
  const began =
    comparison &&
    (comparison.isLive
      ? t(
          'Answers in the editor are mixed of both now. What you open by Enter or double click, or mark relevant, counts for the version it came from',
        )
      : t('Both are compared silently now; Compare Versions says what comes of it'));
  const isCounting = services.settings.get('usage.enabled');
  const sentences = began
    ? [began, ...(isCounting ? [] : [notCounting(t)]), ...problems]
    : [t('The comparison has ended'), ...(before.comparison?.sentences ?? []), ...problems];
  const way = began ? t('Compare Versions') : t('Show Report');
  const text = inMessage(localisedText(sentences, t));
  const chosen = await vscode.window.showInformationMessage(text, way);
  if (chosen === way && began) await compareVersions(services);
  else if (chosen === way) await showReport(services, folder);
}

/** Says that a version gave way to the base, where nobody asked for it to be measured; once for each such event. */
export function tellWhatGaveWay(services: Services): vscode.Disposable {
  const { engine, log, workspace } = services;
  const told = new Set<string>();
  return engine.on('versionsChanged', ({ folder }) => {
    const here = workspace.indexed.find(({ path }) => path === folder);
    if (!here) return;
    void tellFailure(log, async () => {
      const { left } = await engine.ask('versions', { folder });
      if (!left?.isUnasked || told.has(`${folder} ${left.time}`)) return;
      told.add(`${folder} ${left.time}`);
      const { t } = vscode.l10n;
      const sentence = t(
        'Much of this folder has changed since {0} was measured. It no longer holds, so the base model answers. {1}',
        ...[inMessage(left.version), inMessage(localised(left.verdict, t))],
      );
      const [report, back] = [t('Show Report'), t('Use It All the Same')];
      const chosen = await vscode.window.showWarningMessage(sentence, report, back);
      if (chosen === report) await showReport(services, here);
      if (chosen === back) await engine.call('useVersion', { folder, version: left.version });
    });
  });
}

export async function measureVersionAgain(services: Services): Promise<void> {
  const { t } = vscode.l10n;
  const { engine } = services;
  const folder = await folderFor(services);
  if (!folder) return;
  const list = await engine.ask('versions', { folder: folder.path });
  const version = await chooseVersion(list, t('Measure which version on the folder as it is now?'));
  if (version === undefined) return;
  const title = t('Nearmiss measures a version: {0}', inMessage(folder.name));
  const params = { folder: folder.path, kind: 'check', version } as const;
  const { report, isPromoted } = await runVisibly(services, folder, title, (signal) =>
    engine.call('learn', params, signal),
  );
  // One that does not hold has given way to the base where it answered.
  void tellVerdict(services, folder, [report.verdict], !isPromoted && version === list.current);
}

export async function shareVersion(services: Services): Promise<void> {
  const { t } = vscode.l10n;
  const { engine } = services;
  const folder = await folderFor(services);
  if (!folder) return;
  checkTrust(folder);
  const list = await engine.ask('versions', { folder: folder.path });
  const version = await chooseVersion(list, t('Share which version?'));
  if (version === undefined) return;
  const warning = t(
    'Share {0} by the repository? Its small weights, the words of yours that it learned, your name and how many marks it was learned from can then be read by all who have it; no whole query goes along.',
    inMessage(version),
  );
  if (!(await agrees(warning, t('Share')))) return;
  const shared = await engine.call('shareVersion', { folder: folder.path, version });
  tell([t('Version {0} written to {1}', shared.version, shared.file)]);
}

export async function takeVersion(services: Services): Promise<void> {
  const { t } = vscode.l10n;
  const { engine } = services;
  const folder = await folderFor(services);
  if (!folder) return;
  checkTrust(folder);
  const warning = t(
    'Take the version that the repository {0} shares? What it shares then ranks here, if it proves better on your own marks.',
    inMessage(folder.name),
  );
  if (!(await agrees(warning, t('Take')))) return;
  const title = t('Nearmiss measures a version: {0}', inMessage(folder.name));
  const { isTrusted } = vscode.workspace;
  const { report, isPromoted } = await runVisibly(services, folder, title, (signal) =>
    engine.call('takeVersion', { folder: folder.path, isTrusted }, signal),
  );
  const kept = isPromoted ? [] : [t('It is kept, and answers nothing')];
  void tellVerdict(services, folder, [report.verdict, ...kept], isPromoted);
}

function folderFor({ workspace }: Services): Promise<WorkspaceFolder | undefined> {
  return chooseFolder(workspace.indexed, vscode.l10n.t('Versions of which folder?'));
}

/** The only one, or the one chosen. Undefined when there is none, which is told, or the list was closed. */
async function chooseVersion(list: VersionList, placeHolder: string): Promise<string | undefined> {
  const { t } = vscode.l10n;
  const versions = usableVersions(list);
  if (versions.length === 0) {
    tell([t('Nothing was learned in this folder yet')]);
    return undefined;
  }
  if (versions.length === 1) return versions[0]!.id;
  const rows = versions.map((version) => versionRow(version, t));
  return (await vscode.window.showQuickPick(rows, { placeHolder }))?.version;
}

/** The commands hide without trust; a key or another extension may still call them. */
function checkTrust({ path }: WorkspaceFolder): void {
  if (vscode.workspace.isTrusted) return;
  throw new NearmissError(
    'permission',
    `${path} is not trusted, so nothing that comes with it counts and nothing is shared`,
    'Trust the folder first',
  );
}

async function agrees(warning: string, yes: string): Promise<boolean> {
  return (await vscode.window.showWarningMessage(warning, { modal: true }, yes)) === yes;
}

function tell(sentences: readonly string[]): void {
  const text = localisedText(sentences, vscode.l10n.t);
  void vscode.window.showInformationMessage(inMessage(text));
}
