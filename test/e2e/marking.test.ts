/** Marks act at once, are taken back exactly, and are still there after a reload. */
import assert from 'node:assert/strict';
import { flow, useWorld } from '../support/editor/world';
import { eventually, type Workbench } from '../support/editor/workbench';

const query = 'remove a class from every selected element';
const world = useWorld({
  name: 'marking',
  isIndexed: true,
  // Orders are compared exactly: how far the re-ranker gets is a matter of time.
  settings: { 'nearmiss.search.rerank': false },
});

flow('sinks a hit that is marked and lifts it again exactly', world, async ({ window }) => {
  await window.openPanel();
  await window.statusReady.waitFor();
  await window.search(query);
  const before = places(await window.hitNames());
  const wrong = before[0] ?? '';
  await judge(window, wrong, 'Not relevant');
  await window.screenshot('04-marked-not-relevant');
  const after = places(await window.hitNames());
  assert.ok(
    after.indexOf(wrong) < 0 || after.indexOf(wrong) >= after.length / 2,
    'it did not sink',
  );
  assert.deepEqual(after.filter((place) => place !== wrong).slice(0, 3), before.slice(1, 4));
  await window.panel.getByRole('button', { name: 'Undo' }).last().click();
  await eventually(
    () => window.hitNames().then(places),
    (names) => JSON.stringify(names) === JSON.stringify(before),
  );
  await window.screenshot('04-undone');

  await judge(window, wrong, 'Not relevant');
  await window.page.reload();
  await window.ready();
  // The panel is open again by itself, and its tab would close it.
  await window.command('Nearmiss: Focus Search Panel');
  await window.box.waitFor();
  await window.search(query);
  const reloaded = places(await window.hitNames());
  assert.notEqual(reloaded[0], wrong);
  await window.screenshot('04-still-marked-after-reload');
});

/** `path:line` or `name:span` of each, without what follows. */
function places(names: readonly string[]): string[] {
  return names.map((name) => /^[^\s,]+/.exec(name)?.[0] ?? name);
}

async function judge(window: Workbench, place: string, verdict: string): Promise<void> {
  const hit = window.hit(`${place},`);
  await hit.hover();
  await hit.getByRole('button', { name: verdict, exact: true }).click();
  await eventually(
    () => window.hitNames().then(places),
    (names) => names[0] !== place,
  );
}
