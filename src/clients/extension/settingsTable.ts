/**
 * Every setting of the extension with its kind, default and range. The manifest says the same to the editor, a test
 * holds the two together. A bad value never stops anything: one sentence, and the default counts.
 */
import type { Translate } from '../../base/translate';

interface NumberSetting {
  readonly kind: 'number';
  readonly initial: number;
  readonly min: number;
  readonly max: number;
}
interface ChoiceSetting {
  readonly kind: 'choice';
  readonly initial: string;
  readonly choices: readonly string[];
}
interface BooleanSetting {
  readonly kind: 'boolean';
  readonly initial: boolean;
}
interface TextSetting {
  readonly kind: 'text';
  readonly initial: string;
}
interface ListSetting {
  readonly kind: 'list';
  readonly initial: readonly string[];
}
export type Setting = NumberSetting | ChoiceSetting | BooleanSetting | TextSetting | ListSetting;

const noStrings: readonly string[] = [];

/** By the name after "nearmiss.". */
export const settingsTable = {
  dataFolder: { kind: 'text', initial: '' },
  model: { kind: 'text', initial: '' },
  provider: {
    kind: 'choice',
    initial: 'auto',
    choices: ['auto', 'cpu', 'webgpu', 'dml', 'coreml', 'cuda'],
  },
  memoryLimit: { kind: 'number', initial: 2048, min: 512, max: 16_384 },
  'indexing.enabled': { kind: 'boolean', initial: true },
  'indexing.include': { kind: 'list', initial: noStrings },
  'indexing.exclude': { kind: 'list', initial: noStrings },
  'search.hitCount': { kind: 'number', initial: 30, min: 5, max: 200 },
  'search.rerank': { kind: 'boolean', initial: true },
  'search.previewOnHover': { kind: 'boolean', initial: true },
  'search.delay': { kind: 'number', initial: 120, min: 0, max: 2000 },
  'marks.learnFromOpenedHits': { kind: 'boolean', initial: false },
  'marks.shareByRepository': { kind: 'boolean', initial: false },
  'learning.guardPastQueries': { kind: 'boolean', initial: false },
  'learning.automatic': { kind: 'boolean', initial: false },
  'learning.measureAgain': { kind: 'boolean', initial: true },
  'usage.enabled': { kind: 'boolean', initial: true },
  'usage.pulse': { kind: 'boolean', initial: false },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settingsTable;

type ValueOf<S extends Setting> = S extends NumberSetting
  ? number
  : S extends BooleanSetting
    ? boolean
    : S extends ListSetting
      ? readonly string[]
      : string;

export type SettingValue<N extends SettingName> = ValueOf<(typeof settingsTable)[N]>;

/** A value as the editor gave it, checked; with a sentence where the default counts in its place. */
export function checkSetting<N extends SettingName>(
  name: N,
  given: unknown,
  t: Translate,
): { readonly value: SettingValue<N>; readonly problem?: string } {
  const setting: Setting = settingsTable[name];
  const value = given ?? setting.initial;
  const wanted = whatIsWrong(setting, value, t);
  if (wanted === undefined) return { value: value as SettingValue<N> };
  const initial = JSON.stringify(setting.initial);
  return {
    value: setting.initial as SettingValue<N>,
    problem: t('The setting nearmiss.{0} must be {1}; {2} is used instead', name, wanted, initial),
  };
}

/** What the value should have been, or undefined when it is right. */
function whatIsWrong(setting: Setting, value: unknown, t: Translate): string | undefined {
  if (setting.kind === 'number') {
    const { min, max } = setting;
    const isRight = typeof value === 'number' && min <= value && value <= max;
    return isRight ? undefined : t('a number from {0} to {1}', min, max);
  }
  if (setting.kind === 'choice') {
    const isRight = typeof value === 'string' && setting.choices.includes(value);
    return isRight ? undefined : t('one of {0}', setting.choices.join(', '));
  }
  if (setting.kind === 'list') {
    const isRight = Array.isArray(value) && value.every((item) => typeof item === 'string');
    return isRight ? undefined : t('a list of patterns');
  }
  if (setting.kind === 'boolean')
    return typeof value === 'boolean' ? undefined : t('true or false');
  return typeof value === 'string' ? undefined : t('text');
}
