/** `status`, `why`, `doctor`, `clear`, `pause` and `resume`. */
import * as path from 'node:path';
import { NearmissError } from '../../base/errors';
import type { Finding } from '../../protocol/engineLock';
import type { EngineStatus } from '../../protocol/types';
import { isEngineThere, stopEngine } from '../engineClient';
import { runEngineTask } from '../engineTask';
import { exitDone, exitRemains } from './failure';
import { harmless, megabytes, plural } from './format';
import { progressText } from './progress';
import {
  agree,
  CliSession,
  type CommonOptions,
  engineFile,
  existingFolder,
  fileOf,
  printJson,
  printLine,
  withSession,
} from './session';

interface FolderOption extends CommonOptions {
  readonly folder?: string;
}

export function status(options: FolderOption): Promise<number> {
  return withSession(options, async ({ client }) => {
    const folder = options.folder === undefined ? undefined : existingFolder(options.folder);
    printStatus(await client.call('status', { folder }), options);
    return exitDone;
  });
}

export function pause(given: string | undefined, options: CommonOptions): Promise<number> {
  return withSession(options, async ({ client }) => {
    const folder = given === undefined ? undefined : existingFolder(given);
    printStatus(await client.call('pause', { folder }), options);
    return exitDone;
  });
}

export function resume(given: string | undefined, options: CommonOptions): Promise<number> {
  return withSession(options, async ({ client }) => {
    const folder = given === undefined ? undefined : existingFolder(given);
    printStatus(await client.call('resume', { folder }), options);
    return exitDone;
  });
}

export function why(file: string, options: FolderOption): Promise<number> {
  return withSession(options, async ({ client }) => {
    const folder = existingFolder(options.folder ?? '.');
    const result = await client.call('why', { folder, path: fileOf(folder, file) });
    if (options.json) printJson(result);
    else for (const reason of result.reasons) printLine(reason);
    return exitDone;
  });
}

export async function doctor(options: CommonOptions & { readonly fix?: boolean }): Promise<number> {
  const { dataFolder } = new CliSession(options);
  const findings: Finding[] = [];
  if (options.fix) await stopEngine(dataFolder);
  await runEngineTask({
    engineFile,
    dataFolder,
    task: 'doctor',
    taskArguments: options.fix ? ['--fix'] : [],
    onFinding(finding) {
      findings.push(finding);
      if (!options.json) printLine(`${finding.level.padEnd(4)}  ${finding.name}: ${finding.text}`);
    },
  });
  if (options.json) printJson(findings);
  return findings.some(({ level }) => level === 'fail') ? exitRemains : exitDone;
}

interface ClearOptions extends CommonOptions {
  readonly all?: boolean;
  readonly marks?: boolean;
}

export async function clear(given: string, options: ClearOptions): Promise<number> {
  const folder = options.all ? undefined : path.resolve(given);
  const session = new CliSession(options);
  try {
    const loss = lossOf(folder, options);
    if (loss !== undefined) await agree(session, loss);
    const { freedBytes } = await clearBy(session, folder, options.marks ?? false);
    if (options.json) printJson({ freedBytes });
    else printLine(`${megabytes(freedBytes)} freed`);
    return exitDone;
  } finally {
    session.dispose();
  }
}

/** What a person should know before it is gone. One folder's index is made again by its next search, so nobody is asked. */
function lossOf(folder: string | undefined, { marks }: ClearOptions): string | undefined {
  const whose = folder ?? 'all folders';
  if (marks)
    return `The index of ${whose} goes, and for good all marks there and what was learned from them`;
  if (folder !== undefined) return undefined;
  return 'The indexes of all folders and all embeddings go; marks stay, the rest is made anew when it is needed, which takes its time';
}

/** By the engine where one runs, which then lets go of the files first; by a process of its own otherwise. */
async function clearBy(
  { client, dataFolder }: CliSession,
  folder: string | undefined,
  withMarks: boolean,
): Promise<{ freedBytes: number }> {
  if (await isEngineThere(dataFolder)) {
    try {
      if (withMarks) return await client.call('forgetAll', { folder });
      return await client.call('clear', { folder, isAll: folder === undefined });
    } catch (error) {
      if (!(error instanceof NearmissError) || error.code !== 'engine') throw error;
    }
  }
  const aim = folder === undefined ? ['--all'] : ['--folder', folder];
  const taskArguments = withMarks ? [...aim, '--marks'] : aim;
  const result = await runEngineTask({ engineFile, dataFolder, task: 'clear', taskArguments });
  return { freedBytes: result.freedBytes ?? 0 };
}

function printStatus(engine: EngineStatus, { json }: CommonOptions): void {
  if (json) printJson(engine);
  else for (const line of statusLines(engine)) printLine(line);
}

function statusLines(engine: EngineStatus): string[] {
  const lines = [
    `Nearmiss ${engine.version}, engine ${engine.pid}, ${megabytes(engine.memoryBytes)}, data in ${engine.dataFolder}`,
  ];
  if (engine.encoder) {
    const { name, arithmetic, provider, dimension, reason, figures } = engine.encoder;
    lines.push(`Model ${name} (${dimension}), ${arithmetic} on ${provider}: ${reason}`);
    lines.push(...figures.map((figure) => `  ${figure}`));
  }
  lines.push(...engine.problems);
  if (engine.isPaused) lines.push('Indexing is paused; go on with `nearmiss resume`');
  if (engine.folders.length === 0) lines.push('No folder is indexed');
  for (const folder of engine.folders) {
    lines.push(
      `${folder.folder}: ${plural(folder.documentCount, 'file')}, ${progressText(folder)}`,
    );
    const learned = engine.learned?.find((one) => one.folder === folder.folder);
    if (learned && learned.version !== 'base')
      lines.push(
        harmless(`  Version ${learned.version} answers; \`nearmiss versions\` tells of it`),
      );
    lines.push(...(learned?.notices ?? []).map((notice) => harmless(`  ${notice}`)));
  }
  return lines;
}
