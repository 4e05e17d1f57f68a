import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, test } from 'node:test';
import {
  type ContributedTheme,
  customTokenRules,
  readTheme,
} from '../../../src/clients/extension/editorTheme';
import { parseJsonc } from '../../../src/clients/extension/jsonc';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';

const folder = temporaryFolder(after);
const rule = (scope: string, foreground: string): object => ({ scope, settings: { foreground } });
writeFiles(folder, {
  'dark.json': `{
    // A comment, and a comma too many
    "include": "./base/base.json",
    "tokenColors": [${JSON.stringify(rule('string', '#aaaaaa'))},],
  }`,
  'base/base.json': JSON.stringify({ tokenColors: [rule('comment', '#bbbbbb')] }),
  'circle.json': JSON.stringify({
    include: './circle.json',
    tokenColors: [rule('string', '#cccccc')],
  }),
  'aside.json': JSON.stringify({ tokenColors: './rules.json' }),
  'rules.json': JSON.stringify([rule('keyword', '#dddddd'), 'no rule', { scope: 'x' }]),
  'broken.json': '{ "tokenColors": [',
  'old.tmTheme': '<plist></plist>',
  'old.json': JSON.stringify({ tokenColors: './old.tmTheme' }),
});

function themeIn(file: string, more: Partial<ContributedTheme> = {}): ContributedTheme {
  return { label: 'Mine', uiTheme: 'vs-dark', file: path.join(folder, file), ...more };
}

function checkRules(theme: ContributedTheme, expected: readonly object[]): void {
  assert.deepEqual(readTheme('Mine', 'dark', [theme]).tokenColors, expected);
}

function isDefault(theme: ContributedTheme): boolean {
  return (readTheme('Mine', 'dark', [theme]).tokenColors ?? []).length > 20;
}

test('reads a theme with what it includes, the included rules first', () => {
  checkRules(themeIn('dark.json'), [rule('comment', '#bbbbbb'), rule('string', '#aaaaaa')]);
});

test('reads rules that lie in a file of their own and drops what is none', () => {
  checkRules(themeIn('aside.json'), [rule('keyword', '#dddddd')]);
});

test('ends with a theme that includes itself', () => {
  const { tokenColors } = readTheme('Mine', 'dark', [themeIn('circle.json')]);
  assert.equal(tokenColors?.length, 10);
});

test('has defaults for a theme that cannot be read or is not of the kind shown', () => {
  for (const file of ['broken.json', 'old.json', 'none.json']) assert.ok(isDefault(themeIn(file)));
  assert.ok(isDefault(themeIn('dark.json', { uiTheme: 'vs' })));
  assert.ok(isDefault(themeIn('dark.json', { label: 'Other' })));
});

test('finds a theme by its id as well', () => {
  checkRules(themeIn('aside.json', { id: 'Mine', label: 'Shown' }), [rule('keyword', '#dddddd')]);
});

test('has colours of its own for both kinds of high contrast', () => {
  const comment = (kind: 'highContrast' | 'highContrastLight'): string | undefined =>
    readTheme('', kind, [])
      .tokenColors?.filter(({ scope }) => [scope].flat().includes('comment'))
      .at(-1)?.settings.foreground;
  assert.equal(comment('highContrast'), '#7ca668');
  assert.equal(comment('highContrastLight'), '#515151');
});

test("adds the person's own rules, those for the theme last", () => {
  const setting = {
    comments: '#111111',
    textMateRules: [rule('a', '#222222'), { scope: 'no settings' }],
    '[Mine]': { strings: { fontStyle: 'bold' } },
    '[Other]': { comments: '#333333' },
  };
  assert.deepEqual(customTokenRules(setting, 'Mine'), [
    { scope: ['comment', 'punctuation.definition.comment'], settings: { foreground: '#111111' } },
    rule('a', '#222222'),
    { scope: ['string', 'meta.embedded.assembly'], settings: { fontStyle: 'bold' } },
  ]);
  for (const wrong of [undefined, null, 'x', ['x'], { textMateRules: 'x' }])
    assert.deepEqual(customTokenRules(wrong, 'Mine'), []);
});

test('reads JSON with comments and commas, and leaves strings alone', () => {
  assert.deepEqual(parseJsonc('\uFEFF{ "a": "//,]", /* b */ "c": [1, 2, ], // d\n }'), {
    a: '//,]',
    c: [1, 2],
  });
  assert.throws(() => parseJsonc('{ a: 1 }'), SyntaxError);
});
