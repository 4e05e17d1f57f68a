/** The learning report in an editor tab: a page without script. Queries can be replaced before it is exported. */
import * as vscode from 'vscode';
import { reportPage } from '../report/page';
import { redact, type ToldReport } from '../report/redact';
import type { Words } from '../report/words';
import { localised } from './engineSentences';
import { chooseFolder } from './folderPick';
import { inMessage } from './hitText';
import type { Services } from './services';
import type { WorkspaceFolder } from './workspace';

export async function showLearningReport(services: Services): Promise<void> {
  const { t } = vscode.l10n;
  const folder = await chooseFolder(services.workspace.indexed, t('Report on which folder?'));
  if (folder) await showReport(services, folder);
}

export async function showReport(services: Services, folder: WorkspaceFolder): Promise<void> {
  const parts = await gather(services, folder);
  if (parts) showPage(parts, folder.name);
}

/** Shows the page as it will be written, then asks where to. */
export async function exportLearningReport(services: Services): Promise<void> {
  const { t } = vscode.l10n;
  const folder = await chooseFolder(services.workspace.indexed, t('Report on which folder?'));
  const parts = folder && (await gather(services, folder));
  if (!parts) return;
  const choices = [
    {
      label: t('Without Queries'),
      detail: t('Each becomes "query 1", "query 2", …'),
      isRedacted: true,
    },
    { label: t('With Queries'), detail: t('As they were typed'), isRedacted: false },
  ];
  const placeHolder = t('A report holds queries and places, no code');
  const chosen = await vscode.window.showQuickPick(choices, { placeHolder });
  if (!chosen) return;
  const shown = chosen.isRedacted ? redact(parts, t) : parts;
  showPage(shown, folder.name);
  const file = await vscode.window.showSaveDialog({
    filters: { HTML: ['html'], JSON: ['json'] },
    saveLabel: t('Export Report'),
    defaultUri: vscode.Uri.joinPath(vscode.Uri.file(folder.path), 'learning-report.html'),
  });
  if (!file) return;
  const text = file.path.endsWith('.json')
    ? `${JSON.stringify(shown, null, 2)}\n`
    : reportPage({ ...shown, words: wordsOfEditor() });
  await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
}

async function gather(
  { engine }: Services,
  { path: folder, name }: WorkspaceFolder,
): Promise<ToldReport | undefined> {
  const report = await engine.ask('learningReport', { folder });
  if (!report) {
    const { t } = vscode.l10n;
    const text = t('Nothing was learned in {0} yet: mark some hits, then learn', inMessage(name));
    const learn = t('Learn from Marks');
    if ((await vscode.window.showInformationMessage(text, learn)) === learn)
      await vscode.commands.executeCommand('nearmiss.learnFromMarks');
    return undefined;
  }
  const [versions, usage] = await Promise.all([
    engine.ask('versions', { folder }),
    engine.ask('usage', { folder }),
  ]);
  return { report, versions, usage };
}

function showPage(parts: ToldReport, name: string): void {
  const title = vscode.l10n.t('Learning Report: {0}', name);
  const panel = vscode.window.createWebviewPanel(
    'nearmiss.report',
    title,
    vscode.ViewColumn.Active,
    { enableScripts: false, localResourceRoots: [], enableFindWidget: true },
  );
  panel.webview.html = reportPage({ ...parts, words: wordsOfEditor() });
}

function wordsOfEditor(): Words {
  const { t } = vscode.l10n;
  return { t, say: (sentence) => localised(sentence, t), language: vscode.env.language };
}
