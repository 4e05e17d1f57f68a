/** Marks: at once, taken back exactly, still there after a reload and after clearing, gone when all is forgotten. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { killEngine } from '../support/product';
import { checkListFits, narrowSideBar, whileNarrow } from '../support/editor/narrow';
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
  await window.openPanel();
  await window.search(query);
  const reloaded = places(await window.hitNames());
  assert.notEqual(reloaded[0], wrong);
  await window.screenshot('04-still-marked-after-reload');
});

flow(
  'shows in the panel and in the list what was marked in the palette',
  world,
  async ({ window }) => {
    await window.searchInPalette('parse options of the command line');
    const row = window.quickRows.nth(3);
    const [place = ''] = places([(await row.getAttribute('aria-label')) ?? '']);
    const [file = ''] = place.split(':');
    await row.hover();
    await row.getByRole('button', { name: 'Relevant', exact: true }).click();
    await eventually(
      async () => (await window.rowNames())[0] ?? '',
      (first) => first.includes(place),
    );
    await window.screenshot('05-marked-in-the-palette');
    await window.closeQuickPick();
    await window.search('parse options of the command line');
    await eventually(
      async () => (await window.hitNames())[0] ?? '',
      (first) => first.includes(file) && first.includes('Marked relevant'),
    );
    await window.screenshot('05-seen-in-the-panel');
    await window.command('Nearmiss: Show Marks');
    await eventually(
      () => window.rowNames(),
      (rows) => rows.some((name) => name.includes(file)),
    );
    await window.screenshot('05-show-marks');
    await window.closeQuickPick();
  },
);

flow('asks which of some places is right and keeps each answer as marks', world, async (here) => {
  const { window, workspace: folder } = here;
  const client = here.client();
  const marksOf = async (asked: string): Promise<string[]> => {
    const { marks } = await client.call('listMarks', { folder });
    const own = marks.filter((mark) => mark.query === asked);
    return own.map((mark) => `${mark.path}:${mark.start} ${mark.verdict}`).sort();
  };
  await window.theme('Light Modern');
  await window.openPanel();
  await narrowSideBar(window, 250);
  await window.commandByKeys('Nearmiss: Ask Me the Best Questions');
  const title = window.page.locator('.quick-input-widget:visible .quick-input-title');
  const digit = /^(\d) {2}/;
  /** The query that is asked about, once it is the one of this number and its places are there. */
  const asked = async (number: number): Promise<string> => {
    const text = await eventually(
      async () => ((await window.rowNames()).length > 3 ? await title.innerText() : ''),
      (shown) => shown.includes(`${number}/`),
    );
    return /"(.*)"/u.exec(text)?.[1] ?? '';
  };
  const verdictsAre = (query: string, verdicts: readonly string[]): Promise<string[]> =>
    eventually(
      () => marksOf(query),
      (marks) =>
        marks
          .map((mark) => mark.split(' ').at(-1) ?? '')
          .sort()
          .join() === [...verdicts].sort().join(),
    );
  const first = await asked(1);
  const rows = await window.rowNames();
  const placeCount = rows.filter((name) => digit.test(name)).length - 1;
  assert.ok(2 <= placeCount && placeCount <= 4, rows.join('\n'));
  // The list is cut off where it ends: what to do stands first.
  await window.page.getByPlaceholder(/^A digit answers, Escape ends/).waitFor();
  await window.screenshot('18-which-is-right');
  await whileNarrow(window, 500, async () => {
    await checkListFits(window);
    await window.screenshot('18-which-is-right-narrow');
  });
  // The place of the row in focus is shown behind.
  const tab = window.activeTab;
  const fileOf = (name = ''): string => /^\d {2}([^:]+):/.exec(name)?.[1] ?? '';
  await tab.filter({ hasText: fileOf(rows[0]) }).waitFor();
  await window.page.keyboard.press('ArrowDown');
  await tab.filter({ hasText: fileOf(rows[1]) }).waitFor();
  await window.page.keyboard.press('2');
  const second = await asked(2);
  const wrong = Array.from({ length: placeCount - 1 }, () => 'notRelevant');
  const marks = await verdictsAre(first, ['relevant', ...wrong]);
  assert.ok(marks.find((mark) => mark.endsWith(' relevant'))?.includes(fileOf(rows[1])));
  await window.chooseByKeys('None of these is right');
  await asked(3);
  assert.ok((await marksOf(second)).every((mark) => mark.endsWith(' notRelevant')));
  assert.ok((await marksOf(second)).length >= 2);
  const back = window.page.locator('.quick-input-widget:visible').getByRole('button', {
    name: 'Back',
  });
  await back.click();
  assert.equal(await asked(2), second);
  assert.deepEqual(await marksOf(second), []);
  await window.chooseByKeys('Several are right');
  await window.page
    .locator('.quick-input-widget:visible input.input[placeholder^="Check all"]')
    .waitFor();
  for (const key of ['ArrowDown', 'Space', 'ArrowDown', 'Space'])
    await window.page.keyboard.press(key);
  await checkListFits(window);
  await window.screenshot('18-several-are-right');
  await window.page.keyboard.press('Enter');
  await asked(3);
  const several = await marksOf(second);
  assert.equal(several.filter((mark) => mark.endsWith(' relevant')).length, 2, several.join());
  await window.chooseByKeys('I cannot tell');
  await asked(4);
  await window.closeQuickPick();
  await window.message('2 of 10 questions answered').first().waitFor();
  await window.screenshot('18-answered');
  await window.theme('Dark Modern');
  const again = await client.call('bestQuestions', { folder, limit: 10 });
  assert.ok(again.every(({ query: next }) => next !== first && next !== second));
  // Later flows look for older marks in a list that shows some rows only.
  const left = (await client.call('listMarks', { folder })).marks;
  for (const { id, query: of } of left)
    if (of === first || of === second) await client.call('undoMark', { folder, id });
});

flow('keeps the rest of a damaged journal and says so', world, async ({ window, dataFolder }) => {
  const journal = journalOf(dataFolder);
  const lines = fs.readFileSync(journal, 'utf8').split('\n');
  const damaged = lines.map((line) => line.replace(query, 'x'.repeat(query.length)));
  assert.notDeepEqual(damaged, lines);
  // Before the end, so that the engine that comes next reads it in any case.
  fs.writeFileSync(journal, damaged.join('\n'));
  await killEngine(dataFolder);
  await window.command('Nearmiss: Show Marks');
  const rows = await eventually(
    () => window.rowNames(),
    (names) => names.some((name) => name.includes('parse options of the command line')),
  );
  assert.ok(!rows.some((name) => name.includes(query)));
  await window.page
    .getByText(/damaged|cannot be read/i)
    .first()
    .waitFor();
  await window.screenshot('17-damaged-journal');
  await window.closeQuickPick();
});

flow(
  'keeps marks when the index is cleared and removes them when all is forgotten',
  world,
  async ({ window, dataFolder }) => {
    await window.command('Nearmiss: Clear Index');
    await window.message('Clear').first().waitFor();
    await window.screenshot('16-clear-index');
    await window.answer(/^Clear/);
    await eventually(
      () => Promise.resolve(fs.readFileSync(journalOf(dataFolder), 'utf8')),
      (text) => text.includes('parse options of the command line'),
    );
    await window.command('Nearmiss: Show Marks');
    await eventually(
      () => window.rowNames(),
      (names) => names.some((name) => name.includes('parse options of the command line')),
    );
    await window.closeQuickPick();
    await window.command('Nearmiss: Forget Everything');
    await window.message('Forget').first().waitFor();
    await window.screenshot('16-forget-everything');
    await window.answer(/^Forget/);
    await eventually(
      () => Promise.resolve(journalsBelow(dataFolder).map((file) => fs.readFileSync(file, 'utf8'))),
      (texts) => texts.every((text) => !text.includes('parse options')),
    );
  },
);

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

function journalsBelow(dataFolder: string): string[] {
  return fs
    .readdirSync(dataFolder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('journal.jsonl'))
    .map((name) => path.join(dataFolder, name));
}

function journalOf(dataFolder: string): string {
  const [journal] = journalsBelow(dataFolder);
  assert.ok(journal, 'no journal');
  return journal;
}
