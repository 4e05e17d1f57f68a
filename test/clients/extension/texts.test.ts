/**
 * Every word the extension says exists in English and Japanese, and none is left over. `UPDATE_GOLDEN=1` rewrites the
 * English bundle from the source; the Japanese one is written by hand.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { knownSentences } from '../../../src/clients/extension/engineSentences';
import { panelStrings } from '../../../src/protocol/panelStrings';

const root = installationRoot();
const literal = /\bt\(\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`([^`$]*)`)/g;
const computed = /\bt\(\s*(?!['"`\s])/g;

interface Found {
  readonly messages: string[];
  readonly computedIn: string[];
}

/** The messages of all calls of `t`, sorted, each once; and the files that call it with something else. */
function findMessages(sources: ReadonlyMap<string, string>): Found {
  const messages = new Set<string>();
  const computedIn = new Set<string>();
  for (const [file, text] of sources) {
    for (const [, single, double, back] of text.matchAll(literal))
      messages.add((single ?? double ?? back ?? '').replaceAll(/\\(['"`\\])/g, '$1'));
    if ([...text.matchAll(computed)].length > 0) computedIn.add(file);
  }
  return { messages: [...messages].sort(), computedIn: [...computedIn] };
}

function sourcesBelow(folder: string): Map<string, string> {
  const files = fs.existsSync(path.join(root, folder))
    ? fs.readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    : [];
  return new Map(
    files
      .filter((file) => file.endsWith('.ts'))
      .map((file) => [
        `${path.basename(folder)}/${file}`,
        fs.readFileSync(path.join(root, folder, file), 'utf8'),
      ]),
  );
}

function readJson(file: string): Record<string, string> {
  return JSON.parse(fs.readFileSync(path.join(root, file), 'utf8')) as Record<string, string>;
}

/** `{0}` and its like, sorted: a translation may reorder them but not lose one. */
function placeholders(text: string): string[] {
  return (text.match(/\{\d+\}/g) ?? []).sort();
}

function manifestKeys(): string[] {
  const manifest = fs.readFileSync(path.join(root, 'package.json'), 'utf8');
  const keys = [...manifest.matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key!);
  return [...new Set(keys)].sort();
}

/** The panel's strings and the engine's sentences stand in tables: these calls do not name their message. */
const ofTables = ['extension/engineSentences.ts', 'extension/panelHost.ts'];
const inCode = findMessages(
  new Map([...sourcesBelow('src/clients/extension'), ...sourcesBelow('src/clients/report')]),
);
const messages = [
  ...new Set([
    ...inCode.messages,
    ...Object.values(panelStrings),
    ...knownSentences().map(({ message }) => message),
  ]),
].sort();
const englishFile = 'l10n/bundle.l10n.json';
if (process.env.UPDATE_GOLDEN)
  fs.writeFileSync(
    path.join(root, englishFile),
    `${JSON.stringify(Object.fromEntries(messages.map((text) => [text, text])), null, 2)}\n`,
  );

test('calls t with literals only, so that every message can be found', () => {
  assert.deepEqual(inCode.computedIn, ofTables);
});

test('has every message in the English and the Japanese bundle and no other', () => {
  for (const file of [englishFile, 'l10n/bundle.l10n.ja.json'])
    assert.deepEqual(Object.keys(readJson(file)).sort(), messages, file);
});

test('keeps the placeholders of every message in Japanese', () => {
  for (const [text, japanese] of Object.entries(readJson('l10n/bundle.l10n.ja.json')))
    assert.deepEqual(placeholders(japanese), placeholders(text), text);
});

test('leaves no Japanese message empty or in English', () => {
  const untranslated = Object.entries(readJson('l10n/bundle.l10n.ja.json')).filter(
    ([text, japanese]) =>
      japanese.trim() === '' ||
      (japanese === text && /[a-z]{3}/.test(text.replace('Nearmiss', ''))),
  );
  assert.deepEqual(untranslated, []);
});

test('has every key of the manifest in both languages and no other', () => {
  for (const file of ['package.nls.json', 'package.nls.ja.json'])
    assert.deepEqual(Object.keys(readJson(file)).sort(), manifestKeys(), file);
});

test('finds messages in every form of literal and reports a computed one', () => {
  const seeded = new Map([
    [
      'a.ts',
      `t('it\\'s {0}', x); l10n.t("two"); vscode.l10n.t(\n  \`three\`,\n); get('no'); bet('no')`,
    ],
    ['b.ts', 't(name)'],
  ]);
  assert.deepEqual(findMessages(seeded), {
    messages: ["it's {0}", 'three', 'two'],
    computedIn: ['b.ts'],
  });
});
