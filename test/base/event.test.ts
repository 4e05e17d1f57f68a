import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Emitter } from '../../src/base/event';

test('tells every listener until it is disposed', () => {
  const emitter = new Emitter<number>();
  const heard: string[] = [];
  const first = emitter.on((value) => heard.push(`first ${value}`));
  emitter.on((value) => heard.push(`second ${value}`));
  emitter.fire(1);
  first.dispose();
  emitter.fire(2);
  emitter.dispose();
  emitter.fire(3);
  assert.deepEqual(heard, ['first 1', 'second 1', 'second 2']);
});

test('lets one function listen twice and leave once', () => {
  const emitter = new Emitter<void>();
  let count = 0;
  const listener = (): number => count++;
  emitter.on(listener);
  const second = emitter.on(listener);
  second.dispose();
  emitter.fire();
  assert.equal(count, 1);
});

test('does not tell a listener that was added while it fires', () => {
  const emitter = new Emitter<number>();
  const heard: number[] = [];
  emitter.on((value) => {
    if (value === 1) emitter.on((later) => heard.push(later));
  });
  emitter.fire(1);
  emitter.fire(2);
  assert.deepEqual(heard, [2]);
});
