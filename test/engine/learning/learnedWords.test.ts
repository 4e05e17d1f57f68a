/** What words of the people who ask stand for: counted on answers in a real store, read by a real search. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import {
  evidenceOf,
  learnWords,
  readWordsFile,
  type WordExample,
  wordMap,
  WORDS_FILE,
  writeWords,
} from '../../../src/engine/learning/learnedWords';
import { learn } from '../../../src/engine/learning/learn';
import { loadVersion } from '../../../src/engine/learning/learnedVersion';
import { VersionStore } from '../../../src/engine/learning/versionStore';
import { placeOf, withId } from '../../../src/engine/feedback/mark';
import type { KeptMark } from '../../../src/engine/feedback/marks';
import { RunControl } from '../../../src/engine/training/control';
import { search } from '../../../src/engine/search/search';
import { readSentence, readWords } from '../../../src/engine/search/learnedWords';
import { parseQuery } from '../../../src/engine/search/query';
import { openFolderReader, openFolderWriter } from '../../../src/engine/store/store';
import type { FolderReader, Snapshot } from '../../../src/engine/store/types';
import { indexPaths, putTexts } from '../../support/folderIndex';
import { temporaryFolder } from '../../support/temporaryFolder';

type Verdict = KeptMark['mark']['verdict'];

const TOPICS = ['login', 'upload', 'billing', 'search', 'export', 'import', 'audit', 'backup'];
const folder = temporaryFolder(after);
let reader: FolderReader;
let snapshot: Snapshot;

before(async () => {
  const { index } = indexPaths(folder);
  const writer = openFolderWriter(index);
  putTexts(
    writer,
    'requests.ts',
    TOPICS.map((topic) => `throttle requests of ${topic} by the second`),
  );
  putTexts(
    writer,
    'rest.ts',
    Array.from({ length: 60 }, (_, at) => `${TOPICS[at % 8]} keeps value number${at} in a table`),
  );
  writer.dispose();
  reader = openFolderReader(index);
  await reader.refresh();
  snapshot = reader.snapshot();
});
after(() => {
  snapshot.dispose();
  reader.dispose();
});

const throttled = (topic: string): WordExample => ({
  query: `speedbump of ${topic}`,
  answers: [`requests.ts\n\nthrottle requests of ${topic} by the second`],
});
const kept = (topic: string, at: number): WordExample => ({
  query: `${topic} value`,
  answers: [`rest.ts\n\n${topic} keeps value number${at} in a table`],
});

test('evidence is the likelihood ratio worked by hand', () => {
  // 2 of 2 against a tenth: 4 ln 10. Half of 4 against a quarter: 4 ln 2 + 4 ln (2/3).
  assert.ok(Math.abs(evidenceOf(2, 2, 0.1) - 9.21034037197618) < 1e-9);
  assert.ok(Math.abs(evidenceOf(2, 4, 0.25) - 1.15072828980712) < 1e-9);
  assert.equal(evidenceOf(1, 4, 0.25), 0);
});

test('learns what several answers share and other texts have seldom', () => {
  const examples = [...TOPICS.slice(0, 4).map(throttled), ...TOPICS.slice(4).map(kept)];
  const [learned, ...others] = learnWords(examples, snapshot);
  assert.deepEqual(others, []);
  assert.equal(learned?.word, 'speedbump');
  assert.ok(['throttle', 'requests', 'second'].includes(learned.as), learned.as);
  assert.deepEqual([learned.count, learned.of], [4, 4]);
});

test('learns nothing from one question, from a word the folder has, or where answers share nothing', () => {
  const ones = TOPICS.slice(0, 1).map(throttled);
  assert.deepEqual(learnWords(ones, snapshot), []);
  const known = TOPICS.slice(0, 4).map((topic) => ({
    ...throttled(topic),
    query: `table ${topic}`,
  }));
  assert.deepEqual(learnWords(known, snapshot), []);
  const mixed = ['alpha', 'bravo', 'charlie', 'delta'].map((text) => ({
    query: 'speedbump',
    answers: [text],
  }));
  assert.deepEqual(learnWords(mixed, snapshot), []);
  assert.deepEqual(learnWords([], snapshot), []);
});

test('a query is read with learned words, but for its syntax, exact phrases and words the folder has', () => {
  const words = new Map([
    ['speedbump', 'throttle'],
    ['tabl', 'list'],
  ]);
  const read = (typed: string) => readWords(parseQuery(typed), words, snapshot);
  const { query, read: said } = read('Speedbump of the table path:*.ts');
  assert.equal(query.text, 'throttle of the table');
  assert.deepEqual(query.terms, ['throttl', 'tabl']);
  assert.ok(query.filter.path?.('a.ts') && !query.filter.path('a.md'));
  assert.equal(readSentence(said), 'Your marks taught: “Speedbump” is read as “throttle”');
  const phrase = parseQuery('"speedbump of"');
  assert.deepEqual(readWords(phrase, words, snapshot).query.phrases, phrase.phrases);
  const plain = parseQuery('throttle of uploads');
  assert.equal(readWords(plain, words, snapshot).query, plain);
  assert.equal(readWords(plain, undefined, snapshot).query, plain);
});

test('a search finds by a learned word, says so, and keeps marks on what was typed', async () => {
  const ask = { query: 'speedbump of billing', limit: 10, rerank: false };
  const words = wordMap([{ word: 'speedbump', as: 'throttle', count: 4, of: 4, evidence: 20 }]);
  const before = await search({ snapshot }, ask);
  const after = await search({ snapshot, words }, ask);
  assert.notEqual(before.hits[0]!.path, 'requests.ts');
  assert.equal(before.note, undefined);
  assert.equal(after.hits[0]!.text, 'throttle requests of billing by the second');
  assert.equal(after.note, 'Your marks taught: “speedbump” is read as “throttle”');
  const marked = snapshot.chunksAt('rest.ts', 2, 3)[0]!;
  const mark = {
    ...{ id: 'm', verdict: 'relevant' as const, isWeak: false, time: '2026-01-01T00:00:00Z' },
    ...{ setFor: ask.query, query: ask.query, chunk: () => marked.id },
  };
  const judged = await search({ snapshot, words, marks: [mark] }, ask);
  assert.deepEqual([judged.hits[0]!.chunkId, judged.hits[0]!.mark?.mark.id], [marked.id, 'm']);
});

test('the file of a version is read back, and a broken one is said in a sentence', async () => {
  const file = path.join(folder, WORDS_FILE);
  const learned = [{ word: 'speedbump', as: 'throttle', count: 4, of: 4, evidence: 20.5 }];
  await writeWords(file, learned);
  assert.deepEqual(await readWordsFile(file), learned);
  fs.writeFileSync(file, '{"v":1,"words":[{"word":""}]}');
  const sentence = /words\.json cannot be used: it holds no learned words/;
  await assert.rejects(readWordsFile(file), { code: 'model', message: sentence });
  fs.rmSync(file);
  await assert.rejects(readWordsFile(file), { code: 'model', message: /cannot be used: ENOENT/ });
});

test('a run keeps words that find what nobody marked, and the version reads them', async () => {
  const trees = 'alder birch cedar elm fir hazel juniper larch maple oak poplar spruce'.split(' ');
  const home = path.join(folder, 'run');
  const { index } = indexPaths(temporaryFolder(after));
  const writer = openFolderWriter(index);
  for (const [at, tree] of trees.entries()) {
    putTexts(writer, `pages/a${at}.txt`, [`ledger for ${tree}`]);
    putTexts(writer, `pages/b${at}.txt`, [`${tree} and ${tree}`]);
  }
  const others = Array.from({ length: 200 }, (_, at) => `nothing about that in number${at}`);
  putTexts(writer, 'rest.txt', others);
  writer.dispose();
  const pages = openFolderReader(index);
  await pages.refresh();
  const trunk = pages.snapshot();
  const askFor = (tree: string): string => `kassenbuch of ${tree}`;
  const markOf = (tree: string, file: string, verdict: Verdict): KeptMark => {
    const chunk = trunk.chunksAt(file, 0, 1)[0]!;
    const about = { query: askFor(tree), ...placeOf(chunk, file), verdict };
    const mark = withId({ ...about, time: '2026-01-01T00:00:00Z', checkpoint: '' });
    return { mark, origin: mark, near: [] };
  };
  const marks = trees.flatMap((tree, at) => [
    markOf(tree, `pages/a${at}.txt`, 'relevant'),
    markOf(tree, `pages/b${at}.txt`, 'notRelevant'),
  ]);
  const store = new VersionStore(path.join(home, 'versions'));
  const base = { biEncoder: 'none', crossEncoder: 'none' };
  const nothing = (): undefined => undefined;
  const { report, version } = await learn(
    { store, marks, base, rerankCount: 30, resume: false, tiers: ['words'] },
    {
      ...{ index: { snapshot: trunk }, folder: home, dataFolder: home, seed: 1 },
      ...{ biEncoderFolder: '', crossEncoderFolder: '', control: new RunControl() },
      openReranker: () => Promise.reject(new Error('no re-ranker is read')),
      openEncoder: () => Promise.reject(new Error('no encoder is read')),
      ...{ onNews: nothing, onLimits: nothing, tellRun: nothing },
    },
  );
  assert.ok(version !== undefined, report.verdict);
  assert.match(report.verdict, /^Promoted: 12 of 12 unseen queries improved, 0 got worse; /);
  assert.deepEqual(
    report.words?.map(({ word, as, count, of }) => [word, as, count, of]),
    [['kassenbuch', 'ledger', 12, 12]],
  );
  const { words } = await loadVersion(store, version, base);
  assert.deepEqual([...words!], [['kassenbuch', 'ledger']]);
  assert.deepEqual((await store.verified(version)).tiers, ['words']);
  trunk.dispose();
  pages.dispose();
});
