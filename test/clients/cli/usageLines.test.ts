/** The lines on use below `nearmiss report`: every figure with its count. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageLines } from '../../../src/clients/cli/usageLines';
import { sampleUsage } from '../report/sample';

test('sums the weeks, each figure with its count', () => {
  assert.deepEqual(usageLines(sampleUsage), [
    'Use, counted in editors on this machine',
    '  searches                 65 in 4 weeks from 2026-11-09 on',
    '  a hit opened             49 of 65 (75 %)',
    '  given up                 16 of 65 (25 %)',
    '  other words in a minute  8 of 65 (12 %)',
    '  time to the hit          median 9.0 s, over 49 opened hits',
    '  rank of the opened hit   1: 37, 2: 4, 3: 2, 4-10: 5, later: 1 (of 49)',
    '  marks                    24, 6.0 a week',
    '  found what was needed    mostly (2026-11)',
  ]);
});

test('says that nothing was counted, and what is not known yet', () => {
  const none = ['Use: no search was counted yet in an editor'];
  assert.deepEqual(usageLines({ ...sampleUsage, weeks: [] }), none);
  const [week] = sampleUsage.weeks;
  const given = { ...week!, openedCount: 0, unresolvedCount: 14, seconds: [], ranks: [] };
  const lines = usageLines({ ...sampleUsage, weeks: [given], pulses: [] });
  assert.deepEqual(
    lines.slice(1, 4).map((line) => line.slice(27)),
    [...['14 in 1 week from 2026-11-09 on', '0 of 14 (0 %)', '14 of 14 (100 %)']],
  );
  assert.deepEqual(
    lines.slice(5, 7).map((line) => line.slice(27)),
    ['not known yet', 'not known yet'],
  );
});

test('takes the weeks that the page shows', () => {
  const [week] = sampleUsage.weeks;
  const weeks = Array.from({ length: 30 }, (_, at) => ({
    ...week!,
    searchCount: at < 4 ? 1000 : 1,
  }));
  assert.match(usageLines({ ...sampleUsage, weeks })[1]!, / 26 in 26 weeks /);
});
