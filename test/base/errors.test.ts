import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AbortedError,
  BugError,
  deserializeError,
  isAbort,
  messageOf,
  NearmissError,
  serializeError,
  systemCode,
} from '../../src/base/errors';

/** What arrives on the other side of a border, by way of real JSON. */
function crossBorder(error: unknown): Error {
  const wire = JSON.stringify(serializeError(error));
  return deserializeError(JSON.parse(wire) as ReturnType<typeof serializeError>);
}

test('carries an expected error across a border with code, sentence and advice', () => {
  const arrived = crossBorder(new NearmissError('diskFull', 'The disk is full', 'Free some space'));
  assert.ok(arrived instanceof NearmissError);
  assert.deepEqual(
    [arrived.code, arrived.message, arrived.advice],
    ['diskFull', 'The disk is full', 'Free some space'],
  );
});

test('carries a bug across a border with its stack', () => {
  const bug = new TypeError('x is undefined');
  const arrived = crossBorder(bug);
  assert.ok(arrived instanceof BugError);
  assert.equal(arrived.message, 'x is undefined');
  assert.equal(arrived.stack, bug.stack);
});

test('turns anything thrown into a bug with its text', () => {
  assert.equal(crossBorder('just a string').message, 'just a string');
  assert.equal(crossBorder(undefined).message, 'undefined');
});

test('knows its own abort, that of a signal, and that of a timer', async () => {
  const controller = new AbortController();
  controller.abort();
  let fromSignal: unknown;
  try {
    controller.signal.throwIfAborted();
  } catch (error) {
    fromSignal = error;
  }
  const { setTimeout: sleep } = await import('node:timers/promises');
  const fromTimer = await sleep(1, undefined, { signal: controller.signal }).catch(
    (error: unknown) => error,
  );
  assert.deepEqual(
    [new AbortedError(), fromSignal, fromTimer].map((error) => isAbort(error)),
    [true, true, true],
  );
  assert.ok(isAbort(crossBorder(fromSignal)));
  assert.equal(isAbort(new Error('AbortError')), false);
});

test('keeps the cause of an expected error', () => {
  const cause = new Error('EIO');
  assert.equal(new NearmissError('index', 'Cannot read', undefined, { cause }).cause, cause);
});

test('reads message and system code of anything', () => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  assert.deepEqual([messageOf(full), messageOf(7)], ['no space', '7']);
  assert.deepEqual(
    [systemCode(full), systemCode(new Error('x')), systemCode('ENOSPC')],
    ['ENOSPC', undefined, undefined],
  );
});
