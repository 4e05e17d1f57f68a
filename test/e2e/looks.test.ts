/** For every eye: four themes, a page twice as large, what screen readers need. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { flow, useWorld } from '../support/editor/world';
import { eventually, type Workbench } from '../support/editor/workbench';

const query = 'remove a class from every selected element';
const world = useWorld({ name: 'looks', isIndexed: true });
const themes = ['Dark Modern', 'Light Modern', 'Dark High Contrast', 'Light High Contrast'];
const axe = fs.readFileSync(
  path.join(installationRoot(), 'node_modules/axe-core/axe.min.js'),
  'utf8',
);
/** Rules about whole pages: a panel is a part of one. */
const pageRules = [
  'document-title',
  'html-has-lang',
  'landmark-one-main',
  'page-has-heading-one',
  'region',
];

flow('looks right in four themes and has no serious fault in any', world, async ({ window }) => {
  await window.openPanel();
  await window.statusReady.waitFor();
  await window.search(query);
  await window.hits.nth(1).hover();
  for (const theme of themes) {
    await window.theme(theme);
    const body = window.panel.locator(`body[data-vscode-theme-name="${theme}"], body`).first();
    const kind = theme.includes('Contrast')
      ? 'vscode-high-contrast'
      : theme.startsWith('Dark')
        ? 'vscode-dark'
        : 'vscode-light';
    await eventually(
      () => body.getAttribute('class'),
      (text) => text?.split(' ').includes(kind) ?? false,
    );
    await window.settled();
    await window.screenshot(`13-${theme.toLowerCase().replaceAll(' ', '-')}`);
    assert.deepEqual(await seriousFaults(window), [], theme);
  }
  await window.theme('Dark Modern');
});

flow('can be read at 200 %', world, async ({ window }) => {
  // Half the viewport has the layout of a page twice as large.
  await window.page.setViewportSize({ width: 640, height: 400 });
  await window.hits.first().scrollIntoViewIfNeeded();
  await window.screenshot('13-zoom-200');
  assert.deepEqual(await seriousFaults(window), []);
  const frame = await window.panelFrame();
  const { scrollWidth, clientWidth } = await frame.evaluate<{
    scrollWidth: number;
    clientWidth: number;
  }>(
    '(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth }))(document.documentElement)',
  );
  assert.equal(scrollWidth, clientWidth, 'the panel has to be scrolled sideways');
  await window.page.setViewportSize({ width: 1280, height: 800 });
});

async function seriousFaults(window: Workbench): Promise<string[]> {
  const frame = await window.panelFrame();
  // The editor paints the ground outside of the panel's document, where axe does not look.
  await frame.evaluate(
    `document.body.style.background = getComputedStyle(document.documentElement).getPropertyValue('--vscode-sideBar-background')`,
  );
  await frame.evaluate(axe);
  const rules = JSON.stringify(
    Object.fromEntries(pageRules.map((rule) => [rule, { enabled: false }])),
  );
  const violations = await frame.evaluate<
    { id: string; impact: string; nodes: { html: string }[] }[]
  >(`axe.run(document, { rules: ${rules} }).then(({ violations }) => violations)`);
  await frame.evaluate(`document.body.style.background = ''`);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
}
