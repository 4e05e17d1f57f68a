/**
 * What the engine says, in the reader's language. The engine speaks English to every client; each of its sentences that can
 * reach a person in the editor is known in `sentences/`, a file an area, and a test finds those that are not. What others
 * say stays as it is: the system's own words for a failed file, a driver's, a query, a path.
 */
import { doctorSentences } from './sentences/doctor';
import { engineProcessSentences } from './sentences/engine';
import { fileSentences } from './sentences/files';
import { hubSentences } from './sentences/hub';
import { learningSentences } from './sentences/learning';
import { markSentences } from './sentences/marks';
import { modelSentences } from './sentences/models';
import { rankingSentences } from './sentences/ranking';
import { inPlace, type Known, knownOf, placesIn } from './sentences/sentence';
import { storeSentences } from './sentences/store';
import { trainingSentences } from './sentences/training';
import { versionSentences } from './sentences/versions';
import type { Translate } from '../../base/translate';

/** The engine's sentence in the reader's language, or as it is; several in a row each by itself. */
export function localised(sentence: string, t: Translate): string {
  return translated(sentence, t) ?? composed(sentence, t) ?? sentence;
}

/** Several sentences of the engine as one text. */
export function localisedText(sentences: readonly string[], t: Translate): string {
  if (sentences.length === 0) return '';
  return sentences
    .map((sentence) => localised(sentence, t))
    .reduce((text, sentence) => t('{0}. {1}', text, sentence));
}

/** All that is known, each once: as the engine says it, and the key of the language bundle. */
export function knownSentences(): readonly Pick<Known, 'english' | 'message'>[] {
  return table().all;
}

/** The name of a rule as people read it; empty where its sentence says it all. */
export function ruleLabel(name: string, t: Translate): string | undefined {
  return ruleNames[name]?.(t);
}

const ruleNames: Readonly<Record<string, (t: Translate) => string>> = {
  'file support': (t) => t('file'),
  'path words': (t) => t('path'),
  'asked path': () => '',
  definition: () => '',
  'same file': () => '',
  isTest: () => '',
  isExample: () => '',
  isLegacy: () => '',
  isReexport: () => '',
  isDeclaration: () => '',
  isGenerated: () => '',
  isMinified: () => '',
  isVendored: () => '',
  isChangelog: () => '',
  isLockFile: () => '',
};

/** By its whole words or its beginning; else as several that are all known so; else by what it ends with or holds. */
function translated(sentence: string, t: Translate): string | undefined {
  const { byStart, byRest } = table();
  return (
    matched(sentence, byStart, t) ??
    joined(sentence, t, (part) => matched(part, byStart, t)) ??
    matched(sentence, byRest, t)
  );
}

function matched(sentence: string, patterns: readonly Known[], t: Translate): string | undefined {
  const message = table().whole.get(sentence);
  if (message !== undefined) return t(message);
  for (const known of patterns) {
    const found = placesIn(sentence, known);
    if (!found) continue;
    const say = (part: string): string => localised(part, t);
    const places = known.places.map((place, at) => inPlace(place, found[at] ?? '', say, t));
    return t(known.message, ...places);
  }
  return undefined;
}

/** Several sentences in one, where each is known. */
function joined(
  sentence: string,
  t: Translate,
  say: (part: string) => string | undefined,
): string | undefined {
  for (const [separator, join] of [JOINTS[0], JOINTS[1]]) {
    const whole = sentence.split(separator);
    const parts = whole.map(say).filter((part) => part !== undefined);
    if (whole.length < 2 || parts.length < whole.length) continue;
    return parts.reduce((text, part) => join(t, text, part));
  }
  return undefined;
}

/** Known sentences side by side, or one with a word on it in parentheses. */
function composed(sentence: string, t: Translate): string | undefined {
  const explained = /^(.*?) \((.*)\)$/su.exec(sentence);
  const head = explained ? translated(explained[1]!, t) : undefined;
  if (explained && head !== undefined) return t('{0} ({1})', head, localised(explained[2]!, t));
  for (const [separator, join] of JOINTS) {
    const parts = sentence.split(separator);
    if (parts.length < 2 || parts.every((part) => translated(part, t) === undefined)) continue;
    return parts.map((part) => localised(part, t)).reduce((text, part) => join(t, text, part));
  }
  return undefined;
}

type Joint = readonly [separator: string, (t: Translate, a: string, b: string) => string];

const JOINTS: readonly [Joint, Joint, Joint] = [
  ['. ', (t, a, b) => t('{0}. {1}', a, b)],
  ['; ', (t, a, b) => t('{0}; {1}', a, b)],
  [': ', (t, a, b) => t('{0}: {1}', a, b)],
];

interface Table {
  readonly all: readonly Known[];
  /** Sentences without a place. */
  readonly whole: ReadonlyMap<string, string>;
  /** Those that begin with words of their own, and the others; of two that fit the first counts: it says more. */
  readonly byStart: readonly Known[];
  readonly byRest: readonly Known[];
}

let built: Table | undefined;

/** Made when the first sentence comes: activation does without. */
function table(): Table {
  if (built) return built;
  const all = [
    ...[rankingSentences, fileSentences, markSentences, learningSentences, versionSentences],
    ...[trainingSentences, modelSentences, hubSentences, storeSentences],
    ...[engineProcessSentences, doctorSentences],
  ]
    .flat()
    .map(knownOf);
  const patterns = all
    .filter(({ places }) => places.length > 0)
    .sort((a, b) => startOf(b).length - startOf(a).length || b.fixedLength - a.fixedLength);
  built = {
    all,
    whole: new Map(
      all
        .filter(({ places }) => places.length === 0)
        .map(({ english, message }) => [english, message]),
    ),
    byStart: patterns.filter((known) => startOf(known) !== ''),
    byRest: patterns.filter((known) => startOf(known) === ''),
  };
  return built;
}

function startOf({ pieces }: Known): string {
  return pieces[0] ?? '';
}
