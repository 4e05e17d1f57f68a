/** When a version is measured again by itself, and when it is left alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AbortedError } from '../../src/base/errors';
import { silentLogger } from '../../src/base/log';
import type { LearningReport, LearnResult } from '../../src/protocol/learning';
import type { LearnedStatus } from '../../src/protocol/types';
import { MeasuringAgain, type MeasuringAgainParts } from '../../src/engine/measuringAgain';

const RECORD = { id: 'f', folder: '/code' };
const DUE = { version: 'v1', changedShare: 0.4, isDue: true, notices: [] };

interface Situation {
  readonly learned?: Omit<LearnedStatus, 'folder'>;
  readonly afterMs?: number;
  readonly quietMs?: number;
  readonly isOnBattery?: boolean;
  readonly isSettled?: boolean;
  readonly isLearning?: boolean;
  readonly error?: Error;
}

/** How often it was measured in so many looks. */
async function countMeasured(situation: Situation, lookCount = 1): Promise<number> {
  const { learned = DUE, afterMs = 300_000, quietMs = 400_000, error } = situation;
  let count = 0;
  const learn: MeasuringAgainParts['learning']['learn'] = async (record, params) => {
    count++;
    assert.deepEqual(record, RECORD);
    const { kind, version, isUnasked } = params;
    assert.deepEqual([kind, version, isUnasked], ['check', 'v1', true]);
    if (error) throw error;
    const report = { verdict: 'Holds' } as LearningReport;
    return { version: 'v1', isPromoted: true, report } satisfies LearnResult;
  };
  const again = new MeasuringAgain({
    ...{ log: silentLogger, afterMs, quietForMs: () => quietMs },
    versions: { learnedIn: async () => learned },
    learning: { learn, isWorking: situation.isLearning ?? false },
    settled: () => (situation.isSettled === false ? [] : [RECORD]),
    isOnBattery: async () => situation.isOnBattery ?? false,
  });
  try {
    for (let at = 0; at < lookCount; at++) await again.look();
    return count;
  } finally {
    again.dispose();
  }
}

test('measures the version that answers when much has changed and nobody needs the machine', async () => {
  assert.equal(await countMeasured({}), 1);
});

test('leaves it alone while anything speaks against it', async () => {
  const against: Situation[] = [
    { quietMs: 200_000 },
    { isOnBattery: true },
    { isSettled: false },
    { isLearning: true },
    { learned: { ...DUE, isDue: false } },
    { afterMs: 0 },
  ];
  for (const situation of against)
    assert.equal(await countMeasured(situation), 0, JSON.stringify(situation));
});

test('tries once what cannot be measured, or what a person has cancelled', async () => {
  assert.equal(await countMeasured({ error: new Error('no memory') }, 3), 1);
  assert.equal(await countMeasured({ error: new AbortedError() }, 3), 1);
});
