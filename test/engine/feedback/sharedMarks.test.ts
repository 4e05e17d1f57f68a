/** Marks shared by a repository as a file: what strangers wrote is checked, what branches wrote comes together. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { type Mark, withId } from '../../../src/engine/feedback/mark';
import {
  asShared,
  cleanAuthor,
  NOTHING_SHARED,
  parseShared,
  renderShared,
  withOwn,
} from '../../../src/engine/feedback/sharedMarks';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);
const NOW = Date.parse('2026-11-25T12:00:00Z');

function markOf(query: string, more: Partial<Mark> = {}): Mark {
  return withId({
    query,
    ...{ path: 'src/queue.ts', start: 3, end: 9, symbol: 'retry', hash: 'abc' },
    ...{ verdict: 'relevant', time: '2026-11-25T11:00:00Z', checkpoint: 'c0', ...more },
  });
}

function by(author: string, ...queries: string[]): Mark[] {
  return queries.map((query) => asShared(markOf(query), author)!);
}

function fileOf(marks: readonly Mark[], undone: readonly string[] = []): string {
  return renderShared({ ...NOTHING_SHARED, marks, undone });
}

test('reads what it wrote, in any order of lines, each once', () => {
  const marks = by('ada', 'one', 'two', 'three');
  const lines = fileOf(marks).trim().split('\n');
  const text = `\uFEFF${[...lines, ...lines].reverse().join('\r\n')}`;
  const read = parseShared(text, NOW);
  assert.deepEqual(read.problems, []);
  assert.equal(renderShared(read), fileOf(marks));
  assert.deepEqual(
    read.marks.map(({ author }) => author),
    ['ada', 'ada', 'ada'],
  );
});

test('what was taken back stays gone, whichever line comes first', () => {
  const [mark] = by('ada', 'one');
  const line = fileOf([mark!]);
  const tombstone = fileOf([], [mark!.id]);
  for (const text of [line + tombstone, tombstone + line])
    assert.equal(renderShared(parseShared(text, NOW)), tombstone);
});

test('two branches that add and take back are joined by git without a conflict', () => {
  const file = path.join(root, '.nearmiss/marks.jsonl');
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      ...{ cwd: root, encoding: 'utf8' },
      env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    });
  const write = (text: string): void => fs.writeFileSync(file, text);
  fs.mkdirSync(path.dirname(file));
  fs.writeFileSync(
    path.join(root, '.nearmiss/.gitattributes'),
    'marks.jsonl text eol=lf merge=union\n',
  );
  git('init', '-q', '-b', 'main');
  const shared = by('ada', 'one', 'two', 'three');
  write(fileOf(shared));
  git('add', '.');
  git('commit', '-qm', 'shared');
  git('checkout', '-qb', 'bob');
  const bobs = by('bob', ...Array.from({ length: 20 }, (_, at) => `bob ${at}`));
  write(renderShared(withOwn(parseShared(fs.readFileSync(file, 'utf8'), NOW), bobs, [])));
  git('commit', '-qam', 'bob');
  git('checkout', '-q', 'main');
  const adas = by('ada', ...Array.from({ length: 20 }, (_, at) => `ada ${at}`));
  const gone = shared[0]!.id;
  write(renderShared(withOwn(parseShared(fs.readFileSync(file, 'utf8'), NOW), adas, [gone])));
  git('commit', '-qam', 'ada');
  git('merge', '-q', '-m', 'merged', 'bob');
  const { marks, undone, problems } = parseShared(fs.readFileSync(file, 'utf8'), NOW);
  assert.deepEqual(problems, []);
  assert.deepEqual(undone, [gone]);
  const wanted = [...shared.slice(1), ...bobs, ...adas].map(({ id }) => id).sort();
  assert.deepEqual(marks.map(({ id }) => id).sort(), wanted);
});

const good = by('ada', 'good')[0]!;
const hostile: readonly [string, string, RegExp][] = [
  ['text that is no JSON', '<<<<<<< HEAD', /^Line 1 is left out: it is not JSON$/],
  ['a value that is no object', '7', /is not valid/],
  [
    'other words under a known id',
    JSON.stringify({ ...good, query: 'forged' }),
    /its id does not fit what it says/,
  ],
  [
    'a turned verdict under a known id',
    JSON.stringify({ ...good, verdict: 'notRelevant' }),
    /its id does not fit/,
  ],
  [
    'a query that is too long',
    JSON.stringify({ ...markOf('x'.repeat(2001)), author: 'a' }),
    /its query is too long/,
  ],
  [
    'a mark from the future',
    JSON.stringify(markOf('late', { time: '2027-01-01T00:00:00Z' })),
    /its time is yet to come/,
  ],
  ['a hit that was only opened', JSON.stringify(markOf('o', { weak: true })), /only opened/],
  ['a tombstone of no id', '{"v":1,"undo":"../../etc"}', /is not valid/],
];
for (const [what, line, sentence] of hostile)
  test(`leaves out ${what}, says so, and reads the rest`, () => {
    const { marks, problems } = parseShared(`${line}\n${fileOf([good])}`, NOW);
    assert.deepEqual(marks, [good]);
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, sentence);
  });

test('leaves lines of a newer version as they are', () => {
  const line = '{"v":2,"id":"x","judges":["many"]}';
  const read = parseShared(`${line}\n${fileOf([good])}`, NOW);
  assert.deepEqual(read.marks, [good]);
  assert.match(read.problems[0]!, /newer Nearmiss/);
  assert.ok(renderShared(read).includes(`${line}\n`));
});

test('reads only so many lines, and tells only so many problems', () => {
  const read = parseShared(`${'x\n'.repeat(30_000)}${fileOf([good])}`, NOW);
  assert.deepEqual(read.marks, []);
  assert.match(read.problems[0]!, /^Only the first 20000 lines are read/);
  assert.ok(read.problems.length <= 21, `${read.problems.length}`);
});

test('a name is one line of visible characters', () => {
  assert.equal(cleanAuthor(' Ada\n\u001b[31m\u202eLovelace '), 'Ada [31m Lovelace');
  assert.equal(cleanAuthor('\u0000'), 'somebody');
  assert.equal(cleanAuthor('x'.repeat(500)).length, 100);
});

test('shares neither what was only opened, nor secrets, nor what came from others', () => {
  assert.equal(asShared(markOf('o', { weak: true }), 'ada'), undefined);
  const secret = markOf(`who uses ${'ghp_'}${'a1B2c3D4e5'.repeat(4)}`);
  assert.equal(asShared(secret, 'ada'), undefined);
  assert.equal(asShared(good, 'bob'), undefined);
  assert.equal(asShared({ ...markOf('q'), id: 'other' }, 'ada'), undefined);
});
