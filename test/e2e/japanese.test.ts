/**
 * The product in Japanese: commands, panel, status and messages. The editor's own words stay English here, because its
 * language pack cannot be had from a package registry.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { flow, useWorld } from '../support/editor/world';
import { eventually } from '../support/editor/workbench';

const world = useWorld({ name: 'japanese', isIndexed: true, language: 'ja' });
const texts = (file: string): Record<string, string> =>
  JSON.parse(fs.readFileSync(path.join(installationRoot(), file), 'utf8')) as Record<
    string,
    string
  >;
const titles = texts('package.nls.ja.json');
const strings = texts('l10n/bundle.l10n.ja.json');
/** Letters of the Japanese scripts. */
const japanese = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u;

flow('speaks Japanese in palette, panel and lists', world, async ({ window }) => {
  await window.statusReady.waitFor();
  await window.command(`Nearmiss: ${titles['command.focusPanel']}`);
  const { panel } = window;
  const box = panel.getByRole('searchbox', { name: strings['Search this workspace'] });
  await box.waitFor();
  await box.fill('remove a class from every selected element');
  const hits = panel.getByRole('list', { name: strings['Hits'] }).getByRole('listitem');
  await hits.first().waitFor();
  await window.settled();
  const hit = hits.first();
  await hit.hover();
  await hit.getByRole('button', { name: strings['Why here?'] }).click();
  await panel.getByRole('group', { name: strings['Why here?'] }).waitFor();
  await window.screenshot('13-japanese');
  const texts = await panel
    .locator('button[aria-label], .count, .account th')
    .evaluateAll((all) =>
      all.map((each) => each.getAttribute('aria-label') ?? each.textContent ?? ''),
    );
  assert.ok(texts.length > 10);
  assert.deepEqual(
    texts.filter((text) => !japanese.test(text)),
    [],
  );
  await window.command(`Nearmiss: ${titles['command.showStatus']}`);
  await eventually(
    () => window.rowNames(),
    (rows) => rows.length > 0 && rows.every((row) => japanese.test(row)),
  );
  await window.screenshot('13-japanese-status');
  await window.closeQuickPick();
  // Doctor looks while it tells; its page ends with a word of its own.
  await window.command(`Nearmiss: ${titles['command.runDoctor']}`);
  const findings = await eventually(
    () => window.page.locator('.view-line').allInnerTexts(),
    (lines) => lines.some((line) => line.includes(strings['Done.']!)),
  );
  await window.screenshot('13-japanese-doctor');
  const lines = findings.filter((line) => line.trim() !== '');
  assert.ok(lines.length > 10, lines.join('\n'));
  assert.deepEqual(
    lines.filter((line) => !japanese.test(line)),
    [],
  );
  // A sentence of the engine, with a sentence inside it.
  await window.command(`Nearmiss: ${titles['command.learnFromMarks']}`);
  await window.message('使えるのは評価 0 件です').first().waitFor();
  await window.screenshot('13-japanese-refusal');
});
