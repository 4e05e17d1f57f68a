/** Usage by week: counted, kept, forgotten, and never in the way. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { mondayOf, UsageLog, withMarks } from '../../../src/engine/feedback/usage';
import { temporaryFolder } from '../../support/temporaryFolder';

const wednesday = new Date('2026-11-25T18:00:00Z');
const nextMonday = new Date('2026-11-30T00:00:00Z');

test('counts what happened in each week', async () => {
  const log = new UsageLog(path.join(temporaryFolder(after), 'usage'));
  await log.note('shop', [{ kind: 'search' }, { kind: 'reformulated' }], wednesday);
  await log.note('shop', [{ kind: 'opened', rank: 2, seconds: 7.5 }], wednesday);
  await log.note('shop', [{ kind: 'search' }, { kind: 'unresolved' }], nextMonday);
  await log.answer('shop', 'rarely', wednesday);
  await log.answer('shop', 'mostly', wednesday);
  assert.deepEqual(await log.read('shop'), {
    v: 1,
    weeks: [
      {
        monday: '2026-11-23',
        searchCount: 1,
        openedCount: 1,
        unresolvedCount: 0,
        reformulationCount: 1,
        seconds: [7.5],
        ranks: [2],
      },
      {
        monday: '2026-11-30',
        searchCount: 1,
        openedCount: 0,
        unresolvedCount: 1,
        reformulationCount: 0,
        seconds: [],
        ranks: [],
      },
    ],
    pulses: [{ month: '2026-11', answer: 'mostly' }],
  });
});

test('loses nothing when many are noted at once', async () => {
  const log = new UsageLog(path.join(temporaryFolder(after), 'usage'));
  await Promise.all(
    Array.from({ length: 50 }, () => log.note('shop', [{ kind: 'search' }], wednesday)),
  );
  assert.equal((await log.read('shop')).weeks[0]?.searchCount, 50);
});

test('keeps folders apart and forgets one or all', async () => {
  const folder = path.join(temporaryFolder(after), 'usage');
  const log = new UsageLog(folder);
  for (const id of ['shop', 'bank', 'zoo']) await log.note(id, [{ kind: 'search' }], wednesday);
  await log.forget('shop');
  assert.deepEqual(fs.readdirSync(folder).sort(), ['bank.json', 'zoo.json']);
  await log.forget();
  assert.equal(fs.existsSync(folder), false);
  assert.deepEqual((await log.read('bank')).weeks, []);
});

test('starts anew where its file was damaged', async () => {
  const folder = temporaryFolder(after);
  const log = new UsageLog(folder);
  for (const text of ['{"v":1,"weeks":[', '[]', '{"v":2}']) {
    fs.writeFileSync(path.join(folder, 'shop.json'), text);
    assert.deepEqual((await log.read('shop')).weeks, []);
  }
  await log.note('shop', [{ kind: 'search' }], wednesday);
  assert.equal((await log.read('shop')).weeks.length, 1);
});

test('adds marks by week, also to weeks without a search', () => {
  const weeks = withMarks(
    [],
    [
      { time: '2026-11-29T23:59:59.000Z' },
      { time: '2026-11-23T00:00:00.000Z' },
      { time: '2026-11-16T10:00:00.000Z' },
    ],
  );
  assert.deepEqual(
    weeks.map(({ monday, markCount }) => [monday, markCount]),
    [
      ['2026-11-16', 1],
      ['2026-11-23', 2],
    ],
  );
});

test('knows the Monday of every day', () => {
  assert.equal(mondayOf(new Date('2026-11-23T00:00:00Z')), '2026-11-23');
  assert.equal(mondayOf(new Date('2026-11-29T23:59:59Z')), '2026-11-23');
  assert.equal(mondayOf(new Date('2027-01-01T12:00:00Z')), '2026-12-28');
});
