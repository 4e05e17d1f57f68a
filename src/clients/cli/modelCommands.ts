/** `nearmiss models`. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { ModelInfo } from '../../protocol/types';
import { modelCatalog } from '../hub/catalog';
import type { fetchFromHub } from '../hub/main';
import { findOffline, type ModelName, parseModelName } from '../hub/hubModel';
import { exitDone, exitFailed } from './failure';
import { megabytes } from './format';
import { asOurs, loadBundle } from './otherBundle';
import { type CommonOptions, printJson, printLine, tell, withSession } from './session';

export function listModels(options: CommonOptions): Promise<number> {
  return withSession(options, async ({ client }) => {
    print(await client.call('listModels', {}), options);
    return exitDone;
  });
}

export function verifyModels(options: CommonOptions): Promise<number> {
  return withSession(options, async ({ client }) => {
    const models = await client.call('verifyModels', {});
    print(models, options);
    return models.some((model) => model.problem !== undefined) ? exitFailed : exitDone;
  });
}

interface AddOptions extends CommonOptions {
  readonly from?: string;
}

/** A folder, or a checkpoint of the hub, which is fetched first. */
export function addModel(given: string, options: AddOptions): Promise<number> {
  return withSession(options, async ({ client, dataFolder, signal }) => {
    const model = fs.existsSync(given) ? undefined : parseModelName(given);
    const folder = model
      ? await folderOf(model, options.from, dataFolder, signal)
      : path.resolve(given);
    print([await client.call('addModel', { folder }, signal)], options);
    if (model && options.from === undefined) fs.rmSync(path.dirname(folder), { recursive: true });
    return exitDone;
  });
}

/** Lists what the catalogue suggests. */
export function showCatalog(options: CommonOptions): Promise<number> {
  if (options.json) printJson(modelCatalog);
  else
    for (const { name, purpose, dimension, megabytes: size, licence } of modelCatalog)
      printLine(`${name}  ${purpose}  ${size} MB  ${dimension} dimensions  ${licence}`);
  return Promise.resolve(exitDone);
}

async function folderOf(
  model: ModelName,
  from: string | undefined,
  dataFolder: string,
  signal: AbortSignal,
): Promise<string> {
  if (from !== undefined) return findOffline(path.resolve(from), model);
  const hub = loadBundle<HubBundle>('hub');
  let toldAt = 0;
  const fetching = hub.fetchFromHub({
    ...{ model, signal, env: process.env, folder: path.join(dataFolder, 'downloads') },
    onProgress(done, all) {
      if (performance.now() - toldAt < tellEveryMs && done < all) return;
      toldAt = performance.now();
      tell(`${megabytes(done)} of ${megabytes(all)} fetched`);
    },
  });
  const { folder, commit } = await asOurs(fetching);
  tell(`${model.owner}/${model.name} at commit ${commit}`);
  return folder;
}

const tellEveryMs = 2000;

/** What the bundle of `clients/hub` exports. */
interface HubBundle {
  readonly fetchFromHub: typeof fetchFromHub;
}

export function useModel(name: string, options: CommonOptions): Promise<number> {
  return withSession(options, async ({ client }) => {
    print([await client.call('useModel', { name })], options);
    return exitDone;
  });
}

function print(models: readonly ModelInfo[], { json }: CommonOptions): void {
  if (json) printJson(models);
  else for (const model of models) printLine(modelLine(model));
}

function modelLine(model: ModelInfo): string {
  const origin = model.isBundled ? 'bundled' : 'added';
  const use = model.isInUse ? ', in use' : '';
  const state = model.problem === undefined ? '' : `: ${model.problem}`;
  const mark = model.fingerprint.slice(0, 12);
  return `${model.name}  ${model.role}  ${mark}  ${megabytes(model.sizeBytes)}  ${origin}${use}${state}`;
}
