/**
 * What the user typed, understood: filters and syntax taken out, and the kind of query told apart, because
 * a bare symbol wants its definition, a path wants its file, and a question wants meaning.
 *
 * Syntax: "exact phrase"  -word  path:GLOB  lang:NAME  kind:NAME. Everything else is plain words.
 */
import picomatch from 'picomatch';
import { CHUNK_KINDS, type ChunkKind } from '../documents/document';
import type { Tokenizer } from '../encoders/types';
import type { ChunkFilter } from '../store/types';
import { queryTermsOf, termsOf } from '../store/terms';

export type QueryKind = 'symbol' | 'path' | 'words' | 'question';

/** Sorts of files that stand lower unless the query asks for them. */
export interface AskedFor {
  readonly tests: boolean;
  readonly examples: boolean;
  readonly documentation: boolean;
  readonly declarations: boolean;
  readonly configuration: boolean;
  readonly changes: boolean;
  readonly generated: boolean;
}

export interface Query {
  /** The words without the syntax: what encoders read. */
  readonly text: string;
  readonly kind: QueryKind;
  /** Terms for BM25, stop words out. */
  readonly terms: readonly string[];
  readonly phrases: readonly (readonly string[])[];
  readonly without: readonly string[];
  /** Identifiers as typed: the symbol itself, or names inside a sentence. */
  readonly identifiers: readonly string[];
  readonly asksFor: AskedFor;
  readonly filter: ChunkFilter;
  /** Conditions that name nothing known ("kind:foo"), for a sentence. */
  readonly problems: readonly string[];
}

/** Longest query that is read; the rest is dropped, nobody asks 10,000 words. */
const MAX_QUERY_CHARACTERS = 8_000;
/** From this share of unknown tokens on, embeddings of the text mean nothing. */
const MOSTLY_UNKNOWN = 0.5;
/** Filters after which the value may be quoted. */
const TOKEN = /(-?)(?:(path|lang|kind):)?(?:"([^"]*)"|(\S+))/gu;

export function parseQuery(typed: string): Query {
  const parts = splitSyntax(typed.slice(0, MAX_QUERY_CHARACTERS));
  const text = parts.words.join(' ').trim();
  const kind = kindOfQuery(text);
  return {
    text,
    kind,
    terms: queryTermsOf(text),
    phrases: parts.phrases.map((phrase) => termsOf(phrase)).filter((terms) => terms.length > 0),
    without: parts.without.flatMap((word) => termsOf(word).slice(0, 1)),
    identifiers: identifiersOf(text, kind),
    asksFor: askedFor(text),
    filter: filterOf(parts),
    problems: parts.problems,
  };
}

/** True for text whose embedding means nothing: most of its tokens are outside the vocabulary. */
export function isMostlyUnknown(tokenizer: Tokenizer | undefined, text: string): boolean {
  return tokenizer !== undefined && text !== '' && tokenizer.unknownShare(text) > MOSTLY_UNKNOWN;
}

/** All conditions of both filters. */
export function joinFilters(a: ChunkFilter, b: ChunkFilter | undefined): ChunkFilter {
  if (!b) return a;
  const paths = [a.path, b.path].filter((path) => path !== undefined);
  return {
    path: paths.length === 0 ? undefined : (path) => paths.every((accepts) => accepts(path)),
    languages: intersect(a.languages, b.languages),
    kinds: intersect(a.kinds, b.kinds),
  };
}

/** Accepts a path that any of the globs matches; a glob without a slash matches the file name or a folder. */
export function pathMatcher(globs: readonly string[]): (path: string) => boolean {
  const patterns = globs.flatMap((glob) => {
    const clean = glob.replace(/^\.?\//, '').replace(/\/$/, '/**');
    return clean.includes('/') ? [clean, `${clean}/**`] : [`**/${clean}`, `**/${clean}/**`];
  });
  return picomatch(patterns, { dot: true, nocase: false });
}

interface SyntaxParts {
  words: string[];
  phrases: string[];
  without: string[];
  path: string[];
  notPath: string[];
  languages: string[];
  kinds: ChunkKind[];
  problems: string[];
}

function splitSyntax(typed: string): SyntaxParts {
  const parts: SyntaxParts = {
    words: [],
    phrases: [],
    without: [],
    path: [],
    notPath: [],
    languages: [],
    kinds: [],
    problems: [],
  };
  for (const match of typed.matchAll(TOKEN)) {
    const [whole, minus, filter, quoted, bare] = match;
    const value = quoted ?? bare ?? '';
    if (value === '') continue;
    if (filter) addFilter(parts, filter, value, minus === '-');
    else if (minus === '-' && /[\p{L}\p{N}]/u.test(value)) parts.without.push(value);
    else if (quoted !== undefined) {
      parts.phrases.push(value);
      parts.words.push(value);
    } else parts.words.push(whole);
  }
  return parts;
}

function addFilter(parts: SyntaxParts, filter: string, value: string, isNegative: boolean): void {
  if (filter === 'path') (isNegative ? parts.notPath : parts.path).push(value);
  else if (filter === 'lang') parts.languages.push(...value.toLowerCase().split(','));
  else {
    for (const name of value.toLowerCase().split(',')) {
      const kind = CHUNK_KINDS.find((known) => known === name || known.startsWith(name));
      if (kind) parts.kinds.push(kind);
      else parts.problems.push(`kind:${name} is none of ${CHUNK_KINDS.join(', ')}`);
    }
  }
}

function filterOf(parts: SyntaxParts): ChunkFilter {
  const wanted = parts.path.length > 0 ? pathMatcher(parts.path) : undefined;
  const unwanted = parts.notPath.length > 0 ? pathMatcher(parts.notPath) : undefined;
  const hasPath = wanted !== undefined || unwanted !== undefined;
  return {
    path: hasPath ? (path) => (wanted?.(path) ?? true) && !unwanted?.(path) : undefined,
    languages: parts.languages.length > 0 ? languageSet(parts.languages) : undefined,
    kinds: parts.kinds.length > 0 ? new Set(parts.kinds) : undefined,
  };
}

/** Short names people type for the languages' identifiers. */
const LANGUAGE_NAMES: Readonly<Record<string, readonly string[]>> = {
  ts: ['typescript', 'typescriptreact'],
  typescript: ['typescript', 'typescriptreact'],
  tsx: ['typescriptreact'],
  js: ['javascript', 'javascriptreact'],
  javascript: ['javascript', 'javascriptreact'],
  jsx: ['javascriptreact'],
  py: ['python'],
  rb: ['ruby'],
  rs: ['rust'],
  golang: ['go'],
  kt: ['kotlin'],
  'c++': ['cpp'],
  'c#': ['csharp'],
  cs: ['csharp'],
  sh: ['shellscript'],
  bash: ['shellscript'],
  shell: ['shellscript'],
  md: ['markdown'],
  rst: ['restructuredtext'],
  adoc: ['asciidoc'],
  yml: ['yaml'],
  hs: ['haskell'],
  ex: ['elixir'],
  text: ['plaintext'],
};

/** Identifiers of the languages a person's names stand for ("ts" is TypeScript with and without JSX). */
export function languageSet(names: readonly string[]): ReadonlySet<string> {
  return new Set(
    names.flatMap((name) => LANGUAGE_NAMES[name.toLowerCase()] ?? [name.toLowerCase()]),
  );
}

function intersect<T>(
  a: ReadonlySet<T> | undefined,
  b: ReadonlySet<T> | undefined,
): ReadonlySet<T> | undefined {
  if (!a || !b) return a ?? b;
  return new Set([...a].filter((item) => b.has(item)));
}

const QUALIFIED =
  /^[\p{L}_$][\p{L}\p{N}_$]*(?:(?:\.|::|->|#|\\)[\p{L}_$][\p{L}\p{N}_$]*)+(?:\(\))?$/u;
const IDENTIFIER = /^[\p{L}_$@][\p{L}\p{N}_$]*(?:\(\))?[?!]?$/u;
const FILE_NAME = /^[\w@.\-[\]()]*\w\.[a-z][a-z0-9]{0,5}$/i;
const QUESTION_WORD =
  /^(?:how|what|where|which|when|why|who|whose|can|could|does|do|is|are|should|will|find|show|list|explain)$/i;

function kindOfQuery(text: string): QueryKind {
  if (text === '') return 'words';
  if (!/\s/.test(text)) {
    if (text.includes('/') || text.includes('\\\\')) return 'path';
    if (FILE_NAME.test(text) && looksLikeFile(text)) return 'path';
    if (QUALIFIED.test(text) || (IDENTIFIER.test(text) && isSymbolShaped(text))) return 'symbol';
    return 'words';
  }
  const words = text.split(/\s+/);
  if (QUESTION_WORD.test(words[0]!) || text.endsWith('?')) return 'question';
  return words.length >= 5 ? 'question' : 'words';
}

/** Extensions that make `name.ext` a file rather than a member of an object. */
const EXTENSION =
  /\.(?:[cm]?[jt]sx?|py|pyi|go|rs|java|kts?|c|h|cc|cpp|hpp|cs|php|rb|swift|scala|sh|lua|zig|exs?|hs|sql|s?css|less|html?|ya?ml|toml|jsonc?|md|mdx|rst|adoc|txt|ipynb|xml|ini|cfg|conf|lock|proto|vue|svelte)$/i;

function looksLikeFile(text: string): boolean {
  return EXTENSION.test(text);
}

/** A single word is a symbol when it could hardly be plain language: inner capital, underscore, digit, call. */
function isSymbolShaped(text: string): boolean {
  return /_|\$|\(\)$|^@/.test(text) || /\p{Lu}/u.test(text) || /\p{L}\p{N}/u.test(text);
}

function identifiersOf(text: string, kind: QueryKind): string[] {
  if (kind === 'path') return [];
  if (kind === 'symbol') return [text.replace(/\(\)$/, '').replace(/^@/, '')];
  const found = text.match(
    /[\p{L}_$][\p{L}\p{N}_$]*(?:(?:\.|::|->|#)[\p{L}_$][\p{L}\p{N}_$]*)*(?:\(\))?/gu,
  );
  const names = (found ?? [])
    .filter((word) => isNameInSentence(word))
    .map((word) => word.replace(/\(\)$/, ''));
  return [...new Set(names)];
}

/** In a sentence only a shape that language never has counts: an inner capital, an underscore, `a.b`, `call()`. */
function isNameInSentence(word: string): boolean {
  return (
    /[\p{Ll}\p{N}]\p{Lu}/u.test(word) ||
    /^\p{Lu}{2,}\p{Ll}/u.test(word) ||
    /[\p{L}\p{N}]_[\p{L}\p{N}]|^_|::|->|#|\(\)$/u.test(word) ||
    /^[\p{L}_$][\p{L}\p{N}_$]*\.[\p{L}_$]/u.test(word)
  );
}

function askedFor(text: string): AskedFor {
  const has = (pattern: RegExp): boolean => pattern.test(text);
  return {
    tests: has(
      /\b(?:tests?|testing|tested|specs?|fixtures?|mock(?:s|ed|ing)?|unit)\b|_test\b|\btest_|\.(?:test|spec)\./i,
    ),
    examples: has(/\b(?:examples?|samples?|demos?|tutorials?|usage)\b/i),
    documentation: has(/\b(?:docs?|documentation|readme|guide|manual)\b|\.md\b/i),
    declarations: has(/\b(?:typings?|declarations?|d\.ts|type definitions?)\b/i),
    configuration: has(
      /\b(?:config(?:uration)?|settings?|package\.json|dependenc(?:y|ies)|version|yaml|toml|json)\b/i,
    ),
    changes: has(/\b(?:change ?logs?|release notes?|history|what'?s new)\b/i),
    generated: has(/\b(?:generated|bundled?|minified|vendor(?:ed)?|dist)\b/i),
  };
}
