import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ALL_FOLDERS, WorkGate } from '../../../src/engine/indexing/gate';

const never = new AbortController().signal;

/** Whether a promise is still open after a moment. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  return (await Promise.race([promise.then(() => 'done'), delay(30, 'open')])) === 'open';
}

test('holds a paused folder and no other', async () => {
  const gate = new WorkGate({ isGentle: false });
  gate.pause('a');
  const held = gate.pass('a', never);
  assert.equal(await isOpen(held), true);
  assert.equal(await isOpen(gate.pass('b', never)), false);
  gate.resume('a');
  await held;
});

test('holds every folder while all are paused', async () => {
  const gate = new WorkGate({ isGentle: false });
  gate.pause(ALL_FOLDERS);
  assert.equal(gate.isPaused('a'), true);
  const held = gate.pass('a', never);
  assert.equal(await isOpen(held), true);
  gate.resume(ALL_FOLDERS);
  await held;
});

test('lets go of what waits when its signal aborts', async () => {
  const gate = new WorkGate({ isGentle: false });
  gate.pause('a');
  const controller = new AbortController();
  const held = gate.pass('a', controller.signal);
  controller.abort();
  await assert.rejects(held, { name: 'AbortError' });
});

test('holds the model while a query runs, until it has ended', async () => {
  const gate = new WorkGate({ isGentle: true, battery: charged, load: () => 0 });
  gate.busy(500);
  const { waitMs } = await gate.heavyWait(40);
  assert.ok(waitMs > 400 && waitMs <= 500);
  gate.notBusy();
  assert.equal((await gate.heavyWait(40)).waitMs, 0);
});

test('lets a stream of queries hold the model for two seconds at most', async () => {
  const gate = new WorkGate({ isGentle: false });
  for (let i = 0; i < 100; i++) gate.busy(60_000);
  assert.ok((await gate.heavyWait(0)).waitMs <= 2000);
});

const charged = async () => ({ isDischarging: false, charge: 1 });

test('waits for power on a low battery, and says so', async () => {
  const battery = async () => ({ isDischarging: true, charge: 0.1 });
  const gate = new WorkGate({ isGentle: true, battery, load: () => 0 });
  const { waitMs, reason, isHeld } = await gate.heavyWait(40);
  assert.ok(waitMs > 1000);
  assert.match(reason ?? '', /battery below/);
  assert.equal(isHeld, true);
  gate.hurry(true);
  assert.deepEqual(await gate.heavyWait(40), { waitMs: 0 });
});

test('rests in proportion to the last step on battery and under load, says why, and does not when hurried', async () => {
  const battery = async () => ({ isDischarging: true, charge: 0.9 });
  const onBattery = new WorkGate({ isGentle: true, battery, load: () => 0 });
  const rest = await onBattery.heavyWait(40);
  assert.deepEqual([rest.waitMs, rest.isHeld], [80, undefined]);
  assert.match(rest.reason ?? '', /^On battery, so .* `nearmiss index --hurry` does not rest$/);
  const loaded = new WorkGate({ isGentle: true, battery: charged, load: () => 1000 });
  const shared = await loaded.heavyWait(40);
  assert.deepEqual([shared.waitMs, shared.isHeld], [40, undefined]);
  assert.match(shared.reason ?? '', /^Other programs keep this machine busy, so /);
  // The rest is over; what it was for is not.
  assert.deepEqual(await loaded.heavyWait(0), { waitMs: 0, reason: shared.reason });
  loaded.hurry(true);
  assert.deepEqual(await loaded.heavyWait(40), { waitMs: 0 });
  loaded.hurry(false);
  assert.equal((await loaded.heavyWait(40)).waitMs, 40);
  const rude = new WorkGate({ isGentle: false, battery, load: () => 1000 });
  assert.deepEqual(await rude.heavyWait(40), { waitMs: 0 });
});
