/** Mined negatives beside marks: what answers a query that asks the same is none. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RunControl } from '../../../src/engine/training/control';
import { mineGroups } from '../../../src/engine/learning/groups';
import { markedFiles } from '../../support/markedFiles';
import { toyEmbedder } from '../../support/toyIndexing';

const files = markedFiles(before, after);

// Two spellings of one question with an answer each: each answer was mined as a negative of the other question.
test('mines no negative that answers a query which asks the same', async () => {
  const index = { snapshot: files.snapshot, embedder: toyEmbedder() };
  const answeredBy = (asked: string, at: number) => {
    const { query } = files.groupOf(asked, { mined: [] });
    const { id: chunkId, path, span, symbol } = files.chunkOf(at);
    return { ...query, relevant: [{ ...query.relevant[0]!, chunkId, path, span, symbol }] };
  };
  const queries = [answeredBy('which value', 1), answeredBy('what value', 2)];
  const mined = async (alike: readonly (readonly number[])[]) => {
    // Every chunk but the answers is taken, so that what is missing was kept out.
    const settings = { negativeCount: 29, condition: 'off', ceiling: Infinity } as const;
    const control = new RunControl();
    const groups = await mineGroups(index, queries, {
      ...{ control, seed: 1, onQuery: () => undefined, alike },
      settings: { ...settings, duplicateCosine: Infinity },
    });
    return groups.map(({ mined: ids }) => files.snapshot.chunks(ids).map(({ path }) => path));
  };
  const [apart, otherApart] = await mined([]);
  assert.ok(apart!.includes('f2.ts') && otherApart!.includes('f1.ts'));
  const [together, otherTogether] = await mined([[0, 1]]);
  assert.ok(!together!.includes('f2.ts') && !otherTogether!.includes('f1.ts'));
  assert.equal(together!.length, 28);
});
