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
  /** Anchored; a group for each place. */
  readonly pattern: RegExp;
  /** What a sentence begins with in any case. */
  readonly start: string;
  readonly places: readonly Place[];
}

type Place = '{}' | '{word}' | '{…}' | '{…, …}' | '{…; …}';

const PLACE = /\{(?:word|…|…, …|…; …)?\}/gu;

export function knownOf(sentence: KnownSentence): Known {
  const [english, reader] = typeof sentence === 'string' ? [sentence, undefined] : sentence;
  const pieces = english.split(PLACE);
  const places = (english.match(PLACE) ?? []) as Place[];
  const body = pieces
    .map((piece, at) => escaped(piece) + (at < places.length ? groupOf(places[at]!) : ''))
    .join('');
  return {
    ...{ english, places, message: reader ?? numbered(english), start: pieces[0] ?? '' },
    pattern: new RegExp(`^${body}$`, 'su'),
  };
}

/** The letters that a sentence has in any case: of two that fit, the one with more says more. */
export function fixedLength({ english }: Pick<Known, 'english'>): number {
  return english.replaceAll(PLACE, '').length;
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

function groupOf(place: Place): string {
  return place === '{word}' ? '(\\S+)' : '(.*?)';
}

function numbered(english: string): string {
  let at = 0;
  return english.replaceAll(PLACE, () => `{${at++}}`);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^$()|[\]{}\\/]/g, '\\$&');
}
