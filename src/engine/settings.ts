/**
 * Every option of the engine with its default, unit and range. `settings.json` in the data folder overrides;
 * the command line overrides that. Rooms take plain values and know nothing of this file.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { NearmissError, systemCode } from '../base/errors';

interface NumberOption {
  readonly initial: number;
  readonly unit: 'ms' | 'files' | 'chunks' | 'candidates' | 'hits' | 'bytes' | 'threads' | 'levels';
  readonly min: number;
  readonly max: number;
  readonly what: string;
}

interface ChoiceOption {
  readonly initial: string;
  readonly choices: readonly string[];
  readonly what: string;
}

export const numberOptions = {
  idleMs: {
    initial: 600_000,
    unit: 'ms',
    min: 0,
    max: 86_400_000,
    what: 'How long an engine without clients and work stays',
  },
  largeFolderFileCount: {
    initial: 100_000,
    unit: 'files',
    min: 1,
    max: 10_000_000,
    what: 'Above so many files a folder is indexed only when the user agrees',
  },
  maxFileBytes: {
    initial: 1_000_000,
    unit: 'bytes',
    min: 1000,
    max: 100_000_000,
    what: 'Larger files are skipped and listed',
  },
  graphFromCount: {
    initial: 20_000,
    unit: 'chunks',
    min: 1000,
    max: 10_000_000,
    what: 'From so many chunks a graph answers instead of the exact scan',
  },
  rerankCount: {
    initial: 30,
    unit: 'candidates',
    min: 0,
    max: 200,
    what: 'Candidates the re-ranker reads when there is no clock',
  },
  perFile: {
    initial: 3,
    unit: 'hits',
    min: 1,
    max: 1000,
    what: 'At most so many hits of one file',
  },
  threads: {
    initial: 0,
    unit: 'threads',
    min: 0,
    max: 256,
    what: 'Threads of a model session; 0 lets the engine choose',
  },
  learningNiceness: {
    initial: 10,
    unit: 'levels',
    min: 0,
    max: 19,
    what: 'How far learning stands back for other programs, 0 not at all',
  },
  liveWithinMs: {
    initial: 500,
    unit: 'ms',
    min: 0,
    max: 600_000,
    what: 'So long after an answer is shown it may become a mixture with that of a version compared live',
  },
  measureAgainAfterMs: {
    initial: 300_000,
    unit: 'ms',
    min: 0,
    max: 86_400_000,
    what: 'So long nobody searches before a version whose folder has changed much is measured again; 0 never',
  },
} as const satisfies Record<string, NumberOption>;

export const choiceOptions = {
  provider: {
    initial: 'auto',
    choices: ['auto', 'cpu', 'webgpu', 'dml', 'coreml', 'cuda'],
    what: 'Which execution provider runs the models; auto times those that start',
  },
  logLevel: {
    initial: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    what: 'What the log holds',
  },
} as const satisfies Record<string, ChoiceOption>;

export type Settings = { readonly [K in keyof typeof numberOptions]: number } & {
  readonly [K in keyof typeof choiceOptions]: string;
};

/** The settings of a data folder, each checked against its range; what is given besides overrides them. */
export function readSettings(
  dataFolder: string,
  overrides: Readonly<Record<string, unknown>> = {},
): Settings {
  const file = settingsPath(dataFolder);
  const given = { ...parseSettings(readText(file), file), ...overrides };
  const numbers = Object.entries<NumberOption>(numberOptions).map(([name, option]) => [
    name,
    checkedNumber(name, option, given[name], file),
  ]);
  const choices = Object.entries<ChoiceOption>(choiceOptions).map(([name, option]) => [
    name,
    checkedChoice(name, option, given[name], file),
  ]);
  return Object.fromEntries([...numbers, ...choices]) as Settings;
}

function settingsPath(dataFolder: string): string {
  return path.join(dataFolder, 'settings.json');
}

function checkedNumber(name: string, option: NumberOption, value: unknown, file: string): number {
  if (value === undefined) return option.initial;
  if (typeof value === 'number' && option.min <= value && value <= option.max) return value;
  const range = `${option.min} to ${option.max} ${option.unit}`;
  throw new NearmissError('usage', `${file}: ${name} must be ${range}`, 'Correct or remove it');
}

function checkedChoice(name: string, option: ChoiceOption, value: unknown, file: string): string {
  if (value === undefined) return option.initial;
  if (typeof value === 'string' && option.choices.includes(value)) return value;
  const choices = `one of ${option.choices.join(', ')}`;
  throw new NearmissError('usage', `${file}: ${name} must be ${choices}`, 'Correct or remove it');
}

function parseSettings(text: string | undefined, file: string): Record<string, unknown> {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    throw new NearmissError('usage', `${file} is not valid JSON`, 'Correct or remove it', {
      cause: error,
    });
  }
  throw new NearmissError('usage', `${file} must hold one object`, 'Correct or remove it');
}

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
