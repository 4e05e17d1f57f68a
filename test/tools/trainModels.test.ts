/** Training data for the bundled models from what is on a machine, and the whole of it with models of a few numbers. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ChunkSplitter } from '../../src/engine/documents/chunk';
import { readCheckpoint } from '../../src/engine/encoders/checkpoint';
import { judgeFigures, readFigures } from '../../src/tools/judgeModels';
import { PARTS, trainModels } from '../../src/tools/modelTraining';
import { writeQueries } from '../../src/tools/trainingQueries';
import {
  JudgedTexts,
  isJudged,
  isPermitted,
  packageSources,
  type TrainingSource,
} from '../../src/tools/trainingSources';
import { makeWorld } from '../badDays/world';
import { writeFiles } from '../support/temporaryFolder';

const world = makeWorld(after);
before(() => world.install());

const verbs = [
  'upload',
  'rename',
  'delete',
  'copy',
  'move',
  'open',
  'close',
  'lock',
  'sort',
  'join',
];

/** A package of functions that say what they do. */
function packageFiles(
  name: string,
  license: string,
  words: readonly string[],
): Record<string, string> {
  const code = words.map(
    (word) =>
      `/** Will ${word} one file of the ${name} folder. */\nexport function ${word}File(path, options) {\n  const target = options.target ?? '${name}/' + path;\n  return ${word}(target, options.flags, path);\n}\n`,
  );
  return {
    [`modules/${name}/package.json`]: JSON.stringify({ name, version: '1.0.0', license }),
    ...Object.fromEntries(code.map((text, at) => [`modules/${name}/lib/${words[at]}.js`, text])),
    [`modules/${name}/lib/all.min.js`]: code.join('').replaceAll('\n', ' '),
  };
}

const modules = path.join(world.folder, 'modules');
before(() => {
  const packages = [
    ['files', 'MIT'],
    ['paths', '(MIT OR GPL-3.0)'],
    ['@scope/streams', 'Apache-2.0'],
    ['copyleft', 'GPL-3.0'],
    ['zod', 'MIT'],
  ] as const;
  for (const [name, license] of packages)
    writeFiles(world.folder, packageFiles(name, license, verbs));
});

describe('sources of training data', () => {
  test('are packages whose licence allows it and that no judged set holds', () => {
    const names = packageSources(modules).map(({ name }) => name);
    assert.deepEqual(names, ['@scope/streams', 'files', 'paths']);
    for (const name of ['axios', 'redux', '@reduxjs/toolkit', 'zod', '@trpc/server', 'tldr'])
      assert.ok(isJudged(name), name);
    assert.ok(!isJudged('zodiac') && !isJudged('redux-like'.replace('redux', 'reduce')));
    assert.deepEqual(
      ['MIT', 'MIT AND GPL-2.0', '(GPL-2.0 OR BSD-3-Clause)', '', 'UNLICENSED'].map(isPermitted),
      [true, false, true, false, false],
    );
  });

  test('of this project hold nothing that is judged by name', () => {
    const own = packageSources(path.join(__dirname, '../../../node_modules'));
    assert.ok(own.length > 20, `${own.length}`);
    assert.deepEqual(own.map(({ name }) => name).filter(isJudged), []);
    for (const { folder, licence } of own) assert.ok(isPermitted(licence), folder);
  });

  test('leave out a judged text whatever its space', () => {
    const bench = path.join(world.folder, 'bench');
    writeFiles(bench, {
      'set/corpus.jsonl': `${JSON.stringify({ text: 'def a():\n  return 1' })}\n`,
    });
    const judged = new JudgedTexts(bench);
    assert.deepEqual(
      [judged.count, judged.has('def a():\n\n    return 1\n'), judged.has('def b(): return 1')],
      [1, true, false],
    );
    assert.equal(new JudgedTexts(undefined).count, 0);
  });
});

test('queries are of texts that stand once and that no other text answers, written ones before names', async () => {
  const functionOf = (name: string, said: string, more = ''): string =>
    `${said}export function ${name}File(path, options) {\n  const target = options.target ?? path;\n  return ${name}(target, options.flags, path${more});\n}\n`;
  const folder = path.join(world.folder, 'sources');
  writeFiles(folder, {
    'own/upload.js': functionOf('upload', '/** Sends one file. */\n'),
    'own/dist/upload.js': functionOf('upload', '/** Sends one file. */\n'),
    'own/dist/rename.js': functionOf('rename', '/** Gives one file another name. */\n'),
    ...Object.fromEntries(
      verbs.map((verb) => [
        `own/${verb}All.js`,
        functionOf(verb, `/** Will ${verb} all files. */\n`, ', 1'),
      ]),
    ),
    ...Object.fromEntries(
      verbs.map((verb) => [`own/remote/${verb}.js`, functionOf(`${verb}Remote`, '', ', 2')]),
    ),
    'other/open.js': functionOf('open', '/** Begins to read. */\n', ', 3'),
    'other/read.js': functionOf('read', '/** Begins to read. */\n', ', 4'),
  });
  const source = (name: string): TrainingSource => ({
    ...{ name, version: '1', licence: 'MIT', folder: path.join(folder, name) },
    ...{ include: ['**/*.js'], exclude: [] },
  });
  const splitter = await ChunkSplitter.create({
    grammarFolder: path.join(world.root, 'dist/grammars'),
    countTokens: (text) => Math.ceil(text.length / 4),
  });
  const out = path.join(world.folder, 'queries');
  try {
    await writeQueries(
      ['own', 'other'].map(source),
      { splitter, judged: new JudgedTexts(undefined), folder: out },
      { mostPerSource: 100, most: 100, mostHeldOut: 100, heldOutShare: 0.1, seed: 1 },
    );
  } finally {
    splitter.dispose();
  }
  const lines = ['train', 'dev'].flatMap((side) =>
    fs
      .readFileSync(path.join(out, `${side}.jsonl`), 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  );
  const asked = lines.map((line) => (JSON.parse(line) as { query: string }).query);
  assert.equal(asked.filter((query) => query === 'Sends one file').length, 1);
  assert.ok(asked.includes('Gives one file another name'));
  assert.ok(!asked.includes('Begins to read'));
  assert.equal(asked.filter((query) => query.startsWith('Will')).length, verbs.length);
  const names = asked.filter((query) => query.endsWith('remote file'));
  assert.ok(names.length > 0 && names.length <= 3, asked.join('; '));
});

test('newly trained models are kept when the mean rises and no set falls too far', () => {
  const before = { code: 0.6, docs: 0.4 };
  const cases = [
    [{ code: 0.61, docs: 0.395 }, true],
    [{ code: 0.62, docs: 0.3949 }, false],
    [{ code: 0.6, docs: 0.4 }, false],
    [{ code: 0.7 }, false],
  ] as const;
  for (const [after, isKept] of cases) assert.equal(judgeFigures(before, after).isKept, isKept);
});

test('figures to judge by are the first of each set that the quality bench printed', () => {
  const line = (bench: string, value: number): string =>
    JSON.stringify({
      bench,
      commit: 'abc',
      figures: [
        { label: 'nDCG@10', value },
        { label: 'recall', value: 0.9 },
      ],
    });
  const printed = `> nearmiss@0.1.0 bench\n\n${line('quality-code-npm', 0.82)}\n${line('quality-sts', 0.86)}\n`;
  assert.deepEqual(readFigures(printed), { 'quality-code-npm': 0.82, 'quality-sts': 0.86 });
});

test('makes both models from code alone, goes on where it was cut off, and leaves the bundled ones', async () => {
  const work = path.join(world.folder, 'work');
  const said: string[] = [];
  const judged = path.join(world.folder, 'judged');
  const [text] = Object.values(packageFiles('files', 'MIT', ['upload'])).slice(1);
  writeFiles(judged, { 'set/corpus.jsonl': `${JSON.stringify({ text })}\n` });
  const training = {
    ...{
      root: world.root,
      work,
      home: world.newData(),
      most: 100,
      seed: 3,
      parts: PARTS,
      bench: judged,
    },
    sources: packageSources(modules),
    changes: {
      ...{ steps: 4, evaluateEvery: 2, rows: 4, niceness: 0, threads: 1, quarantine: false },
    },
    say: (line: string) => void said.push(line),
  };
  await trainModels(training);
  const read = (name: string): Record<string, unknown>[] =>
    fs
      .readFileSync(path.join(work, name), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const queries = [...read('train.jsonl'), ...read('dev.jsonl')];
  // Ten functions of three packages, one of which is judged.
  assert.equal(queries.length, 29);
  for (const { positives, query } of queries) {
    const place = /^(.+):1-\d+$/.exec((positives as string[])[0]!)![1]!;
    assert.doesNotMatch(place, /min\.js|copyleft|zod/);
    const side = fs.existsSync(path.join(work, 'train', place)) ? 'train' : 'dev';
    const content = fs.readFileSync(path.join(work, side, place), 'utf8');
    if (String(query).startsWith('Will')) assert.ok(!content.includes(query as string));
  }
  assert.ok(read('train-groups.jsonl').length >= 15);
  for (const part of PARTS) {
    const [made, bundled] = [
      await readCheckpoint(path.join(work, 'models', part)),
      await readCheckpoint(path.join(world.root, 'models', part)),
    ];
    assert.equal(made.kind, bundled.kind);
    const card = fs.readFileSync(path.join(work, 'models', part, 'MODEL_CARD.md'), 'utf8');
    assert.match(card, /files 1\.0\.0 \(MIT, \d+\)/);
    assert.match(card, new RegExp(bundled.fingerprint));
    assert.match(card, /nDCG@10 +0\.\d{4}/);
  }
  const first = said.length;
  await trainModels(training);
  assert.deepEqual(
    said.slice(first).map((line) => line.replace(/ in .*/, '')),
    [
      ...['queries.json is there', 'train-groups.jsonl is there', 'dev-groups.jsonl is there'],
      ...['cross-encoder is there', 'bi-encoder is there', 'Models'],
    ],
  );
});
