/** Searching from the command palette. */
import assert from 'node:assert/strict';
import { flow, useWorld } from '../support/editor/world';
import { eventually } from '../support/editor/workbench';

const query = 'remove a class from every selected element';
const world = useWorld({
  name: 'palette',
  isIndexed: true,
  // A fixed order to compare with: how far the re-ranker gets is a matter of time.
  settings: { 'nearmiss.search.rerank': false },
});

flow('shows hits in the order of the engine and previews the one in focus', world, async (here) => {
  const { window } = here;
  await window.statusReady.waitFor();
  // Asked first: the command line waits for the models, which a window's first search does not.
  const expected = (await here.ask(query, '--no-rerank', '--limit', '30')).map(
    ({ path, start, end }) => `${path.split('/').pop()}:${start}-${end}`,
  );
  await window.searchInPalette(query);
  const rows = await window.rowNames();
  assert.ok(rows.length > 5, 'few rows');
  // The list draws only the rows that can be seen.
  assert.deepEqual(
    rows.map((row) => /^[^\s,]+/.exec(row)?.[0]),
    expected.slice(0, rows.length),
  );
  // The first row is previewed by itself; the next one that lies in another file shows that moving previews too.
  const files = expected.map((place) => place.split(':')[0] ?? '');
  const other = files.findIndex((file) => file !== files[0]);
  for (let row = 0; row < other; row++) await window.page.keyboard.press('ArrowDown');
  await eventually(
    () => window.activeTab.getAttribute('aria-label'),
    (label) => label?.includes(files[other] ?? '') ?? false,
  );
  await window.activeTab.locator('.monaco-icon-label.italic').waitFor();
  await window.screenshot('03-palette-search-with-preview');
  await window.page.keyboard.press('Enter');
  await window.quickInput.waitFor({ state: 'detached' });
});
