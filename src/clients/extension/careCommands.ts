/** Commands around the index: status, doctor, log, pause, rebuild, clear, forget, and why a file is not found. */
import * as vscode from 'vscode';
import { NearmissError } from '../../base/errors';
import { runEngineTask } from '../engineTask';
import { localised, localisedText } from './engineSentences';
import { chooseFolder } from './folderPick';
import { inMessage, plain, visible } from './hitText';
import { pathInside } from './openBuffers';
import type { Services } from './services';
import { findingLine, folderLine } from './statusText';
import { comparisonLabel } from './versionRows';

interface ActionItem extends vscode.QuickPickItem {
  readonly command?: string;
}

/** State of the engine and of each folder, with what can be done about it. */
export async function showStatus(services: Services): Promise<void> {
  const { engine, workspace } = services;
  const { t } = vscode.l10n;
  const status = engine.state.kind === 'up' ? await engine.ask('status', {}) : undefined;
  const lines: ActionItem[] = workspace.folders.map((folder) => ({
    label: `$(folder) ${folder.name}`,
    description: folderLine(folder, t),
  }));
  if (status?.encoder) {
    const { name, arithmetic, provider, reason } = status.encoder;
    const description = t('{0} on {1}', arithmetic, provider);
    const detail = localised(reason, t);
    lines.push({ label: `$(circuit-board) ${name}`, description, detail });
  }
  if (status) {
    const megabytes = Math.round(status.memoryBytes / 1_000_000);
    const description = t(
      'process {0}, {1} MB, data in {2}',
      status.pid,
      megabytes,
      status.dataFolder,
    );
    lines.push({ label: `$(server-process) ${t('Engine {0}', status.version)}`, description });
  }
  if (engine.state.kind === 'stopped')
    lines.push({
      label: `$(warning) ${t('Nearmiss stopped')}`,
      detail: localised(engine.state.error.message, t),
    });
  if (status) lines.push(...(await versionRows(services, status.problems)));
  const isPaused = status?.isPaused || status?.folders.some(({ state }) => state === 'paused');
  const actions: ActionItem[] = [
    isPaused
      ? { label: t('Resume Indexing'), command: 'nearmiss.resumeIndexing' }
      : { label: t('Pause Indexing'), command: 'nearmiss.pauseIndexing' },
    { label: t('Choose Model'), command: 'nearmiss.chooseModel' },
    { label: t('Run Doctor'), command: 'nearmiss.runDoctor' },
    { label: t('Show Log'), command: 'nearmiss.showLog' },
    { label: t('Restart Engine'), command: 'nearmiss.restartEngine' },
  ];
  const separator = { label: '', kind: vscode.QuickPickItemKind.Separator };
  const chosen = await vscode.window.showQuickPick<ActionItem>([...lines, separator, ...actions], {
    title: t('Nearmiss: Status'),
  });
  if (chosen?.command !== undefined) await vscode.commands.executeCommand(chosen.command);
}

/** What is compared; what is wrong, and what versions have to say of their folders, each once. */
async function versionRows(
  { engine, workspace }: Services,
  known: readonly string[],
): Promise<ActionItem[]> {
  const { t } = vscode.l10n;
  const lists = await Promise.all(
    workspace.indexed.map(async ({ path, name }) => ({
      name,
      ...(await engine.ask('versions', { folder: path })),
    })),
  );
  const compared = lists.flatMap(({ comparison, name }) => {
    if (!comparison) return [];
    const description = lists.length > 1 ? plain(visible(name)) : undefined;
    const label = comparisonLabel(comparison, t);
    return [{ label, description, command: 'nearmiss.compareVersions' }];
  });
  const ofVersions = new Set(lists.flatMap(({ problems }) => problems));
  const problems = [...new Set([...known, ...ofVersions])].map((text) => {
    const said = plain(visible(localised(text, t)));
    // What can be done comes first: a row is cut off where the list ends.
    return text.includes('--recheck')
      ? {
          label: `$(warning) ${t('Measure Version Again')}`,
          detail: said,
          command: 'nearmiss.measureVersionAgain',
        }
      : { label: `$(warning) ${said}` };
  });
  return [...compared, ...problems];
}

/** Doctor's findings on a page that grows while it looks. */
export async function runDoctor({ engineOptions, pages }: Services): Promise<void> {
  const { engineFile, dataFolder, environment } = engineOptions();
  const { t } = vscode.l10n;
  const lines: string[] = [];
  const write = await pages.show(t('Nearmiss Doctor'), t('Looking…'));
  await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: t('Nearmiss: Doctor') },
    () =>
      runEngineTask({
        engineFile,
        dataFolder,
        environment,
        task: 'doctor',
        onFinding: ({ level, name, text }) => {
          lines.push(findingLine({ level, name, text }, t));
          write(`${lines.join('\n')}\n`);
        },
      }),
  );
  write(`${lines.join('\n')}\n\n${t('Done.')}\n`);
}

export async function pauseIndexing({ engine, workspace }: Services): Promise<void> {
  workspace.takeAll((await engine.call('pause', {})).folders);
}

export async function resumeIndexing({ engine, workspace }: Services): Promise<void> {
  workspace.takeAll((await engine.call('resume', {})).folders);
}

/** Drops the index of a folder and makes it anew; marks stay. */
export async function rebuildIndex({ engine, workspace }: Services): Promise<void> {
  const folder = await chooseFolder(workspace.indexed, vscode.l10n.t('Rebuild which index?'));
  if (folder) workspace.take(await engine.call('rebuild', { folder: folder.path }));
}

/** Drops the index of a folder; marks stay. */
export async function clearIndex({ engine, workspace }: Services): Promise<void> {
  const { t } = vscode.l10n;
  const folder = await chooseFolder(workspace.indexed, t('Clear which index?'));
  if (!folder) return;
  const question = t('Clear the index of {0}? Your marks are kept.', inMessage(folder.name));
  if (!(await agrees(question, t('Clear')))) return;
  const { freedBytes } = await engine.call('clear', { folder: folder.path });
  workspace.rest([folder]);
  const again = t('Index Again');
  const text = t(
    'The index of {0} is cleared, {1} MB are free',
    folder.name,
    megabytes(freedBytes),
  );
  if ((await vscode.window.showInformationMessage(text, again)) === again) workspace.agree(folder);
}

/** Drops every index and every mark of every folder that this data folder knows, and what was asked in this workspace. */
export async function forgetEverything(services: Services): Promise<void> {
  const { engine, workspace, panel, forgetTypedQueries } = services;
  const { t } = vscode.l10n;
  const question = t(
    'Forget everything? All indexes and all your marks are deleted, also those of other folders. This cannot be undone.',
  );
  if (!(await agrees(question, t('Forget Everything')))) return;
  const { freedBytes } = await engine.call('forgetAll', {});
  workspace.rest(workspace.folders);
  await forgetTypedQueries();
  panel.bridge.options();
  void vscode.window.showInformationMessage(
    t('Everything is forgotten, {0} MB are free', megabytes(freedBytes)),
  );
}

/** Why a file is, or is not, in the index: of the file given, shown, or chosen. */
export async function whyNotFound(services: Services, given: unknown): Promise<void> {
  const { engine, workspace } = services;
  const { t } = vscode.l10n;
  const shown = vscode.window.activeTextEditor?.document.uri;
  const current = shown?.scheme === 'file' ? shown : undefined;
  const uri = given instanceof vscode.Uri ? given : (current ?? (await chooseFile()));
  if (!uri) return;
  const folder = workspace.folderOf(uri);
  const path = folder && pathInside(folder.path, uri.fsPath);
  if (!folder || path === undefined)
    throw new NearmissError('outsideFolder', t('{0} lies in no folder of this window', uri.fsPath));
  if (folder.state !== 'indexed') {
    const text = inMessage(`${folder.name}: ${folderLine(folder, t)}`);
    void vscode.window.showInformationMessage(text);
    return;
  }
  const said = await engine.ask('why', { folder: folder.path, path });
  const reasons = localisedText(said.reasons, t);
  const text = said.reasons[0]?.startsWith(path) ? reasons : `${path}: ${reasons}`;
  // With a button the editor shows the whole message; without, its first line.
  const status = t('Show Status');
  if ((await vscode.window.showInformationMessage(inMessage(text), status)) === status)
    await showStatus(services);
}

async function chooseFile(): Promise<vscode.Uri | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    openLabel: vscode.l10n.t('Why Is This File Not Found?'),
    defaultUri: vscode.workspace.workspaceFolders?.[0]?.uri,
  });
  return chosen?.[0];
}

async function agrees(question: string, yes: string): Promise<boolean> {
  return (await vscode.window.showWarningMessage(question, { modal: true }, yes)) === yes;
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}
