/** Which model embeds: chosen from a list, added from a folder, or named by the setting. */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { messageOf } from '../../base/errors';
import type { ModelInfo } from '../../protocol/types';
import { type CatalogEntry, modelCatalog } from '../hub/catalog';
import type { Fetch } from '../hub/hubFile';
import { fetchModel, hubEndpoint, parseModelName } from '../hub/hubModel';
import { signalOf } from './cancellation';
import { localised } from './engineSentences';
import type { Services } from './services';

interface ModelItem extends vscode.QuickPickItem {
  readonly model?: ModelInfo;
  /** To be fetched from the hub first. */
  readonly offer?: CatalogEntry;
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
    detail: model.problem === undefined ? undefined : localised(model.problem, t),
    model,
  }));
  const known = new Set(models.map(({ name }) => name));
  const offers = modelCatalog
    .filter(({ name }) => !known.has(shortName(name)))
    .map((offer): ModelItem => ({ ...offerTexts(offer), offer }));
  const add: ModelItem = { label: `$(add) ${t('Add a Model from a Folder…')}`, alwaysShow: true };
  const chosen = await vscode.window.showQuickPick([...items, ...offers, add], {
    title: t('Nearmiss: Choose Model'),
    placeHolder: t('Another model embeds every file anew; marks are kept'),
  });
  if (!chosen) return;
  const model =
    chosen.model ??
    (chosen.offer ? await fetchOffer(services, chosen.offer) : await addModel(services));
  if (model && !model.isInUse) await useModel(services, model.name);
}

function offerTexts({ name, purpose, megabytes, licence }: CatalogEntry): ModelItem {
  const { t } = vscode.l10n;
  const languages = purpose === 'English' ? t('English') : t('many languages');
  return {
    label: `$(cloud-download) ${shortName(name)}`,
    description: [languages, `${megabytes} MB`, licence].join(', '),
    detail: t('Fetched from the hub when you choose it: {0}', name),
  };
}

function shortName(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

/** Asks, then fetches by the editor's own way through proxies; undefined when the answer is no. */
async function fetchOffer(
  { engine, engineOptions }: Services,
  { name, megabytes, licence }: CatalogEntry,
): Promise<ModelInfo | undefined> {
  const { t } = vscode.l10n;
  const download = t('Download');
  const detail = t(
    'It comes from {0}. Nothing of yours is sent, and searches stay on this machine.',
    hubEndpoint(process.env),
  );
  const answer = await vscode.window.showInformationMessage(
    t('Download {0} ({1} MB, {2})?', name, megabytes, licence),
    { modal: true, detail },
    download,
  );
  if (answer !== download) return undefined;
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: t('Nearmiss: Downloading {0}', shortName(name)),
      cancellable: true,
    },
    async (progress, token) => {
      const { signal, dispose } = signalOf(token);
      let told = 0;
      try {
        const { folder } = await fetchModel({
          model: parseModelName(name)!,
          folder: path.join(engineOptions().dataFolder, 'downloads'),
          fetch: globalThis.fetch as unknown as Fetch,
          env: process.env,
          signal,
          onProgress(done, all) {
            const percent = Math.floor((100 * done) / all);
            if (percent <= told) return;
            const message = t('{0} of {1} MB', megabytesOf(done), megabytesOf(all));
            progress.report({ increment: percent - told, message });
            told = percent;
          },
        });
        const model = await engine.call('addModel', { folder }, signal);
        await fs.rm(path.dirname(folder), { recursive: true, force: true });
        return model;
      } finally {
        dispose();
      }
    },
  );
}

function megabytesOf(bytes: number): string {
  return (bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0);
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
      vscode.l10n.t(
        'The setting nearmiss.model is not followed: {0}',
        localised(messageOf(error), vscode.l10n.t),
      ),
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
