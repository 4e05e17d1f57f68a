/** Which model embeds: chosen from a list, added from a folder, or named by the setting. */
import * as vscode from 'vscode';
import { messageOf } from '../../base/errors';
import type { ModelInfo } from '../../protocol/types';
import type { Services } from './services';

interface ModelItem extends vscode.QuickPickItem {
  readonly model?: ModelInfo;
}

/** A list of the models that can embed, and a way to add one. */
export async function chooseModel(services: Services): Promise<void> {
  const { engine } = services;
  const { t } = vscode.l10n;
  const models = (await engine.ask('listModels', {})).filter(({ role }) => role === 'bi-encoder');
  const items: ModelItem[] = models.map((model) => ({
    label: model.name,
    description: [
      `${Math.round(model.sizeBytes / 1_000_000)} MB`,
      model.isBundled ? t('comes with Nearmiss') : '',
      model.isInUse ? t('in use') : '',
    ]
      .filter(Boolean)
      .join(', '),
    detail: model.problem,
    model,
  }));
  const add: ModelItem = { label: `$(add) ${t('Add a Model from a Folder…')}`, alwaysShow: true };
  const chosen = await vscode.window.showQuickPick([...items, add], {
    title: t('Nearmiss: Choose Model'),
    placeHolder: t('Another model embeds every file anew; marks are kept'),
  });
  if (!chosen) return;
  const model = chosen.model ?? (await addModel(services));
  if (model && !model.isInUse) await useModel(services, model.name);
}

/** Carries out what the setting names; a name that is none costs a sentence. */
export async function followModelSetting({ engine, settings }: Services): Promise<void> {
  const wanted = settings.get('model');
  if (wanted === '') return;
  const models = await engine.ask('listModels', {});
  if (models.some(({ name, isInUse, role }) => role === 'bi-encoder' && name === wanted && isInUse))
    return;
  try {
    await engine.call('useModel', { name: wanted });
  } catch (error) {
    void vscode.window.showWarningMessage(
      vscode.l10n.t('The setting nearmiss.model is not followed: {0}', messageOf(error)),
    );
  }
}

async function addModel({ engine }: Services): Promise<ModelInfo | undefined> {
  const { t } = vscode.l10n;
  const folders = await vscode.window.showOpenDialog({
    canSelectFiles: false,
    canSelectFolders: true,
    openLabel: t('Add Model'),
  });
  const [folder] = folders ?? [];
  if (!folder) return undefined;
  return withProgress(t('Nearmiss: Checking the Model'), () =>
    engine.call('addModel', { folder: folder.fsPath }),
  );
}

async function useModel({ engine, settings }: Services, name: string): Promise<void> {
  await withProgress(vscode.l10n.t('Nearmiss: Changing the Model'), () =>
    engine.call('useModel', { name }),
  );
  // A setting that names another one would turn the choice round at the next start.
  if (settings.get('model') !== '')
    await vscode.workspace
      .getConfiguration('nearmiss')
      .update('model', name, vscode.ConfigurationTarget.Global);
}

function withProgress<T>(title: string, work: () => Promise<T>): Thenable<T> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title },
    work,
  );
}
