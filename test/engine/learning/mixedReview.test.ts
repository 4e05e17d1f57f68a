/** Mixed negatives that a person looks at: which are shown, of what they were mixed, and what comes of a decision. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import { dot } from '../../../src/base/vector';
import { newHead } from '../../../src/engine/encoders/heads';
import type { Group } from '../../../src/engine/learning/groups';
import type { Decisions } from '../../../src/engine/learning/markData';
import { decidedGroups, reviewIdOf } from '../../../src/engine/learning/minedReview';
import { hardestMixed, type MixedParts } from '../../../src/engine/learning/mixedReview';
import { decideReview, decisionsOf, readReview } from '../../../src/engine/learning/reviewFile';
import type { ReviewItem } from '../../../src/engine/learning/report';
import { markedFiles } from '../../support/markedFiles';
import { temporaryFolder } from '../../support/temporaryFolder';
import { toyEmbedder } from '../../support/toyIndexing';

const root = temporaryFolder(after);
const embedder = toyEmbedder();
const files = markedFiles(before, after);
const { chunkOf } = files;

/** File 1 was marked as wrong, the others were mined. */
const groupOf = (asked: string, ...mined: number[]): Group =>
  files.groupOf(asked, { wrong: [1], mined });

/** With a head that changes nothing yet. */
async function shown(groups: readonly Group[], more: Partial<MixedParts> = {}) {
  const { id: base, dimension } = embedder.space;
  return hardestMixed(
    { snapshot: files.snapshot, embedder },
    {
      groups,
      queryVectors: await Promise.all(groups.map(({ query }) => embedder.embedQuery(query.text))),
      head: newHead({ kind: 'query-head', base, dimension, rank: 2 }, 1),
      ...{ hnm: { k: 4, s: 6, alpha: 0.5 }, decisions: new Map(), random: seededRandom(1) },
      ...more,
    },
  );
}

test('shows two of a query, each by its parents and the nearest chunk beside them', async () => {
  const group = groupOf('value', 2, 3, 4);
  const items = await shown([group]);
  assert.equal(items.length, 2);
  const places = [1, 2, 3, 4].map((at) => `f${at}.ts`);
  const ids = ['wrong', ...[2, 3, 4].map((at) => reviewIdOf(group, chunkOf(at)))];
  const { snapshot } = files;
  for (const { id, reason, parents, suspect, answer } of items) {
    assert.match(id, /^mixed-[0-9a-f]{20}$/);
    assert.deepEqual([reason, answer?.path, parents?.length], ['mixed', 'f0.ts', 2]);
    for (const parent of parents!) {
      const at = places.indexOf(parent.place.path);
      assert.deepEqual([parent.id, parent.isMarked], [ids[at], at === 0]);
    }
    // The nearest by brute force.
    const own = parents!.map(({ place }) => snapshot.chunksAt(place.path, 0, 10)[0]!.id);
    const middle = snapshot.meanVector(embedder.space.id, own)!;
    const others = snapshot
      .paths()
      .map((name) => snapshot.chunksAt(name, 0, 10)[0]!)
      .filter((chunk) => !own.includes(chunk.id));
    const cosines = others.map(({ id: other }) =>
      dot(middle, snapshot.meanVector(embedder.space.id, [other])!),
    );
    assert.equal(suspect.path, others[cosines.indexOf(Math.max(...cosines))]!.path);
  }
});

test('shows ten at most, the nearest to their query beside its answer first', async () => {
  const groups = Array.from({ length: 9 }, (_, at) => groupOf(`value ${at}`, 2, 3, 4 + at, 20));
  const items = await shown(groups);
  assert.equal(items.length, 10);
  const leads = items.map(({ sentence }) => {
    const [, made, answer] = /cosine (-?[\d.]+), the answer (-?[\d.]+)/.exec(sentence)!;
    return Number(made) - Number(answer);
  });
  // The sentences are rounded.
  leads.slice(1).forEach((lead, at) => assert.ok(lead <= leads[at]! + 0.021));
});

test('says nothing where nothing was mixed, embedded or answered, nor what was decided', async () => {
  const group = groupOf('value', 2, 3);
  assert.deepEqual(await shown([group], { hnm: { k: 0, s: 0, alpha: 0.5 } }), []);
  assert.deepEqual(await shown([groupOf('value')]), []);
  assert.deepEqual(await shown([{ ...group, query: { ...group.query, relevant: [] } }]), []);
  assert.deepEqual(await shown([group], { queryVectors: [undefined] }), []);
  const items = await shown([group]);
  const decisions: Decisions = new Map(items.map(({ id }) => [id, 'keep']));
  const left = await shown([group], { decisions });
  assert.ok(left.every(({ id }) => !decisions.has(id)));
});

test('a parent that is dropped is learned from and mixed no more', async () => {
  const group = groupOf('value', 2, 3, 4);
  const items = await shown([group]);
  const parent = items[0]!.parents!.find(({ isMarked }) => !isMarked)!;
  const queue = await decideReview(root, parent.id, 'drop', items);
  const isOf = ({ parents }: ReviewItem): boolean =>
    (parents ?? []).some(({ id }) => id === parent.id);
  assert.deepEqual(
    queue.filter((item) => item.id !== parent.id),
    items.filter((item) => !isOf(item)),
  );
  const decisions = decisionsOf(await readReview(root));
  assert.deepEqual([...decisions], [[parent.id, 'drop']]);
  const decided = decidedGroups({ snapshot: files.snapshot }, [group], decisions);
  assert.equal(decided[0]!.mined.length, 2);
  assert.ok((await shown(decided, { decisions })).every((item) => !isOf(item)));
  // A decision on what was marked goes by the mark, which is then not gathered any more.
  const marked = items.flatMap(({ parents }) => parents ?? []).find(({ isMarked }) => isMarked);
  if (marked) assert.equal(marked.id, 'wrong');
  await assert.rejects(decideReview(root, 'none', 'drop', items), { code: 'notFound' });
});
