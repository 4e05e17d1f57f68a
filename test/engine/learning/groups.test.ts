/** Mined negatives beside marks: what answers a query that asks the same is none. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RunControl } from '../../../src/engine/training/control';
import {
  crossRecords,
  fusionRecords,
  headRecords,
  mineGroups,
} from '../../../src/engine/learning/groups';
import { markedFiles } from '../../support/markedFiles';
import { toyEmbedder } from '../../support/toyIndexing';

const files = markedFiles(before, after);

test('what was only opened counts by half in every part, beside a wrong hit in full', () => {
  const index = { snapshot: files.snapshot, embedder: toyEmbedder() };
  const { query } = files.groupOf('which value', { mined: [] });
  const [first] = query.relevant;
  const opened = { ...query, relevant: [{ ...first!, weight: 0.5 }], wrong: [] };
  const { id: other } = files.chunkOf(2);
  const judged = { ...opened, wrong: [{ ...first!, chunkId: other }] };
  const groups = [opened, judged].map((own) => ({ query: own, mined: [files.chunkOf(1).id] }));
  const weights = (records: readonly object[]): unknown[] =>
    records.map((record) => (record as { readonly weight: number }).weight);
  assert.deepEqual(weights(fusionRecords(groups)), [0.5, 1]);
  assert.deepEqual(weights(headRecords(index, groups, [], [])), [0.5, 1]);
  assert.deepEqual(weights(crossRecords(index, groups)), [0.5, 1]);
});

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
