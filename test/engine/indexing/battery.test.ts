import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parsePmset, readBattery, readPowerSupplies } from '../../../src/engine/indexing/battery';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';

test('reads the battery that powers the system, not that of a mouse', async () => {
  const folder = temporaryFolder(after);
  writeFiles(folder, {
    'AC/type': 'Mains\n',
    'BAT0/type': 'Battery\n',
    'BAT0/status': 'Discharging\n',
    'BAT0/capacity': '42\n',
    'ABC-mouse/type': 'Battery\n',
    'ABC-mouse/scope': 'Device\n',
    'ABC-mouse/status': 'Discharging\n',
    'ABC-mouse/capacity': '3\n',
  });
  assert.deepEqual(await readPowerSupplies(folder), { isDischarging: true, charge: 0.42 });
});

test('counts a machine without a battery as plugged in', async () => {
  const plugged = { isDischarging: false, charge: 1 };
  assert.deepEqual(await readPowerSupplies(temporaryFolder(after)), plugged);
  assert.equal(typeof (await readBattery()).charge, 'number');
});

test('reads what pmset prints', () => {
  const onBattery = `Now drawing from 'Battery Power'\n -InternalBattery-0\t17%; discharging; 1:05 remaining`;
  assert.deepEqual(parsePmset(onBattery), { isDischarging: true, charge: 0.17 });
  const plugged = `Now drawing from 'AC Power'\n -InternalBattery-0\t100%; charged`;
  assert.deepEqual(parsePmset(plugged), { isDischarging: false, charge: 1 });
});
