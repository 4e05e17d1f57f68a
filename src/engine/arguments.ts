/** The arguments of the engine's own process; its callers are our clients, so a mistake is theirs. */
import { parseArgs } from 'node:util';
import { BugError } from '../base/errors';
import { resolveDataFolder } from '../protocol/engineLock';

export type TaskName = 'doctor' | 'clear';

export interface EngineArguments {
  readonly dataFolder: string;
  readonly idleMs?: number;
  /** Overrides the setting of the data folder. */
  readonly provider?: string;
  /** No version is measured again by itself, whatever the settings of the data folder say. */
  readonly isMeasuringOff: boolean;
  readonly task?: TaskName;
  readonly folder?: string;
  readonly isAll: boolean;
  /** Marks go as well. */
  readonly marks: boolean;
  readonly fix: boolean;
}

export function readEngineArguments(args: readonly string[]): EngineArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      'idle-ms': { type: 'string' },
      provider: { type: 'string' },
      'no-measuring': { type: 'boolean', default: false },
      task: { type: 'string' },
      folder: { type: 'string' },
      all: { type: 'boolean', default: false },
      marks: { type: 'boolean', default: false },
      fix: { type: 'boolean', default: false },
    },
  });
  const { task, folder } = values;
  if (task !== undefined && task !== 'doctor' && task !== 'clear')
    throw new BugError(`No task ${task}`);
  return {
    dataFolder: resolveDataFolder(values.data),
    idleMs: values['idle-ms'] === undefined ? undefined : Number(values['idle-ms']),
    provider: values.provider,
    isMeasuringOff: values['no-measuring'],
    task,
    folder,
    isAll: values.all,
    marks: values.marks,
    fix: values.fix,
  };
}
