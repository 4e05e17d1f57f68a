/** `nearmiss models`. */
import * as path from 'node:path';
import type { ModelInfo } from '../../protocol/types';
import { exitDone, exitFailed } from './failure';
import { megabytes } from './format';
import { type CommonOptions, printJson, printLine, withSession } from './session';

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

export function addModel(folder: string, options: CommonOptions): Promise<number> {
  return withSession(options, async ({ client, signal }) => {
    print([await client.call('addModel', { folder: path.resolve(folder) }, signal)], options);
    return exitDone;
  });
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
