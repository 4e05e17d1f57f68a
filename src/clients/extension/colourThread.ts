/**
 * Entry of the thread that colours snippets: TextMate grammars take tens of milliseconds to load, which the
 * extension's own thread does not have. A snippet becomes lines of [length, style] pairs; styles are numbered as they
 * first occur and told along.
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { createHighlighterCore, type HighlighterCore, type ThemeRegistration } from 'shiki/core';
import { createOnigurumaEngine } from 'shiki/engine/oniguruma';
import type { ColouredLine, TokenStyle } from '../../protocol/panelMessages';
import { opened } from './snippetContext';

export interface ColourTask {
  readonly id: number;
  readonly theme: ThemeRegistration;
  readonly items: readonly { readonly text: string; readonly language: string }[];
}

export interface ColourAnswer {
  readonly id: number;
  /** A list of lines for each item; undefined where the language has no grammar. */
  readonly lines: readonly (readonly ColouredLine[] | undefined)[];
  /** All styles so far of this theme. */
  readonly styles: readonly TokenStyle[];
  readonly problem?: string;
}

interface LanguageEntry {
  readonly language: string;
  readonly grammars: readonly string[];
}

/** Bits of a TextMate font style. */
const ITALIC = 1;
const BOLD = 2;
const UNDERLINE = 4;
/** A line longer than this is left plain; grammars can take seconds for one. */
const LONGEST_LINE = 1000;
/** Includes compiling a grammar's patterns, which the first line of a language pays for. */
const LONGEST_LINE_MS = 2000;

const { folder } = workerData as { readonly folder: string };
let highlighter: Promise<HighlighterCore> | undefined;
let index: Promise<Readonly<Record<string, LanguageEntry>>> | undefined;
let themeName = '';
/** Text that no rule colours; the panel's own colour of text does as well, and follows the theme by itself. */
let plainColour: string | undefined;
let styles: TokenStyle[] = [];
let styleNumbers = new Map<string, number>();

async function answer({ id, theme, items }: ColourTask): Promise<ColourAnswer> {
  try {
    const core = await (highlighter ??= createHighlighterCore({
      engine: createOnigurumaEngine(import('shiki/wasm')),
    }));
    await useTheme(core, theme);
    const lines: (readonly ColouredLine[] | undefined)[] = [];
    for (const { text, language } of items) lines.push(await colour(core, text, language));
    return { id, lines, styles };
  } catch (error) {
    return { id, lines: items.map(() => undefined), styles, problem: String(error) };
  }
}

async function useTheme(core: HighlighterCore, theme: ThemeRegistration): Promise<void> {
  if (theme.name === themeName) return;
  await core.loadTheme(theme);
  themeName = theme.name ?? '';
  plainColour = theme.colors?.['editor.foreground'];
  styles = [];
  styleNumbers = new Map();
}

async function colour(
  core: HighlighterCore,
  text: string,
  language: string,
): Promise<ColouredLine[] | undefined> {
  const entry = (await readIndex())[language];
  if (!entry) return undefined;
  if (!core.getLoadedLanguages().includes(entry.language))
    await core.loadLanguage(...(await Promise.all(entry.grammars.map(readGrammar))));
  const { prefix, skippedLines } = opened(text, entry.language);
  const tokens = core.codeToTokensBase(prefix + text, {
    lang: entry.language,
    theme: themeName,
    tokenizeMaxLineLength: LONGEST_LINE,
    tokenizeTimeLimit: LONGEST_LINE_MS,
  });
  return tokens
    .slice(skippedLines)
    .map((line) =>
      line.map(({ content, color, fontStyle }) => [
        content.length,
        styleNumber(color, fontStyle ?? 0),
      ]),
    );
}

function styleNumber(color: string | undefined, fontStyle: number): number {
  const isColour =
    color !== undefined && color.toLowerCase() !== plainColour && /^#[0-9a-f]{3,8}$/i.test(color);
  const style: TokenStyle = {
    color: isColour ? color : undefined,
    isBold: (fontStyle & BOLD) > 0,
    isItalic: (fontStyle & ITALIC) > 0,
    isUnderlined: (fontStyle & UNDERLINE) > 0,
  };
  const key = JSON.stringify(style);
  const known = styleNumbers.get(key);
  if (known !== undefined) return known;
  styleNumbers.set(key, styles.length);
  styles.push(style);
  return styles.length - 1;
}

function readIndex(): Promise<Readonly<Record<string, LanguageEntry>>> {
  return (index ??= readJson('index.json'));
}

function readGrammar(name: string): Promise<never> {
  return readJson(`${name}.json`);
}

async function readJson<T>(name: string): Promise<T> {
  return JSON.parse(await fs.readFile(path.join(folder, name), 'utf8')) as T;
}

/** One task after the other: languages and themes are loaded once. */
let last: Promise<unknown> = Promise.resolve();
parentPort?.on('message', (task: ColourTask) => {
  last = last.then(async () => parentPort?.postMessage(await answer(task)));
});
