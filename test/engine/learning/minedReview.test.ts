/** Mined negatives that a person looks at, and what comes of the decisions. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Group } from '../../../src/engine/learning/groups';
import { decidedGroups, nearestMined } from '../../../src/engine/learning/minedReview';
import type { ReviewDecision } from '../../../src/engine/learning/report';
import { markedFiles } from '../../support/markedFiles';
import { toyEmbedder } from '../../support/toyIndexing';

const files = markedFiles(before, after);
const context = () => ({ snapshot: files.snapshot, embedder: toyEmbedder() });
const groupOf = (...mined: number[]): Group => files.groupOf('Q  q', { mined });

test('shows the nearest of them, twenty at most, each beside the answer', () => {
  const items = nearestMined(
    context(),
    [groupOf(...Array.from({ length: 29 }, (_, at) => at + 1))],
    new Map(),
  );
  assert.equal(items.length, 20);
  const cosines = items.map(({ sentence }) => Number(/cosine (-?[\d.]+)/.exec(sentence)![1]));
  assert.deepEqual(
    cosines,
    [...cosines].sort((a, b) => b - a),
  );
  for (const { answer, reason, id } of items) {
    assert.deepEqual([answer?.path, reason], ['f0.ts', 'mined']);
    assert.match(id, /^mined-[0-9a-f]{20}$/);
  }
});

test('a decision holds for the query however it is spelled: kept, left out, or an answer too', () => {
  const group = groupOf(1, 2, 3, 4);
  const items = nearestMined(context(), [group], new Map());
  const idOf = (name: string): string => items.find(({ suspect }) => suspect.path === name)!.id;
  const decisions = new Map<string, ReviewDecision>([
    [idOf('f1.ts'), 'keep'],
    [idOf('f2.ts'), 'drop'],
    [idOf('f3.ts'), 'both'],
  ]);
  const again = { ...group, query: { ...group.query, asked: 'q Q' } };
  const [decided] = decidedGroups(context(), [again], decisions);
  assert.deepEqual(decided!.mined, [group.mined[0], group.mined[3]]);
  assert.deepEqual(
    decided!.query.relevant.map(({ path }) => path),
    ['f0.ts', 'f3.ts'],
  );
  // What was decided is not asked again.
  const left = nearestMined(context(), [decided!], decisions);
  assert.deepEqual(
    left.map(({ suspect }) => suspect.path),
    ['f4.ts'],
  );
});

test('without embeddings, or an answer, nothing is asked', () => {
  const { snapshot } = files;
  assert.deepEqual(nearestMined({ snapshot }, [groupOf(1)], new Map()), []);
  const { query, mined } = groupOf(1);
  const bare = { mined, query: { ...query, relevant: [] } };
  assert.deepEqual(nearestMined(context(), [bare], new Map()), []);
});
