/** Marks: at once, taken back exactly, still there after a reload and after clearing, gone when all is forgotten. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { killEngine } from '../support/product';
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

flow('asks which of two is right and keeps each answer as marks', world, async (here) => {
  const { window, workspace: folder } = here;
  const client = here.client();
  const markCount = async (): Promise<number> =>
    (await client.call('listMarks', { folder })).marks.length;
  const before = await markCount();
  const questions = await client.call('bestQuestions', { folder, limit: 10 });
  assert.equal(questions.length, 10);
  const title = window.page.locator('.quick-input-widget:visible .quick-input-title');
  const isAsked = async (at: number): Promise<void> => {
    const { first, second, query: asked } = questions[at]!;
    await eventually(
      async () => [await title.innerText(), ...(await window.rowNames())].join('\n'),
      (text) =>
        [asked, `${at + 1}/10`, path.basename(first.path), path.basename(second.path)].every(
          (part) => text.includes(part),
        ),
    );
  };
  await window.commandByKeys('Nearmiss: Ask Me the Best Questions');
  await isAsked(0);
  await window.screenshot('18-which-is-right');
  await window.chooseByKeys('Left: ');
  await isAsked(1);
  assert.equal(await markCount(), before + 2);
  await window.chooseByKeys('Neither is right');
  await isAsked(2);
  assert.equal(await markCount(), before + 4);
  await window.page
    .locator('.quick-input-widget:visible')
    .getByRole('button', { name: 'Back' })
    .click();
  await isAsked(1);
  assert.equal(await markCount(), before + 2);
  await window.chooseByKeys('I cannot tell');
  await isAsked(2);
  await window.closeQuickPick();
  await window.message('1 of 10 questions answered').first().waitFor();
  await window.screenshot('18-answered');
  const { marks } = await client.call('listMarks', { folder });
  const [{ query: asked, first, second }] = questions as [(typeof questions)[0]];
  const verdicts = marks.filter((mark) => mark.query === asked);
  assert.deepEqual(
    verdicts.map((mark) => [mark.path, mark.verdict]),
    [
      [first.path, 'relevant'],
      [second.path, 'notRelevant'],
    ],
  );
  const again = await client.call('bestQuestions', { folder, limit: 10 });
  assert.ok(again.every((question) => question.query !== asked));
});

flow('keeps the rest of a damaged journal and says so', world, async ({ window, dataFolder }) => {
  const journal = journalOf(dataFolder);
  const lines = fs.readFileSync(journal, 'utf8').split('\n');
  const first = lines.findIndex((line) => line.includes(query));
  assert.ok(first >= 0);
  lines[first] = (lines[first] ?? '').replace(query, 'x'.repeat(query.length));
  // Before the end, so that the engine that comes next reads it in any case.
  fs.writeFileSync(journal, lines.join('\n'));
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
