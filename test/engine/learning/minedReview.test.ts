/** Mined negatives that a person looks at, and what comes of the decisions. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Group } from '../../../src/engine/learning/groups';
import { decidedGroups, nearestMined } from '../../../src/engine/learning/minedReview';
import type { ReviewDecision } from '../../../src/engine/learning/report';
import { type OpenFolder, openFolder } from '../../support/openFolder';
import { toyEmbedder } from '../../support/toyIndexing';

let opened: OpenFolder;
before(async () => {
  const names = Array.from({ length: 30 }, (_, at) => `f${at}.ts`);
  opened = await openFolder(
    Object.fromEntries(names.map((name, at) => [name, `const value${at} = ${at};\n`])),
  );
});
after(() => opened.close());

const context = () => ({ snapshot: opened.snapshot, embedder: toyEmbedder() });

/** A query that file 0 answers, with the chunks of these files mined. */
function groupOf(...mined: number[]): Group {
  const chunkOf = (at: number) => opened.snapshot.chunksAt(`f${at}.ts`, 0, 10)[0]!;
  const { id: chunkId, path, span, symbol } = chunkOf(0);
  const right = { markId: 'm', chunkId, path, span, symbol, time: '2026', weight: 1 };
  const query = { asked: 'Q  q', text: 'q', time: '2026', relevant: [right], wrong: [] };
  return { query, mined: mined.map((at) => chunkOf(at).id) };
}

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
  const { snapshot } = opened;
  assert.deepEqual(nearestMined({ snapshot }, [groupOf(1)], new Map()), []);
  const { query, mined } = groupOf(1);
  const bare = { mined, query: { ...query, relevant: [] } };
  assert.deepEqual(nearestMined(context(), [bare], new Map()), []);
});
