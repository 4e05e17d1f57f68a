import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actOf, type KeyTarget } from '../../../src/clients/panel/keys';

const hit: KeyTarget = { key: 'h', isFile: false, isNested: false, isMac: false };

/** What "Ctrl+Enter" does on a row. */
function act(keys: string, row: Partial<KeyTarget> = {}): unknown {
  const parts = keys.split('+').filter((part) => part !== '');
  const key = keys.endsWith('+') ? '+' : (parts.pop() ?? '');
  return actOf(
    {
      key: key === 'Space' ? ' ' : key,
      ctrlKey: parts.includes('Ctrl'),
      metaKey: parts.includes('Cmd'),
      shiftKey: parts.includes('Shift'),
      altKey: parts.includes('Alt'),
    },
    { ...hit, ...row },
  );
}

test('opens, previews and opens to the side', () => {
  assert.deepEqual(act('Enter'), { type: 'opened', key: 'h', mode: 'open' });
  assert.deepEqual(act('Space'), { type: 'opened', key: 'h', mode: 'preview' });
  assert.deepEqual(act('Ctrl+Enter'), { type: 'opened', key: 'h', mode: 'side' });
  assert.deepEqual(act('Cmd+Enter', { isMac: true }), { type: 'opened', key: 'h', mode: 'side' });
});

test('marks, explains, undoes and copies', () => {
  assert.deepEqual(act('Delete'), { type: 'judged', key: 'h', verdict: 'notRelevant' });
  assert.deepEqual(act('Backspace'), undefined);
  assert.deepEqual(act('Backspace', { isMac: true }), {
    type: 'judged',
    key: 'h',
    verdict: 'notRelevant',
  });
  assert.deepEqual(act('+'), { type: 'judged', key: 'h', verdict: 'relevant' });
  assert.deepEqual(act('?'), { type: 'explained', key: 'h' });
  assert.deepEqual(act('Ctrl+z'), { type: 'undone' });
  assert.deepEqual(act('Ctrl+c'), { type: 'copied', format: 'pathLine' });
  assert.deepEqual(act('Ctrl+Shift+C'), { type: 'copied', format: 'markdown' });
});

test('moves and chooses as the lists of the editor do', () => {
  assert.deepEqual(act('ArrowDown'), { type: 'moved', to: 'next', isExtending: false });
  assert.deepEqual(act('Shift+ArrowUp'), { type: 'moved', to: 'previous', isExtending: true });
  assert.deepEqual(act('End'), { type: 'moved', to: 'last', isExtending: false });
  assert.deepEqual(act('Ctrl+Space'), { type: 'clicked', key: 'h', how: 'toggle' });
  assert.deepEqual(act('Ctrl+a'), { type: 'selectedAll' });
});

test('opens and closes files, and goes from a hit to its file', () => {
  const file = { isFile: true };
  assert.deepEqual(act('ArrowLeft', file), { type: 'fileToggled', key: 'h', isClosed: true });
  assert.deepEqual(act('Enter', file), { type: 'fileToggled', key: 'h' });
  assert.deepEqual(act('ArrowLeft', { isNested: true }), {
    type: 'moved',
    to: 'parent',
    isExtending: false,
  });
  assert.deepEqual(act('Delete', file), undefined);
});

test('leaves every other key to the editor', () => {
  for (const keys of ['F4', 'Alt+Enter', 'Ctrl+ArrowDown', 'Ctrl+f', 'x', 'Tab', 'ArrowLeft'])
    assert.equal(act(keys), undefined, keys);
});
