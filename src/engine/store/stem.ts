/**
 * Light stemming of English word forms, for both sides of a word search: plural s, -ed, -ing, -er, a
 * final e or y. The rules follow the first step of Porter's stemmer (1980) and run until nothing changes,
 * so that a stem is its own stem and "caches", "cached", "caching" and "cache" meet.
 */

/** Words whose ending is part of the name, in code at least: a "setting" is no "set", a "header" no "head". */
const FIXED = new Set(
  'during header folder setting nothing something anything everything string number order'.split(
    ' ',
  ),
);
const VOWEL = /[aeiouy]/;
/** The shortest stem a suffix may leave. */
const MIN_STEM = 3;
/** -er ends many plain nouns ("user", "layer"): more must remain. */
const MIN_STEM_BEFORE_ER = 4;
/** Longest word that is stemmed; beyond it is no English. */
const MAX_WORD = 24;

/** The stem of a word of lower-case ASCII letters; anything else comes back as it is. */
export function stem(word: string): string {
  if (word.length < MIN_STEM || word.length > MAX_WORD || !/^[a-z]+$/.test(word)) return word;
  for (let form = withoutPlural(word); ;) {
    if (FIXED.has(form)) return form;
    const base = withoutSuffix(form);
    const next = base === form ? withoutFinal(form) : base;
    if (next === form) return form;
    form = next;
  }
}

function withoutPlural(word: string): string {
  if (!word.endsWith('s') || word.length <= MIN_STEM) return word;
  if (/(?:ss|us|is)$/.test(word)) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}i`;
  if (/(?:ss|x|ch|sh|zz)es$/.test(word)) return word.slice(0, -2);
  return word.slice(0, -1);
}

function withoutSuffix(word: string): string {
  if (word.endsWith('ied')) return `${word.slice(0, -3)}i`;
  if (word.endsWith('eed')) return word;
  for (const suffix of ['ing', 'ed', 'er']) {
    if (!word.endsWith(suffix)) continue;
    const base = word.slice(0, -suffix.length);
    const min = suffix === 'er' ? MIN_STEM_BEFORE_ER : MIN_STEM;
    return base.length >= min && VOWEL.test(base) ? undoubled(base) : word;
  }
  return word;
}

/** "runn" to "run"; "pass" and "call" keep their letters. */
function undoubled(base: string): string {
  const last = base.at(-1)!;
  const isDouble = base.at(-2) === last && !VOWEL.test(last) && !'lsz'.includes(last);
  return isDouble ? base.slice(0, -1) : base;
}

/** A final e, y after a consonant, and the second l of a long word ("controll"). */
function withoutFinal(word: string): string {
  if (word.length > MIN_STEM && /[^e]e$/.test(word)) return word.slice(0, -1);
  if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}i`;
  return word.length > 5 && word.endsWith('ll') ? word.slice(0, -1) : word;
}
