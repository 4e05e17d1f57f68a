import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { debounce, Sequencer } from '../../src/base/queue';

test('runs tasks one after the other, also after one that fails', async () => {
  const sequencer = new Sequencer();
  const steps: string[] = [];
  const slow = sequencer.run(async () => {
    steps.push('slow starts');
    await sleep(5);
    steps.push('slow ends');
    return 1;
  });
  const failing = sequencer.run(() => {
    steps.push('fails');
    throw new Error('no');
  });
  const last = sequencer.run(() => steps.push('last'));
  await assert.rejects(failing, /no/);
  assert.equal(await slow, 1);
  await last;
  assert.deepEqual(steps, ['slow starts', 'slow ends', 'fails', 'last']);
});

test('acts once after the last call of a burst, and not after it was disposed', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    let count = 0;
    const action = debounce(() => count++, 100);
    action.trigger();
    mock.timers.tick(99);
    action.trigger();
    mock.timers.tick(99);
    assert.equal(count, 0);
    mock.timers.tick(1);
    assert.equal(count, 1);
    action.trigger();
    action.dispose();
    mock.timers.tick(1000);
    assert.equal(count, 1);
  } finally {
    mock.timers.reset();
  }
});
