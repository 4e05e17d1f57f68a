/** Values of settings as people type them: right ones count, wrong ones cost one sentence and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { excludeGlobs, letInGlobs } from '../../../src/clients/extension/folderRules';
import { checkSetting, type SettingName } from '../../../src/clients/extension/settingsTable';
import { english } from '../../../src/base/translate';

function checkValue(name: SettingName, given: unknown, value: unknown, problem?: string): void {
  const checked = checkSetting(name, given, english);
  const seen = { value: checked.value as unknown, problem: checked.problem };
  assert.deepEqual(seen, { value, problem }, `${name} ${JSON.stringify(given)}`);
}

test('takes right values and, where nothing is set, the default', () => {
  checkValue('search.hitCount', 5, 5);
  checkValue('search.hitCount', 200, 200);
  checkValue('search.hitCount', undefined, 30);
  checkValue('search.rerank', false, false);
  checkValue('provider', 'webgpu', 'webgpu');
  checkValue('indexing.exclude', ['a/**'], ['a/**']);
  checkValue('model', null, '');
});

test('says in a sentence what a wrong value should be, and takes the default', () => {
  const about = (name: string, wanted: string, initial: string): string =>
    `The setting nearmiss.${name} must be ${wanted}; ${initial} is used instead`;
  const count = about('search.hitCount', 'a number from 5 to 200', '30');
  for (const wrong of [4, 201, '30', Number.NaN, {}])
    checkValue('search.hitCount', wrong, 30, count);
  checkValue('search.rerank', 'yes', true, about('search.rerank', 'true or false', 'true'));
  const providers = 'one of auto, cpu, webgpu, dml, coreml, cuda';
  checkValue('provider', 'gpu', 'auto', about('provider', providers, '"auto"'));
  const list = about('indexing.include', 'a list of patterns', '[]');
  for (const wrong of ['a', [1], { a: true }]) checkValue('indexing.include', wrong, [], list);
  checkValue('dataFolder', 7, '', about('dataFolder', 'text', '""'));
});

test('takes the globs of the editor that are switched on, in its meaning', () => {
  const globs = excludeGlobs({
    exclude: ['own/**'],
    editorExcludes: [
      { '**/.git': true, '*.log': true, '**/*.js': { when: '$(basename).ts' }, '**/bower': false },
      { '**/.git': true, '**/dist': true },
      undefined,
      'nonsense',
    ],
  });
  assert.deepEqual(globs, ['**/.git', '**/dist', './*.log', 'own/**']);
});

test('lets in what is named from the top of the folder', () => {
  const globs = letInGlobs(['vendor/ours', './docs/out/**', '/gen', 'gen']);
  assert.deepEqual(globs, ['./gen', 'docs/out/**', 'vendor/ours']);
});
