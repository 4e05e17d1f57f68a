/** What a report goes on with: the curve of the runs before it. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { adaptedReport, earlierCurve } from '../../../src/engine/learning/makeReport';
import type { CurvePoint } from '../../../src/engine/learning/report';
import { VersionStore } from '../../../src/engine/learning/versionStore';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);
const point: CurvePoint = {
  ...{ time: '2026-11-26T10:00:00.000Z', name: 'MRR@10', markCount: 40, count: 12 },
  ...{ value: 0.5, low: 0.4, high: 0.6 },
};

// A report of a run without marks held none, and the next run began a new curve.
test('a run without marks goes on with the curve of those that learned from marks', async () => {
  const store = new VersionStore(root);
  assert.deepEqual(await earlierCurve(store), []);
  const about = { id: 'none', verdict: 'Not promoted', folder: '/code', seed: 1 };
  await store.keepReport(adaptedReport({ ...about, curve: [point] }));
  await store.keepReport(adaptedReport({ ...about, curve: await earlierCurve(store) }));
  assert.deepEqual(await earlierCurve(store), [point]);
});
