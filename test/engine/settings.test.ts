import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { choiceOptions, numberOptions, readSettings } from '../../src/engine/settings';
import { temporaryFolder } from '../support/temporaryFolder';

const folder = temporaryFolder(after);
const file = path.join(folder, 'settings.json');

test('has a default within its range for every option', () => {
  for (const [name, { initial, min, max }] of Object.entries(numberOptions))
    assert.ok(min <= initial && initial <= max, name);
  for (const [name, { initial, choices }] of Object.entries(choiceOptions))
    assert.ok((choices as readonly string[]).includes(initial), name);
});

test('takes what the file says over the defaults', () => {
  fs.rmSync(file, { force: true });
  assert.equal(readSettings(folder).rerankCount, 30);
  fs.writeFileSync(file, '{"rerankCount": 5, "provider": "cpu", "of": "another version"}');
  const { rerankCount, provider, perFile } = readSettings(folder);
  assert.deepEqual(
    { rerankCount, provider, perFile },
    { rerankCount: 5, provider: 'cpu', perFile: 3 },
  );
});

test('lets the starter of the engine override the file, within the same ranges', () => {
  fs.writeFileSync(file, '{"rerankCount": 5, "provider": "cpu"}');
  const { rerankCount, provider } = readSettings(folder, { provider: 'webgpu' });
  assert.deepEqual({ rerankCount, provider }, { rerankCount: 5, provider: 'webgpu' });
  assert.throws(() => readSettings(folder, { provider: 'abacus' }), /provider must be one of/);
});

const wrong: readonly [string, RegExp][] = [
  ['{"rerankCount": -1}', /rerankCount must be 0 to 200 candidates/],
  ['{"rerankCount": "5"}', /rerankCount must be/],
  ['{"provider": "abacus"}', /provider must be one of auto, cpu/],
  ['{', /is not valid JSON/],
  ['[', /is not valid JSON/],
  ['null', /must hold one object/],
];
for (const [text, message] of wrong) {
  test(`says what is wrong with ${text}`, () => {
    fs.writeFileSync(file, text);
    assert.throws(() => readSettings(folder), { code: 'usage', message });
  });
}
