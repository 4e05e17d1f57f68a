/**
 * Token colours of the editor's active theme. The editor gives them to nobody, so the theme's own file is read, with
 * the files it includes; where that fails there are defaults for light, dark and both kinds of high contrast.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { ThemeRegistration } from 'shiki/core';
import darkPlus from 'shiki/themes/dark-plus.mjs';
import lightPlus from 'shiki/themes/light-plus.mjs';
import { parseJsonc } from './jsonc';

export type ThemeKind = 'light' | 'dark' | 'highContrast' | 'highContrastLight';

/** A colour rule as theme files and settings have it. */
export interface TokenRule {
  readonly scope?: string | readonly string[];
  readonly settings: { readonly foreground?: string; readonly fontStyle?: string };
}

/** What an extension's package.json says about one of its themes. */
export interface ContributedTheme {
  readonly id?: string;
  readonly label?: string;
  readonly uiTheme?: string;
  /** Absolute path of its file. */
  readonly file: string;
}

/** A theme that includes itself must end somewhere. */
const MOST_INCLUDES = 10;

const kindsByUiTheme: Readonly<Record<string, ThemeKind>> = {
  vs: 'light',
  'vs-dark': 'dark',
  'hc-black': 'highContrast',
  'hc-light': 'highContrastLight',
};

/** The theme of that name, if its file can be read and it is of the kind shown; else the default of the kind. */
export function readTheme(
  name: string,
  kind: ThemeKind,
  themes: readonly ContributedTheme[],
  customRules: readonly TokenRule[] = [],
): ThemeRegistration {
  const found = themes.find(
    (theme) =>
      (theme.id === name || theme.label === name) &&
      kindsByUiTheme[theme.uiTheme ?? 'vs-dark'] === kind,
  );
  const rules = found && readRules(found.file, MOST_INCLUDES);
  const base = rules && rules.length > 0 ? rules : defaultRules[kind];
  return asTheme(kind, [...base, ...customRules]);
}

/** Rules of `editor.tokenColorCustomizations` that hold for the theme: those for all themes, then its own. */
export function customTokenRules(setting: unknown, themeName: string): TokenRule[] {
  if (!isRecord(setting)) return [];
  const own = setting[`[${themeName}]`];
  return [setting, ...(isRecord(own) ? [own] : [])].flatMap(rulesOfSetting);
}

/** Names of the simple groups in that setting, and the scopes they mean. */
const groups: Readonly<Record<string, readonly string[]>> = {
  comments: ['comment', 'punctuation.definition.comment'],
  strings: ['string', 'meta.embedded.assembly'],
  keywords: ['keyword - keyword.operator', 'keyword.control', 'storage', 'storage.type'],
  numbers: ['constant.numeric'],
  types: ['entity.name.type', 'entity.name.class', 'support.type', 'support.class'],
  functions: ['entity.name.function', 'support.function'],
  variables: ['variable', 'entity.name.variable'],
};

function rulesOfSetting(setting: Readonly<Record<string, unknown>>): TokenRule[] {
  const simple = Object.entries(groups).flatMap(([name, scope]): TokenRule[] => {
    const value = setting[name];
    if (typeof value === 'string') return [{ scope, settings: { foreground: value } }];
    return isRecord(value) ? [{ scope, settings: value }] : [];
  });
  const { textMateRules } = setting;
  return [...simple, ...(Array.isArray(textMateRules) ? textMateRules.filter(isRule) : [])];
}

/** Rules of a theme's file after those of the file it includes; empty where it cannot be read. */
function readRules(file: string, includesLeft: number): TokenRule[] {
  if (includesLeft === 0) return [];
  const theme = readJsonc(file);
  if (!isRecord(theme)) return [];
  const { include, tokenColors } = theme;
  const beside = (name: string): string => path.resolve(path.dirname(file), name);
  const included = typeof include === 'string' ? readRules(beside(include), includesLeft - 1) : [];
  const own = typeof tokenColors === 'string' ? readJsonc(beside(tokenColors)) : tokenColors;
  return [...included, ...(Array.isArray(own) ? own.filter(isRule) : [])];
}

function readJsonc(file: string): unknown {
  try {
    return parseJsonc(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined; // gone, no JSON, or an old property list: the defaults do
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRule(value: unknown): value is TokenRule {
  return isRecord(value) && isRecord(value.settings);
}

let themeCount = 0;

/** The name is new each time: the highlighter keeps what it knows under a name. */
function asTheme(kind: ThemeKind, rules: readonly TokenRule[]): ThemeRegistration {
  const isDark = kind === 'dark' || kind === 'highContrast';
  return {
    name: `editor-${themeCount++}`,
    type: isDark ? 'dark' : 'light',
    colors: {
      'editor.foreground': foregrounds[kind],
      'editor.background': isDark ? '#000000' : '#ffffff',
    },
    tokenColors: rules.map(({ scope, settings }) => ({
      scope: scope === undefined || typeof scope === 'string' ? scope : [...scope],
      settings: { ...settings },
    })),
  };
}

const foregrounds: Readonly<Record<ThemeKind, string>> = {
  light: '#3b3b3b',
  dark: '#cccccc',
  highContrast: '#ffffff',
  highContrastLight: '#292929',
};

const highContrastLightRules: readonly TokenRule[] = [
  { scope: ['comment', 'punctuation.definition.comment'], settings: { foreground: '#515151' } },
  { scope: ['string', 'meta.embedded.assembly'], settings: { foreground: '#0f4a85' } },
  { scope: ['constant.numeric', 'constant.language'], settings: { foreground: '#096d48' } },
  { scope: ['keyword', 'storage', 'storage.type'], settings: { foreground: '#0f4a85' } },
  { scope: ['keyword.control'], settings: { foreground: '#b5200d' } },
  { scope: ['keyword.operator'], settings: { foreground: '#000000' } },
  { scope: ['entity.name.function', 'support.function'], settings: { foreground: '#5e2cbc' } },
  {
    scope: ['entity.name.type', 'support.type', 'support.class'],
    settings: { foreground: '#185e73' },
  },
  { scope: ['variable', 'entity.name.variable'], settings: { foreground: '#001080' } },
  { scope: ['entity.name.tag'], settings: { foreground: '#0f4a85' } },
  { scope: ['entity.other.attribute-name'], settings: { foreground: '#264f78' } },
  { scope: ['markup.heading', 'markup.bold'], settings: { fontStyle: 'bold' } },
];

const darkRules = (darkPlus.tokenColors ?? []).filter(isRule);

const defaultRules: Readonly<Record<ThemeKind, readonly TokenRule[]>> = {
  dark: darkRules,
  light: (lightPlus.tokenColors ?? []).filter(isRule),
  highContrast: [
    ...darkRules,
    { scope: ['comment', 'punctuation.definition.comment'], settings: { foreground: '#7ca668' } },
  ],
  highContrastLight: highContrastLightRules,
};
