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
  // Learning: the verdict first, because it may hold one of the others; then the plan, the run, what was set aside
  sentence(
    'Promoted: {} of {} unseen queries improved, {} got worse; {} {} → {}, 95 % interval {} to {}',
    (t, ...of) =>
      t(
        'Promoted: {0} of {1} unseen queries improved, {2} got worse; {3} {4} → {5}, 95 % interval {6} to {7}',
        ...of,
      ),
  ),
  sentence(
    'Not promoted ({}): {} of {} unseen queries improved, {} got worse; {} {} → {}, 95 % interval {} to {}',
    (t, ...of) =>
      t(
        'Not promoted ({0}): {1} of {2} unseen queries improved, {3} got worse; {4} {5} → {6}, 95 % interval {7} to {8}',
        ...of,
      ),
  ),
  sentence(
    'Not promoted ({}): {} of {} queries of the folder improved, {} got worse; MRR by embeddings {} → {}, 95 % interval {} to {}',
    (t, ...of) =>
      t(
        'Not promoted ({0}): {1} of {2} queries of the folder improved, {3} got worse; MRR by embeddings {4} → {5}, 95 % interval {6} to {7}',
        ...of,
      ),
  ),
  sentence('Not promoted: {}', (t, why) => t('Not promoted: {0}', localised(why ?? '', t))),
  sentence(
    'Promoted: {} of {} queries of the folder improved, {} got worse; MRR by embeddings {} → {}, 95 % interval {} to {}',
    (t, ...of) =>
      t(
        'Promoted: {0} of {1} queries of the folder improved, {2} got worse; MRR by embeddings {3} → {4}, 95 % interval {5} to {6}',
        ...of,
      ),
  ),
  sentence('Holds: MRR@10 beside the base: {}', (t, figures) =>
    t('Holds: MRR@10 beside the base: {0}', eachLocalised(figures, t)),
  ),
  sentence('Does not hold ({}): MRR@10 beside the base: {}', (t, why, figures) =>
    t('Does not hold ({0}): MRR@10 beside the base: {1}', why ?? '', eachLocalised(figures, t)),
  ),
  sentence('Holds: there was no query to measure it on', (t) =>
    t('Holds: there was no query to measure it on'),
  ),
  sentence('Does not hold ({}): there was no query to measure it on', (t, why) =>
    t('Does not hold ({0}): there was no query to measure it on', why),
  ),
  sentence('{} marked queries {} → {}', (t, ...of) => t('{0} marked queries {1} → {2}', ...of)),
  sentence('{} queries marked since {} → {}', (t, ...of) =>
    t('{0} queries marked since {1} → {2}', ...of),
  ),
  sentence('{} guard queries {} → {}', (t, ...of) => t('{0} guard queries {1} → {2}', ...of)),
  sentence('The weights of words, meaning and rules', (t) =>
    t('The weights of words, meaning and rules'),
  ),
  sentence('A small map over stored embeddings; nothing is embedded anew', (t) =>
    t('A small map over stored embeddings; nothing is embedded anew'),
  ),
  sentence('The last layers of the re-ranker, on marks and mined negatives', (t) =>
    t('The last layers of the re-ranker, on marks and mined negatives'),
  ),
  sentence('From {} marks on; {} can be used', (t, ...of) =>
    t('From {0} marks on; {1} can be used', ...of),
  ),
  sentence(
    'Stays as it is: `nearmiss train` is for its layers, as every chunk is embedded anew then',
    (t) =>
      t('Stays as it is: `nearmiss train` is for its layers, as every chunk is embedded anew then'),
  ),
  sentence('The newest fifth of the queries is held out, near-identical ones on one side', (t) =>
    t('The newest fifth of the queries is held out, near-identical ones on one side'),
  ),
  sentence(
    'Five folds by query, near-identical ones on one side: each query is measured by a model that has not seen it',
    (t) =>
      t(
        'Five folds by query, near-identical ones on one side: each query is measured by a model that has not seen it',
      ),
  ),
  sentence('{} can be used, and {} are the least to learn from', (t, marks, least) =>
    t(
      '{0} can be used, and {1} are the least to learn from',
      localised(marks ?? '', t),
      least ?? '',
    ),
  ),
  sentence('{} a hit marked relevant, and {} are the least to measure a gain on', (t, ...of) =>
    t(
      '{0} a hit marked relevant, and {1} are the least to measure a gain on',
      localised(of[0] ?? '', t),
      of[1] ?? '',
    ),
  ),
  sentence('One mark', (t) => t('One mark')),
  sentence('{} marks', (t, count) => t('{0} marks', count)),
  sentence('One query has', (t) => t('One query has')),
  sentence('{} queries have', (t, count) => t('{0} queries have', count)),
  sentence('starting', (t) => t('starting')),
  sentence('asking the base', (t) => t('asking the base')),
  sentence('asking the version', (t) => t('asking the version')),
  sentence('finding negatives', (t) => t('finding negatives')),
  sentence('measuring all parts together', (t) => t('measuring all parts together')),
  sentence('writing the report', (t) => t('writing the report')),
  sentence('learning {}', (t, part) => t('learning {0}', localised(part ?? '', t))),
  sentence('measuring {}', (t, part) => t('measuring {0}', localised(part ?? '', t))),
  sentence('the weights of the ranking', (t) => t('the weights of the ranking')),
  sentence('a map of embeddings', (t) => t('a map of embeddings')),
  sentence('the re-ranker', (t) => t('the re-ranker')),
  sentence('The same was said before, so it counts once', (t) =>
    t('The same was said before, so it counts once'),
  ),
  sentence('The same text was marked relevant and not relevant for the same query', (t) =>
    t('The same text was marked relevant and not relevant for the same query'),
  ),
  sentence('The same text was marked relevant for the same query', (t) =>
    t('The same text was marked relevant for the same query'),
  ),
  sentence('It says nearly the same as a text marked relevant, so it may be the answer too', (t) =>
    t('It says nearly the same as a text marked relevant, so it may be the answer too'),
  ),
  sentence(
    'It is closer to a text marked relevant than to the query, so it may be the answer too',
    (t) =>
      t('It is closer to a text marked relevant than to the query, so it may be the answer too'),
  ),
  sentence(
    'Nobody marked it; learning takes it for wrong, and it lies near the answer (cosine {})',
    (t, cosine) =>
      t(
        'Nobody marked it; learning takes it for wrong, and it lies near the answer (cosine {0})',
        cosine ?? '',
      ),
  ),
  // Versions: measured long ago, compared in daily use, shared by the repository
  sentence(
    "{} % of the folder's text has changed since {} was measured; `nearmiss learn --recheck` measures it again",
    (t, ...of) =>
      t(
        "{0} % of the folder's text has changed since {1} was measured; Measure Version Again looks whether it still holds",
        ...of,
      ),
  ),
  sentence(
    'Compared silently in {} searches since {}: the first three hits would differ in {}; {}',
    (t, searches, day, different, opened) =>
      t(
        'Compared silently in {0} searches since {1}: the first three hits would differ in {2}; {3}',
        ...[searches ?? '', day ?? '', different ?? '', localised(opened ?? '', t)],
      ),
  ),
  sentence('no hit was opened meanwhile', (t) => t('no hit was opened meanwhile')),
  sentence('of {} opened hits {} would have stood higher and {} lower', (t, ...of) =>
    t('of {0} opened hits {1} would have stood higher and {2} lower', ...of),
  ),
  sentence('Shown mixed in {} searches since {}: {}', (t, searches, day, said) =>
    t(
      'Shown mixed in {0} searches since {1}: {2}',
      ...[searches ?? '', day ?? '', localised(said ?? '', t)],
    ),
  ),
  sentence('no opened hit has decided yet', (t) => t('no opened hit has decided yet')),
  sentence(
    "{} of {} opened hits that decide were the candidate's (95 % interval {} to {}), {} decide nothing",
    (t, ...of) =>
      t(
        "{0} of {1} opened hits that decide were the candidate's (95 % interval {2} to {3}), {4} decide nothing",
        ...of,
      ),
  ),
  sentence('The repository shares no version ({})', (t, file) =>
    t('The repository shares no version ({0})', file),
  ),
  sentence('Whoever has one shares it with `nearmiss versions share`', (t) =>
    t('Whoever has one shares it with Share Version with the Repository'),
  ),
  sentence('The version that the repository shares cannot be used: {}', (t, why) =>
    t('The version that the repository shares cannot be used: {0}', why),
  ),
  sentence('Ask whoever shared it; nothing has changed here', (t) =>
    t('Ask whoever shared it; nothing has changed here'),
  ),
  sentence(
    'The version {} holds {}; only weights of the ranking and maps of embeddings are shared',
    (t, ...of) =>
      t(
        'The version {0} holds {1}; only weights of the ranking and maps of embeddings are shared',
        ...of,
      ),
  ),
  sentence('Share another version; `nearmiss versions` lists them', (t) =>
    t('Share another version'),
  ),
  sentence(
    '{} is not trusted, so nothing that comes with it counts and nothing is shared',
    (t, folder) =>
      t('{0} is not trusted, so nothing that comes with it counts and nothing is shared', folder),
  ),
  sentence('Trust the folder first', (t) => t('Trust the folder first')),
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

/** Figures in a row, each in the reader's language. */
function eachLocalised(figures: string | undefined, t: Translate): string {
  return (figures ?? '')
    .split(', ')
    .map((figure) => localised(figure, t))
    .join(', ');
}

/** `{}` stands for anything. */
function sentence(english: string, say: (t: Translate, ...places: string[]) => string): Known {
  const escaped = english.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&');
  return { english, say, pattern: new RegExp(`^${escaped.replaceAll('{}', '(.*?)')}$`, 'su') };
}
