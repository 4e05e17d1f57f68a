/**
 * What the engine says, in the reader's language. The engine speaks English to every client; the sentences that people
 * meet most are known here by their pattern and translated with what stood in their places. Others stay English: rare
 * failures (damaged models, odd configurations) and the doctor's and the log's lines, which are also meant for reports.
 */
import type { Translate } from './translate';

/** The engine's sentence in the reader's language, or as it is. */
export function localised(sentence: string, t: Translate): string {
  for (const { pattern, say } of known) {
    const found = pattern.exec(sentence);
    if (found) return say(t, ...found.slice(1));
  }
  return sentence;
}

/** All that is known, for the test that finds what the engine no longer says. */
export function knownSentences(): string[] {
  return known.map(({ english }) => english);
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

interface Known {
  /** As the engine says it, `{}` for what changes. */
  readonly english: string;
  /** Anchored; a group for each place. */
  readonly pattern: RegExp;
  readonly say: (t: Translate, ...places: string[]) => string;
}

/** The first pattern that fits counts. */
const known: readonly Known[] = [
  // Why a hit stands where it stands
  sentence('no word of the query is in it', (t) => t('no word of the query is in it')),
  sentence('BM25 {}, rank {}', (t, value, rank) => t('BM25 {0}, rank {1}', value, rank)),
  sentence('BM25 {}', (t, value) => t('BM25 {0}', value)),
  sentence('cosine {}, rank {}', (t, value, rank) => t('cosine {0}, rank {1}', value, rank)),
  sentence('cosine {}', (t, value) => t('cosine {0}', value)),
  sentence('logit {}, {} % of what its best gets', (t, logit, share) =>
    t('logit {0}, {1} % of what its best gets', logit, share),
  ),
  sentence('other passages of this file match too', (t) =>
    t('other passages of this file match too'),
  ),
  sentence('words of the query are in the path', (t) => t('words of the query are in the path')),
  sentence('the path you asked for', (t) => t('the path you asked for')),
  sentence('defines {}', (t, name) => t('defines {0}', name)),
  sentence('counts less: the file already has a better hit', (t) =>
    t('counts less: the file already has a better hit'),
  ),
  sentence('counts less: a test', (t) => t('counts less: a test')),
  sentence('counts less: an example', (t) => t('counts less: an example')),
  sentence('counts less: kept for compatibility', (t) => t('counts less: kept for compatibility')),
  sentence('counts less: re-exports what others define', (t) =>
    t('counts less: re-exports what others define'),
  ),
  sentence('counts less: declarations only', (t) => t('counts less: declarations only')),
  sentence('counts less: generated', (t) => t('counts less: generated')),
  sentence('counts less: minified', (t) => t('counts less: minified')),
  sentence('counts less: somebody else’s code', (t) => t('counts less: somebody else’s code')),
  sentence('counts less: a change log', (t) => t('counts less: a change log')),
  sentence('counts less: a lock file', (t) => t('counts less: a lock file')),
  sentence(
    'you marked it not relevant for {} on {}, which is close to this (cosine {})',
    (t, ...of) =>
      t('you marked it not relevant for {0} on {1}, which is close to this (cosine {2})', ...of),
  ),
  sentence('you marked it relevant for {} on {}, which is close to this (cosine {})', (t, ...of) =>
    t('you marked it relevant for {0} on {1}, which is close to this (cosine {2})', ...of),
  ),
  sentence('you marked it not relevant for {} on {}', (t, ...of) =>
    t('you marked it not relevant for {0} on {1}', ...of),
  ),
  sentence('you marked it relevant for {} on {}', (t, ...of) =>
    t('you marked it relevant for {0} on {1}', ...of),
  ),
  sentence('you opened it for {} on {}', (t, ...of) => t('you opened it for {0} on {1}', ...of)),
  // Notes on an answer
  sentence('Rests on words: this span has no embedding yet', (t) =>
    t('Rests on words: this span has no embedding yet'),
  ),
  sentence(
    'The active model does not know these characters, so the answer rests on words alone; a multilingual model would help: `nearmiss models catalog` lists some',
    (t) =>
      t(
        'The active model does not know these characters, so the answer rests on words alone; Choose Model has multilingual ones',
      ),
  ),
  sentence('This answer does without a model: {}', (t, problem) =>
    t('This answer does without a model: {0}', localised(problem ?? '', t)),
  ),
  // Why a file is, or is not, found
  sentence('It is in the index ({}, {} bytes, split by {})', (t, ...of) =>
    t('It is in the index ({0}, {1} bytes, split by {2})', ...of),
  ),
  sentence('It is still in the index and leaves it with the next comparison', (t) =>
    t('It is still in the index and leaves it with the next comparison'),
  ),
  sentence('It is not in the index yet', (t) => t('It is not in the index yet')),
  sentence('It is not in the index', (t) => t('It is not in the index')),
  sentence('{} is indexed as {}', (t, ...of) => t('{0} is indexed as {1}', ...of)),
  sentence('{} is not indexed: an ignore rule leaves it out{}', (t, ...of) =>
    t('{0} is not indexed: an ignore rule leaves it out{1}', ...of),
  ),
  sentence('{} is not indexed: the options leave it out{}', (t, ...of) =>
    t('{0} is not indexed: the options leave it out{1}', ...of),
  ),
  sentence('{} is not indexed: it may hold secrets{}', (t, ...of) =>
    t('{0} is not indexed: it may hold secrets{1}', ...of),
  ),
  sentence('{} is not indexed: it is not text{}', (t, ...of) =>
    t('{0} is not indexed: it is not text{1}', ...of),
  ),
  sentence('{} is not indexed: it is too large{}', (t, ...of) =>
    t('{0} is not indexed: it is too large{1}', ...of),
  ),
  // Failures that people meet
  sentence('The disk is full, so the marks stay as they were', (t) =>
    t('The disk is full, so the marks stay as they were'),
  ),
  sentence('The disk is full: {}', (t, file) => t('The disk is full: {0}', file)),
  sentence('Make room and try again', (t) => t('Make room and try again')),
  sentence('Free some space, then try again', (t) => t('Free some space, then try again')),
  sentence('There is no folder {}', (t, folder) => t('There is no folder {0}', folder)),
  sentence('The folder {} cannot be opened ({})', (t, ...of) =>
    t('The folder {0} cannot be opened ({1})', ...of),
  ),
  sentence('{} is not in the index', (t, path) => t('{0} is not in the index', path)),
  sentence('{} has no indexed text at lines {}', (t, ...of) =>
    t('{0} has no indexed text at lines {1}', ...of),
  ),
  sentence('Choose lines that hold text', (t) => t('Choose lines that hold text')),
  sentence('The index was written by a newer version of Nearmiss: {}', (t, file) =>
    t('The index was written by a newer version of Nearmiss: {0}', file),
  ),
  sentence(
    'The marks in {} were written by a newer Nearmiss (version {}, this one knows {})',
    (t, ...of) =>
      t(
        'The marks in {0} were written by a newer Nearmiss (version {1}, this one knows {2})',
        ...of,
      ),
  ),
  sentence('Update Nearmiss; the marks are left as they are', (t) =>
    t('Update Nearmiss; the marks are left as they are'),
  ),
];

/** `{}` stands for anything. */
function sentence(english: string, say: (t: Translate, ...places: string[]) => string): Known {
  const escaped = english.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&');
  return { english, say, pattern: new RegExp(`^${escaped.replaceAll('{}', '(.*?)')}$`, 'su') };
}
