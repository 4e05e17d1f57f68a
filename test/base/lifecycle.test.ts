import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DisposableStore,
  MutableDisposable,
  Shared,
  toDisposable,
  type Disposable,
} from '../../src/base/lifecycle';

/** Disposables that write their name to a list when they end. */
function recorder(): { ended: string[]; make: (name: string) => Disposable } {
  const ended: string[] = [];
  return { ended, make: (name) => toDisposable(() => ended.push(name)) };
}

test('ends its items once, last added first', () => {
  const { ended, make } = recorder();
  const store = new DisposableStore();
  store.add(make('a'));
  store.add(make('b'));
  store.dispose();
  store.dispose();
  assert.deepEqual(ended, ['b', 'a']);
  assert.equal(store.isDisposed, true);
});

test('ends a late arrival at once', () => {
  const { ended, make } = recorder();
  const store = new DisposableStore();
  store.dispose();
  store.add(make('late'));
  assert.deepEqual(ended, ['late']);
});

test('ends the others when one fails, and says so', () => {
  const { ended, make } = recorder();
  const store = new DisposableStore();
  store.add(make('a'));
  store.add(
    toDisposable(() => {
      throw new Error('stuck');
    }),
  );
  store.add(make('c'));
  assert.throws(
    () => store.dispose(),
    (error) => error instanceof AggregateError && (error.errors[0] as Error).message === 'stuck',
  );
  assert.deepEqual(ended, ['c', 'a']);
});

test('ends the old value when it is swapped, and not when it stays', () => {
  const { ended, make } = recorder();
  const holder = new MutableDisposable();
  const first = make('first');
  holder.value = first;
  holder.value = first;
  assert.deepEqual(ended, []);
  holder.value = make('second');
  assert.deepEqual(ended, ['first']);
  holder.dispose();
  assert.deepEqual(ended, ['first', 'second']);
  holder.value = make('late');
  assert.deepEqual(ended, ['first', 'second', 'late']);
  assert.equal(holder.value, undefined);
});

test('keeps a shared resource until its last lease ends after it was retired', () => {
  const { ended, make } = recorder();
  const shared = new Shared(make('resource'));
  const first = shared.acquire();
  const second = shared.acquire();
  first.dispose();
  first.dispose();
  shared.retire();
  assert.deepEqual(ended, []);
  second.dispose();
  assert.deepEqual(ended, ['resource']);
});

test('keeps an unused shared resource until it is retired', () => {
  const { ended, make } = recorder();
  const shared = new Shared(make('resource'));
  shared.acquire().dispose();
  assert.deepEqual(ended, []);
  shared.retire();
  shared.retire();
  assert.deepEqual(ended, ['resource']);
});
