/** The part of a folder that a version is for: what of marks and guard queries is measured there. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import { placeOf, withId } from '../../../src/engine/feedback/mark';
import type { KeptMark } from '../../../src/engine/feedback/marks';
import { guardWithin, pseudoGuard } from '../../../src/engine/learning/guard';
import { gatherMarks } from '../../../src/engine/learning/markData';
import { judgedWithin, nameOfScope, reachOf } from '../../../src/engine/learning/scope';
import { planTiers } from '../../../src/engine/learning/tiers';
import type { VersionScope } from '../../../src/engine/learning/versionStore';
import { openFolderReader, openFolderWriter } from '../../../src/engine/store/store';
import type { FolderReader, Snapshot } from '../../../src/engine/store/types';
import { indexPaths, putTexts } from '../../support/folderIndex';
import { temporaryFolder } from '../../support/temporaryFolder';

const BODY = 'const one = two(three, four, five, six, seven, eight, nine, ten);\n';
const folder = temporaryFolder(after);
let reader: FolderReader;
let snapshot: Snapshot;
before(() => {
  const { index } = indexPaths(folder);
  const writer = openFolderWriter(index);
  for (const path of ['src/upload/a.ts', 'src/uploads.ts', 'src/upload/b.py', 'test/a.ts'])
    putTexts(writer, path, [
      `${path.endsWith('.py') ? '#' : '//'} Retries what failed in ${path.replaceAll(/\W/g, ' ')}\n${BODY}`,
      'second',
    ]);
  writer.dispose();
  reader = openFolderReader(index);
  snapshot = reader.snapshot();
});
after(() => {
  snapshot.dispose();
  reader.dispose();
});

function chunkOf(path: string, line = 0) {
  const [chunk] = snapshot.chunksAt(path, line, line + 1);
  assert.ok(chunk, path);
  return chunk;
}

let minute = 0;

function mark(query: string, path: string, verdict: 'relevant' | 'notRelevant'): KeptMark {
  const made = withId({
    ...{ query, ...placeOf(chunkOf(path), path), verdict, checkpoint: '' },
    time: new Date(Date.UTC(2026, 0, 1, 0, minute++)).toISOString(),
  });
  return { mark: made, origin: made, near: [] };
}

/** Of the paths, those whose first chunk lies in the part. */
function within(scope: VersionScope | undefined): string[] {
  const reach = reachOf(scope, snapshot);
  const paths = snapshot.paths();
  const byChunk = paths.filter((path) => reach.has(chunkOf(path).id));
  const { path: accepts, languages } = reach.filter ?? {};
  assert.deepEqual(
    paths.filter((path) => reach.hasPath(path)),
    byChunk,
  );
  // The searches that are measured let through the same.
  assert.deepEqual(
    paths.filter(
      (path) =>
        accepts?.(path) !== false && languages?.has(snapshot.document(path)!.language) !== false,
    ),
    byChunk,
  );
  return [...byChunk].sort();
}

test('a part is a folder, a language, or a language in a folder', () => {
  assert.deepEqual(within({ path: 'src/upload' }), ['src/upload/a.ts', 'src/upload/b.py']);
  assert.deepEqual(within({ language: 'ts' }), ['src/upload/a.ts', 'src/uploads.ts', 'test/a.ts']);
  assert.deepEqual(within({ path: 'src/upload', language: 'python' }), ['src/upload/b.py']);
  assert.equal(within(undefined).length, 4);
  assert.equal(reachOf(undefined, snapshot).filter, undefined);
  assert.equal(reachOf({ language: 'ts' }, snapshot).has(123_456), false);
  assert.equal(nameOfScope({ path: 'src/upload', language: 'ts' }), 'src/upload, ts');
});

test('what is judged outside of the part is not measured', () => {
  const [inside, outside] = [chunkOf('src/upload/a.ts').id, chunkOf('test/a.ts').id];
  const judged = { asked: 'q', relevant: [inside, outside], wrong: [outside] };
  const reach = reachOf({ path: 'src/upload' }, snapshot);
  assert.deepEqual(judgedWithin(reach, judged), { asked: 'q', relevant: [inside], wrong: [] });
  assert.deepEqual(judgedWithin(reachOf(undefined, snapshot), judged), judged);
});

test('what the folder asks itself is asked of that part', () => {
  const reach = reachOf({ path: 'src/upload' }, snapshot);
  const asked = pseudoGuard(snapshot, 100, seededRandom(1), reach.hasPath);
  const paths = new Set(asked.map(({ path }) => path));
  assert.deepEqual([...paths].sort(), ['src/upload/a.ts', 'src/upload/b.py']);
  const all = pseudoGuard(snapshot, 100, seededRandom(1));
  assert.ok(all.some(({ path }) => path === 'test/a.ts'));
  const [inside, outside] = [chunkOf('src/upload/a.ts').id, chunkOf('test/a.ts').id];
  const [one] = all;
  assert.deepEqual(
    guardWithin(reach, [
      { ...one!, query: 'both', chunkIds: [outside, inside] },
      { ...one!, query: 'none', chunkIds: [outside] },
    ]).map(({ query, chunkIds }) => [query, chunkIds]),
    [['both', [inside]]],
  );
});

// It took all marks for evidence, those too whose searches such a version never answers.
test('is not learned for where too few marks are answered there, however many there are elsewhere', () => {
  const marks = Array.from({ length: 12 }, (_, at) => [
    mark(`question ${at} of a user`, at < 7 ? 'src/upload/a.ts' : 'test/a.ts', 'relevant'),
    mark(`question ${at} of a user`, 'src/uploads.ts', 'notRelevant'),
  ]).flat();
  const data = gatherMarks(snapshot, marks);
  const refusalFor = (scope: VersionScope | undefined): string | undefined => {
    return planTiers(data, { chunkCount: 8, reach: reachOf(scope, snapshot) }).refusal;
  };
  assert.equal(refusalFor(undefined), undefined);
  assert.equal(
    refusalFor({ path: 'src/upload' }),
    'Marked queries that are answered in the part that it would be for: 7, and 8 are the least to measure a gain on',
  );
  assert.equal(refusalFor({ language: 'ts' }), undefined);
});
