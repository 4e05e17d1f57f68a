/** `nearmiss mine` and the fusion weights, on a folder that is indexed on the way. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DEFAULT_WEIGHTS } from '../../../src/engine/search/weights';
import { makeWorld } from '../../badDays/world';
import { type CliResult, checkDone, checkSentence, runCli } from '../../support/product';
import { writeFiles } from '../../support/temporaryFolder';

const world = makeWorld(after);
before(() => world.install());

/** A function a file, so that there is something to mine; each in a file of its name. */
const names = [
  'upload',
  'download',
  'rename',
  'delete',
  'copy',
  'move',
  'open',
  'close',
  'lock',
  'sort',
];
before(() =>
  writeFiles(
    world.code,
    Object.fromEntries(
      names.map((name) => [
        `src/${name}.py`,
        `def ${name}_file(path):\n    """Will ${name} a file."""\n    return ${name}(path)\n`,
      ]),
    ),
  ),
);

const jsonl = (rows: readonly object[]): string =>
  `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;

/** \`--data\` names records here, and the data folder goes by another name than \`world.run\` gives it. */
function run(args: readonly string[]): Promise<CliResult> {
  const cli = path.join(world.root, 'dist/cli.js');
  return runCli([...args, '--home', world.data], { cwd: world.code, cli });
}

describe('nearmiss mine', () => {
  test('gives each query a group without its answer and with what was marked wrong', async () => {
    const queries = names.map((name, at) => ({
      query: `${name} a file`,
      positives: [`src/${name}.py:1-3`],
      ...(at === 0 && { negatives: ['src/copy.py:1-3'] }),
    }));
    writeFiles(world.code, { '../queries.jsonl': jsonl(queries) });
    const files = ['--queries', '../queries.jsonl', '--folder', '.', '--out'];
    const result = await run(['mine', ...files, '../groups.jsonl', '--json']);
    checkDone(result);
    const { groupCount, negativeCount } = JSON.parse(result.stdout) as Record<string, number>;
    assert.equal(groupCount, names.length);
    const content = fs.readFileSync(path.join(world.folder, 'groups.jsonl'), 'utf8');
    const groups = content
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            query: string;
            positives: string[];
            negatives: string[];
          },
      );
    assert.equal(
      groups.reduce((sum, { negatives }) => sum + negatives.length, 0),
      negativeCount,
    );
    groups.forEach(({ query, positives, negatives }, at) => {
      assert.equal(query, queries[at]!.query);
      assert.match(positives[0]!, new RegExp(`def ${names[at]}.file`));
      assert.ok(!negatives.includes(positives[0]!));
      assert.equal(new Set(negatives).size, negatives.length);
    });
    assert.ok(groups[0]!.negatives.some((text) => /def copy.file/.test(text)));
    checkDone(await run(['mine', ...files, '../again.jsonl']));
    assert.equal(fs.readFileSync(path.join(world.folder, 'again.jsonl'), 'utf8'), content);
    checkSentence(await run(['mine', ...files, '../again.jsonl']), 2, /is there already/);
  });

  // The flags of a run were nowhere to be found afterwards.
  test('is repeated by the record beside its result, flags and all', async () => {
    const queries = names.map((name) => ({
      query: `${name} a file`,
      positives: [`src/${name}.py:1-3`],
    }));
    const flags = { negativeCount: 2, ceiling: null, duplicateCosine: 1, weights: { words: 0.5 } };
    writeFiles(world.code, {
      '../asked.jsonl': jsonl(queries),
      '../flags.json': JSON.stringify({ ...flags, voting: 'weighted' }),
    });
    const files = ['--queries', '../asked.jsonl', '--folder', '.', '--seed', '7'];
    const recipe = (file: string): string[] => ['--recipe', file];
    checkDone(await run(['mine', ...files, ...recipe('../flags.json'), '--out', '../one.jsonl']));
    const record = JSON.parse(
      fs.readFileSync(path.join(world.folder, 'one.jsonl.mining.json'), 'utf8'),
    ) as Record<string, unknown>;
    const { recipe: used, dataHash, versions, base, ...rest } = record;
    assert.deepEqual(
      { ...(used as object) },
      { ...(used as object), ...flags, voting: 'weighted', depth: 50, teacherMargin: 0 },
    );
    assert.deepEqual(rest, {
      part: 'mined',
      queries: path.join(world.folder, 'asked.jsonl'),
      folder: world.code,
      also: [],
      seed: 7,
      groupCount: names.length,
      negativeCount: rest.negativeCount,
    });
    assert.match(String(dataHash), /^[0-9a-f]{64}$/);
    assert.match(String(base), /^[0-9a-f]{64}$/);
    assert.ok(versions);
    const again = ['--out', '../two.jsonl', ...recipe('../one.jsonl.mining.json')];
    checkDone(await run(['mine', ...files, ...again]));
    const bytes = (name: string): string => fs.readFileSync(path.join(world.folder, name), 'utf8');
    assert.equal(bytes('two.jsonl'), bytes('one.jsonl'));
    // It says something: by the defaults other groups come out.
    checkDone(await run(['mine', ...files, '--out', '../plain.jsonl']));
    assert.notEqual(bytes('plain.jsonl'), bytes('one.jsonl'));
  });

  test('lets a middle layer vote, and names a layer that is not there', async () => {
    const queries = names.map((name) => ({
      query: `${name} a file`,
      positives: [`src/${name}.py:1-3`],
    }));
    writeFiles(world.code, { '../layers.jsonl': jsonl(queries) });
    const files = ['--queries', '../layers.jsonl', '--folder', '.', '--out', '../layers.out'];
    const wrong = await run(['mine', ...files, '--also', 'layer:9']);
    const stderr = wrong.stderr.trim().split('\n').at(-1)!;
    checkSentence({ ...wrong, stderr }, 2, /so 9 is not one in the middle/);
    checkDone(await run(['mine', ...files, '--also', 'layer:1']));
    const content = fs.readFileSync(path.join(world.folder, 'layers.out'), 'utf8');
    assert.equal(content.trim().split('\n').length, names.length);
  });

  test('names the line whose place is not indexed', async () => {
    writeFiles(world.code, {
      '../odd.jsonl': jsonl([{ query: 'x', positives: ['src/none.py:1-2'] }]),
    });
    const files = ['--queries', '../odd.jsonl', '--folder', '.', '--out', '../odd.out'];
    const result = await run(['mine', ...files]);
    const stderr = result.stderr.trim().split('\n').at(-1)!;
    checkSentence({ ...result, stderr }, 2, /Line 1: src\/none.py:1-2 is not in the index/);
    assert.ok(!fs.existsSync(path.join(world.folder, 'odd.out')));
  });
});

describe('fusion weights', () => {
  test('are learned from places in a folder, and only those that a query can tell apart move', async () => {
    const records = names.map((name) => ({
      task: 'ir',
      query: `${name} file`,
      positives: [`src/${name}.py:1-3`],
      negatives: [],
    }));
    writeFiles(world.code, { '../marks.jsonl': jsonl(records) });
    writeFiles(world.code, { '../recipe.json': JSON.stringify({ steps: 5, evaluateEvery: 5 }) });
    const base = ['--base', path.join(world.root, 'models/bi-encoder'), '--part', 'fusion'];
    const rest = ['--recipe', '../recipe.json', '--folder', '.', '--out', '../fused', '--json'];
    const result = await run(['train', '--data', '../marks.jsonl', ...base, ...rest]);
    checkDone(result);
    const file = path.join(world.folder, 'fused/weights.json');
    const weights = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, number>;
    assert.deepEqual(Object.keys(weights).sort(), Object.keys(DEFAULT_WEIGHTS).sort());
    assert.notEqual(weights.pathWords, DEFAULT_WEIGHTS.pathWords);
    // No file here is generated: nothing was said about that.
    assert.ok(Math.abs(weights.generatedFactor! - DEFAULT_WEIGHTS.generatedFactor) < 1e-6);
    assert.equal(weights.sameFileFactor, DEFAULT_WEIGHTS.sameFileFactor);
  });

  test('need a folder', async () => {
    const base = ['--base', path.join(world.root, 'models/bi-encoder'), '--part', 'fusion'];
    const asked = ['train', '--data', '../marks.jsonl', ...base, '--out', '../none'];
    checkSentence(await run(asked), 2, /trained on one folder/);
  });
});
