/**
 * How a sentence of the engine is known again and said in the reader's language. A table holds it as the engine says it,
 * with places for what changes; its translation is found in the language bundle under the same words, places numbered.
 */
import type { Translate } from '../../../base/translate';

/**
 * As the engine says it, or that and what is said in its place: `nearmiss doctor` is called otherwise in the editor. Places:
 * `{}` anything, `{word}` without a blank, `{…}` what is known itself and translated in turn, `{…, …}` and `{…; …}` several
 * of those. In what is said instead they are numbered.
 */
export type KnownSentence = string | readonly [engine: string, reader: string];

export interface Known {
  /** As the engine says it, with its places. */
  readonly english: string;
  /** The key of the language bundle: as it is said, places numbered. */
  readonly message: string;
  /** What stands around the places: one more than there are places. */
  readonly pieces: readonly string[];
  readonly places: readonly Place[];
  /** Its letters beside the places: of two that fit, the one with more says more. */
  readonly fixedLength: number;
}

type Place = '{}' | '{word}' | '{…}' | '{…, …}' | '{…; …}';

const PLACE = /\{(?:word|…|…, …|…; …)?\}/gu;

export function knownOf(sentence: KnownSentence): Known {
  const [english, reader] = typeof sentence === 'string' ? [sentence, undefined] : sentence;
  const pieces = english.split(PLACE);
  const places = (english.match(PLACE) ?? []) as Place[];
  const fixedLength = pieces.reduce((sum, { length }) => sum + length, 0);
  return { english, message: reader ?? numbered(english), pieces, places, fixedLength };
}

/** What stands in the places of this sentence; undefined where it is another one. */
export function placesIn(sentence: string, known: Known): readonly string[] | undefined {
  const { pieces } = known;
  // Nearly all are ruled out by this; a pattern is made of few.
  if (!sentence.startsWith(pieces[0]!) || !sentence.endsWith(pieces.at(-1)!)) return undefined;
  if (!pieces.every((piece) => sentence.includes(piece))) return undefined;
  return patternOf(known).exec(sentence)?.slice(1);
}

const patterns = new WeakMap<Known, RegExp>();

/** Anchored; a group for each place. */
function patternOf(known: Known): RegExp {
  const made = patterns.get(known);
  if (made) return made;
  const { pieces, places } = known;
  const body = pieces.map((piece, at) => escaped(piece) + groupOf(places[at])).join('');
  const pattern = new RegExp(`^${body}$`, 'su');
  patterns.set(known, pattern);
  return pattern;
}

/** What stands in the place, in the reader's language where that is known. */
export function inPlace(
  place: Place,
  text: string,
  say: (sentence: string) => string,
  t: Translate,
): string {
  if (place === '{}' || place === '{word}') return text;
  if (place === '{…}') return say(text);
  return place === '{…, …}'
    ? text
        .split(', ')
        .map(say)
        .reduce((list, one) => t('{0}, {1}', list, one))
    : text
        .split('; ')
        .map(say)
        .reduce((list, one) => t('{0}; {1}', list, one));
}

function groupOf(place: Place | undefined): string {
  if (place === undefined) return '';
  return place === '{word}' ? '(\\S+)' : '(.*?)';
}

function numbered(english: string): string {
  let at = 0;
  return english.replaceAll(PLACE, () => `{${at++}}`);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^$()|[\]{}\\/]/g, '\\$&');
}
