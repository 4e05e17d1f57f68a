/** The built panel in a browser: what a person sees, presses and hears, without the editor. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { ThemeName } from '../../support/editorThemes';
import { browserMissing, launchChromium } from '../../support/chromium';
import { PanelPage, readyStatus } from '../../support/panelPage';
import { noFilters, type PanelHit } from '../../../src/protocol/panelMessages';
import { panelStrings } from '../../../src/protocol/panelStrings';
import { indexingFolder, indexingStatus, realColours, realHits, realQuery } from './gallery';
import { hitNamed, hitsNamed } from './hit';

const themes: readonly ThemeName[] = ['dark', 'light', 'highContrast', 'highContrastLight'];

suite('the panel in a browser', { skip: browserMissing() }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  test('searches as one types and shows hits one below the other', async () => {
    const panel = await PanelPage.open(browser);
    await panel.box.pressSequentially('parse');
    await panel.answer(hitsNamed('a', 'b', 'c'));
    const searches = await panel.saidOf('search');
    assert.deepEqual(searches.at(-1), {
      type: 'search',
      ticket: await panel.ticket(),
      query: 'parse',
      filters: noFilters,
      limit: 20,
      rerank: true,
    });
    assert.equal(await panel.order(), 'a b c');
    const rows = await panel.rows();
    for (const [index, row] of rows.entries()) {
      assert.ok(row.bottom - row.top > 20, `row ${index} has no height`);
      assert.ok(row.top >= (rows[index - 1]?.bottom ?? 0), `row ${index} lies on another`);
    }
    assert.equal(await panel.page.getByRole('status').textContent(), '3 hits');
    await panel.close();
  });

  test('takes a pasted query of 5,000 characters whole, and stays in its width', async () => {
    const panel = await PanelPage.open(browser);
    const query = 'where are failed uploads retried '.repeat(152).slice(0, 5000);
    await panel.box.fill(query);
    await panel.answer(hitsNamed('a', 'b'));
    const searches = (await panel.saidOf('search')) as { query: string }[];
    assert.ok(searches.length > 0);
    assert.ok(searches.every((search) => search.query === query));
    assert.equal(await panel.order(), 'a b');
    assert.deepEqual(await panel.overflowing(), []);
    await panel.close();
  });

  test('has the names that tests and screen readers go by', async () => {
    const panel = await PanelPage.open(browser);
    await panel.ask('q', hitsNamed('a'));
    const hit = panel.page.getByRole('list', { name: 'Hits' }).getByRole('listitem');
    assert.match((await hit.getAttribute('aria-label')) ?? '', /^src\/a\.ts:5/);
    for (const name of ['Not relevant', 'Relevant', 'Why here?'])
      assert.equal(await hit.getByRole('button', { name, exact: true }).count(), 1, name);
    await panel.page.getByRole('searchbox', { name: 'Search this workspace' }).focus();
    await panel.close();
  });

  test('moves neither focus nor the hit under the pointer when the final order comes', async () => {
    const panel = await PanelPage.open(browser);
    const tall = hitNamed('tall', { snippet: 'a\nb\nc\nd\ne' });
    const first = [...hitsNamed('a', 'b', 'c', 'd'), tall];
    await panel.box.fill('q');
    await panel.answer(first, { stage: 'first' });
    await panel.hit('c').hover({ position: { x: 5, y: 5 } });
    const before = await topOf(panel, 'c');
    await panel.sayResults([tall, ...hitsNamed('d', 'c', 'b', 'a')]);
    assert.equal(await panel.order(), 'tall d c b a');
    assert.equal(await topOf(panel, 'c'), before);
    assert.equal(await panel.focusedName(), panelStrings.searchLabel);
    await panel.close();
  });

  test('holds a hit still although the list above it shrinks and cannot scroll', async () => {
    const panel = await PanelPage.open(browser);
    const tall = hitNamed('tall', { snippet: 'a\nb\nc\nd\ne' });
    await panel.box.fill('q');
    await panel.answer([tall, ...hitsNamed('a', 'b')], { stage: 'first' });
    await panel.box.press('ArrowDown');
    await panel.page.keyboard.press('ArrowDown');
    const before = await topOf(panel, 'a');
    await panel.sayResults([hitNamed('b'), tall, hitNamed('a')]);
    assert.equal(await panel.order(), 'b a tall');
    assert.equal(await topOf(panel, 'a'), before);
    assert.match((await panel.focusedName()) ?? '', /^src\/a\.ts/);
    await panel.close();
  });

  test('does everything by keyboard, from the box to a mark and back', async () => {
    const panel = await PanelPage.open(browser);
    const { keyboard } = panel.page;
    await panel.ask('q', hitsNamed('a', 'b', 'c'));
    for (const keys of ['ArrowDown', 'ArrowDown', 'Space', 'Enter', 'Control+Enter', 'Delete'])
      await keyboard.press(keys);
    const b = hitNamed('b').key;
    const opened = (await panel.saidOf('open')).map(({ key, mode }) => [key === b, mode]);
    assert.deepEqual(opened, [
      [true, 'preview'],
      [true, 'open'],
      [true, 'side'],
    ]);
    assert.deepEqual(await panel.saidOf('mark'), [
      { type: 'mark', key: b, verdict: 'notRelevant' },
    ]);
    const mark = { id: '1', verdict: 'notRelevant' as const, similarity: 1 };
    await panel.say({ type: 'marked', key: b, mark });
    assert.equal(await panel.order(), 'a c b');
    assert.match((await panel.focusedName()) ?? '', /^src\/c\.ts/);
    assert.equal(await panel.page.getByRole('status').textContent(), 'Marked not relevant');
    await keyboard.press('Control+z');
    assert.deepEqual(await panel.saidOf('undo'), [{ type: 'undo', key: b, markId: '1' }]);
    await panel.say({ type: 'marked', key: b });
    await panel.answer(hitsNamed('a', 'b', 'c'));
    assert.equal(await panel.order(), 'a b c');
    await keyboard.press('Escape');
    assert.equal(await panel.focusedName(), panelStrings.searchLabel);
    await panel.close();
  });

  // The host's request for the caret once came after a quick hand had gone on into the list, and took the focus back.
  test('leaves the keyboard where it went when the request for the caret comes late', async () => {
    const panel = await PanelPage.open(browser);
    await panel.ask('q', hitsNamed('a', 'b'));
    await panel.box.press('ArrowDown');
    const act = (key: string): Promise<void> =>
      panel.page.evaluate(`{
        window.dispatchEvent(new Event('focus'));
        ${key === '' ? '' : `document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: '${key}', bubbles: true }));`}
        standIn.say({ type: 'ask' });
      }`);
    await act('ArrowDown');
    assert.match((await panel.focusedName()) ?? '', /^src\/b\.ts/);
    await act('');
    assert.equal(await panel.focusedName(), panelStrings.searchLabel);
    await panel.close();
  });

  test('reaches the buttons of the active hit with Tab, and those of no other', async () => {
    const panel = await PanelPage.open(browser);
    await panel.ask('q', hitsNamed('a', 'b'), { mayHaveMore: true });
    await panel.box.press('ArrowDown');
    const names: (string | null)[] = [];
    for (let step = 0; step < 5; step++) {
      await panel.page.keyboard.press('Tab');
      names.push(await panel.focusedName());
    }
    assert.deepEqual(names, [
      'Not relevant',
      'Relevant',
      'Why here?',
      'Open to the Side',
      'Show More Hits',
    ]);
    await panel.close();
  });

  test('marks with the mouse, and undoes in the hit and below the list', async () => {
    const panel = await PanelPage.open(browser);
    await panel.ask('q', hitsNamed('a', 'b'));
    await panel.hit('a').hover();
    await panel.hit('a').getByRole('button', { name: 'Relevant', exact: true }).click();
    const a = hitNamed('a').key;
    assert.deepEqual(await panel.saidOf('mark'), [{ type: 'mark', key: a, verdict: 'relevant' }]);
    const mark = { id: '1', verdict: 'relevant' as const, similarity: 1 };
    await panel.say({ type: 'marked', key: a, mark });
    await panel.answer([hitNamed('a', { mark }), hitNamed('b')]);
    const undo = panel.page.getByRole('button', { name: 'Undo' });
    assert.equal(await undo.count(), 2);
    await panel.hit('a').getByRole('button', { name: 'Undo' }).click();
    assert.deepEqual(await panel.saidOf('undo'), [{ type: 'undo', key: a, markId: '1' }]);
    await panel.say({ type: 'marked', key: a, problem: 'The disk is full' });
    assert.ok(await panel.page.getByText('The disk is full').last().isVisible());
    await panel.close();
  });

  test('accounts for a hit, and compares two', async () => {
    const panel = await PanelPage.open(browser);
    await panel.ask(realQuery, realHits);
    const hits = panel.hits;
    await hits.nth(0).hover({ position: { x: 5, y: 5 } });
    await hits.nth(0).getByRole('button', { name: 'Why here?' }).click();
    const account = hits.nth(0).getByRole('group', { name: 'Why here?' });
    const heads = await account.getByRole('rowheader').allTextContents();
    assert.deepEqual(heads, ['Words', 'Meaning', 'Re-ranker', 'Rules', 'Your marks']);
    assert.ok((await account.textContent())?.includes('cosine 0.62, rank 1'));
    await hits.nth(1).click({ modifiers: ['Control'], position: { x: 5, y: 5 } });
    await hits.nth(2).click({ modifiers: ['Control'], position: { x: 5, y: 5 } });
    await panel.page.getByRole('button', { name: 'Why this before that?' }).click();
    const table = panel.page.getByRole('region', { name: 'Comparison of two hits' });
    assert.ok(await table.getByText('cleanup.ts').isVisible());
    assert.ok(await table.getByText('sessionStore.test.ts').isVisible());
    await panel.close();
  });

  test('judges the like of a span in its own words, and goes back to the question', async () => {
    const panel = await PanelPage.open(browser);
    await panel.ask('q', hitsNamed('a'));
    const source = { folder: '/w', path: 'src/z.ts', start: 1, end: 3, label: 'z.ts:2' };
    await panel.say({ type: 'similar', source });
    await panel.answer(hitsNamed('b', 'c'));
    assert.ok(await panel.page.getByText('Similar to z.ts:2').isVisible());
    assert.deepEqual((await panel.saidOf('search')).at(-1)?.source, source);
    await panel.hit('b').hover({ position: { x: 5, y: 5 } });
    await panel.hit('b').getByRole('button', { name: 'Not similar' }).click();
    const b = hitNamed('b').key;
    assert.deepEqual(await panel.saidOf('mark'), [
      { type: 'mark', key: b, verdict: 'notRelevant' },
    ]);
    const mark = { id: '1', verdict: 'notRelevant' as const, similarity: 1 };
    await panel.say({ type: 'marked', key: b, mark });
    assert.equal(await panel.page.getByRole('status').textContent(), 'Marked not similar');
    await panel.page.getByRole('button', { name: 'Back to Search' }).click();
    await panel.answer(hitsNamed('a'));
    assert.deepEqual((await panel.saidOf('search')).at(-1)?.query, 'q');
    assert.equal(await panel.box.inputValue(), 'q');
    await panel.close();
  });

  test('goes back to older questions and remembers this one', async () => {
    const panel = await PanelPage.open(browser, { options: { history: ['newer', 'older'] } });
    await panel.box.fill('draft');
    const values: string[] = [];
    for (const key of ['ArrowUp', 'ArrowUp', 'ArrowDown', 'ArrowDown']) {
      await panel.box.press(key);
      values.push(await panel.box.inputValue());
    }
    assert.deepEqual(values, ['newer', 'older', 'newer', 'draft']);
    await panel.box.press('Enter');
    assert.deepEqual((await panel.saidOf('history')).at(-1)?.entries, ['draft', 'newer', 'older']);
    await panel.box.press('Escape');
    assert.equal(await panel.box.inputValue(), 'draft');
    await panel.close();
  });

  test('sets filters, groups by file, copies and goes elsewhere with the same words', async () => {
    const panel = await PanelPage.open(browser);
    await panel.ask('q', [...hitsNamed('a', 'b'), hitNamed('a', { start: 30, end: 31 })]);
    await panel.page.getByRole('button', { name: 'Filters' }).click();
    await panel.page.getByLabel('Language').selectOption('typescript');
    await panel.page.getByLabel('Changed files only').check();
    const folder = panel.page.getByLabel('Folder');
    await folder.fill('src/server, docs/**');
    await folder.press('Enter');
    assert.deepEqual((await panel.saidOf('search')).at(-1)?.filters, {
      languages: ['typescript'],
      paths: ['src/server', 'docs/**'],
      kinds: [],
      changedOnly: true,
    });
    await panel.page.getByRole('button', { name: 'Filters (3 set)' }).click();
    await panel.page.getByRole('button', { name: 'Group by File' }).click();
    assert.match((await panel.hits.nth(0).getAttribute('aria-label')) ?? '', /^src\/a\.ts, 2 hits/);
    assert.equal(await panel.hits.count(), 5);
    await panel.hits.nth(0).click();
    assert.equal(await panel.hits.count(), 3);
    await menuItem(panel, 'Search These Words in VS Code');
    await menuItem(panel, 'Open in Search Editor');
    assert.equal((await panel.saidOf('nativeSearch'))[0]?.query, 'q');
    assert.equal((await panel.saidOf('searchEditor'))[0]?.keys.length, 3);
    await panel.close();
  });

  test('opens, walks and closes the menu by keyboard', async () => {
    const panel = await PanelPage.open(browser);
    const { keyboard } = panel.page;
    await panel.ask('q', hitsNamed('a'));
    const button = panel.page.getByRole('button', { name: 'More Actions…' });
    await button.press('Enter');
    assert.equal(await panel.focusedName(), 'Copy Path and Line');
    await keyboard.press('ArrowUp');
    assert.equal(await panel.focusedName(), 'Show Marks');
    await keyboard.press('ArrowDown');
    assert.deepEqual(await panel.seriousFaults(), []);
    await keyboard.press('Enter');
    assert.deepEqual(await panel.saidOf('copy'), [
      { type: 'copy', keys: [hitNamed('a').key], format: 'pathLine' },
    ]);
    assert.equal(await panel.page.getByRole('menu').count(), 0);
    assert.equal(await panel.focusedName(), 'More Actions…');
    await keyboard.press('Enter');
    await keyboard.press('Escape');
    assert.equal(await panel.page.getByRole('menu').count(), 0);
    assert.equal(await panel.focusedName(), 'More Actions…');
    await panel.close();
  });

  test('previews a hit that the pointer rests on, and opens it with two clicks', async () => {
    const panel = await PanelPage.open(browser);
    await panel.ask('q', hitsNamed('a', 'b'));
    await panel.hit('b').hover({ position: { x: 5, y: 5 } });
    await panel.untilSaid('open');
    assert.deepEqual((await panel.saidOf('open'))[0]?.mode, 'preview');
    await panel.hit('b').dblclick({ position: { x: 5, y: 5 } });
    assert.equal((await panel.saidOf('open')).at(-1)?.mode, 'open');
    await panel.close();
  });

  test('comes back after a reload as it was', async () => {
    const panel = await PanelPage.open(browser, { height: 300 });
    const names = [...'abcdefgh'];
    await panel.ask('q', hitsNamed(...names));
    await panel.hit('f').scrollIntoViewIfNeeded();
    const before = await topOf(panel, 'f');
    await panel.untilKept();
    await panel.page.reload();
    await panel.applyTheme('dark');
    assert.equal(await panel.order(), names.join(' '));
    assert.equal(await panel.box.inputValue(), 'q');
    assert.equal(await topOf(panel, 'f'), before);
    await panel.greet();
    await panel.answer(hitsNamed(...names));
    assert.equal(await topOf(panel, 'f'), before);
    await panel.close();
  });

  test('runs no script and loads nothing that stands in a hit, a path, a note or a setting', async () => {
    const panel = await PanelPage.open(browser);
    const attack =
      '"><img src=x onerror="pwned=1"><script>pwned=1</script><b onclick="pwned=1" style="color:red">x</b>\u001b[31m\u202E${pwned=1}{{pwned=1}}';
    const part = { name: attack, contribution: 1, text: attack };
    const hit: PanelHit = {
      ...hitNamed('a'),
      key: `k${attack}`,
      folder: attack,
      folderName: attack,
      path: `${attack}/${attack}`,
      symbol: attack,
      kind: attack,
      language: attack,
      snippet: `${attack}\n${attack}`,
      why: attack,
      explain: [part, { ...part, name: 'words' }],
      mark: { id: attack, verdict: 'relevant', similarity: 1 },
    };
    const strings = { ...panelStrings, showMarks: attack, filters: attack };
    await panel.greet({ strings, history: [attack] });
    const folders = [{ ...indexingFolder, name: attack, reason: attack }, indexingFolder];
    const status = { ...readyStatus, folders, problems: [attack], languages: [attack] };
    await panel.say({ type: 'status', status });
    await panel.ask(attack, [hit, hitNamed('b')], { notes: [attack], noGoodMatch: true });
    await panel.page.locator('[aria-label="Why here?"]').first().click({ force: true });
    await panel.page.locator('header .action').last().click();
    await panel.page.getByRole('button', { name: 'More Actions…' }).click();
    await panel.say({ type: 'marked', key: hit.key, problem: attack });
    const source = { folder: attack, path: attack, start: 0, end: 1, label: attack };
    await panel.say({ type: 'similar', source });
    await panel.say({
      type: 'failed',
      ticket: await panel.ticket(),
      message: attack,
      advice: attack,
    });
    for (const kind of ['engineGone', 'needsConfirmation', 'virtual', 'ready'] as const)
      await panel.say({
        type: 'status',
        status: { ...status, kind, reason: attack, advice: attack },
      });
    assert.equal(await panel.page.evaluate('typeof pwned'), 'undefined');
    assert.equal(await panel.page.locator('#panel :is(img, script, b, iframe)').count(), 0);
    assert.equal((await panel.page.locator('#panel').getByText('<script>').count()) > 0, true);
    assert.equal((await panel.page.getByText('[U+202E]').count()) > 0, true);
    await panel.close();
  });

  test('says in each empty state what is the matter and what to do', async () => {
    const panel = await PanelPage.open(browser);
    const say = (changes: object): Promise<void> =>
      panel.say({ type: 'status', status: { ...readyStatus, ...changes } });
    await panel.picture('empty');
    assert.ok(await panel.page.getByText(panelStrings.emptyTitle).isVisible());
    const states = [
      ['noFolder', 'Open Folder', 'openFolder'],
      ['engineGone', 'Restart Engine', 'restartEngine'],
      ['needsConfirmation', 'Index This Folder', 'confirmIndex'],
    ] as const;
    for (const [kind, button, command] of states) {
      await say({ kind, reason: 'The reason', advice: 'The advice' });
      await panel.page.getByRole('button', { name: button }).click();
      assert.equal((await panel.saidOf('command')).at(-1)?.command, command);
      assert.deepEqual(await panel.seriousFaults(), [], kind);
      if (kind !== 'noFolder') assert.ok(await panel.page.getByText('The reason').isVisible());
      await panel.picture(kind);
    }
    await say({});
    await panel.ask('q', [], {});
    await panel.page.getByRole('button', { name: 'Why Is a File Not Found?' }).click();
    assert.equal((await panel.saidOf('command')).at(-1)?.command, 'whyNotFound');
    await panel.picture('noHits');
    await panel.page.getByRole('searchbox').press('Enter');
    const ticket = await panel.ticket();
    await panel.say({ type: 'failed', ticket, message: 'It ended', advice: 'Wait a moment' });
    await panel.page.getByRole('button', { name: 'Try Again' }).click();
    assert.ok((await panel.ticket()) > ticket);
    await panel.close();
  });

  test('tells while indexing what can be found already, and pauses', async () => {
    const panel = await PanelPage.open(browser);
    await panel.say({ type: 'status', status: indexingStatus });
    const bar = panel.page.getByRole('progressbar', { name: 'Indexing' });
    assert.equal(await bar.getAttribute('aria-valuenow'), '46');
    assert.ok(await panel.page.getByText('4,027 of 9,310 parts').isVisible());
    const folders = [{ ...indexingFolder, embeddedCount: 0, embeddableCount: 0 }];
    await panel.say({ type: 'status', status: { ...indexingStatus, folders } });
    assert.equal(await panel.page.getByText('0 of 0').count(), 0);
    await panel.page.getByRole('button', { name: 'Pause Indexing' }).click();
    await panel.say({ type: 'status', status: { ...indexingStatus, isPaused: true } });
    await panel.page.getByRole('button', { name: 'Resume Indexing' }).click();
    assert.deepEqual(
      (await panel.saidOf('command')).map(({ command }) => command),
      ['pause', 'resume'],
    );
    await panel.close();
  });

  test('is still where a person asks for less motion', async () => {
    const panel = await PanelPage.open(browser, { reducedMotion: true });
    await panel.box.fill('q');
    assert.equal(await panel.page.evaluate('document.getAnimations().length'), 0);
    await panel.close();
  });

  for (const theme of themes)
    test(`has no serious fault and no wrong colour in the ${theme} theme`, async () => {
      const panel = await PanelPage.open(browser, { theme, height: 900 });
      await panel.ask(realQuery, realHits, { mayHaveMore: true, noGoodMatch: true });
      await panel.say(realColours[theme].styles);
      await panel.say(realColours[theme].colours);
      await panel.picture(`${theme}-hits`);
      assert.deepEqual(await panel.seriousFaults(), []);
      await panel.say({ type: 'status', status: indexingStatus });
      await panel.page.getByRole('button', { name: 'Filters' }).click();
      await panel.hits.nth(1).click({ modifiers: ['Control'], position: { x: 5, y: 5 } });
      await panel.hits.nth(0).click({ modifiers: ['Control'], position: { x: 5, y: 5 } });
      await panel.page.getByRole('button', { name: 'Why this before that?' }).click();
      const key = realHits[0]?.key ?? '';
      await panel.say({ type: 'marked', key, problem: 'The disk is full' });
      await panel.picture(`${theme}-busy`);
      assert.deepEqual(await panel.seriousFaults(), []);
      assert.deepEqual(await panel.overflowing(), []);
      await panel.close();
    });

  for (const [name, size] of [
    ['zoomed', { width: 680, height: 900, zoom: 2 }],
    ['narrow', { width: 170, height: 700 }],
    ['wide', { width: 900, height: 600 }],
    ['low', { width: 400, height: 200 }],
  ] as const)
    test(`fits a ${name} panel`, async () => {
      const panel = await PanelPage.open(browser, size);
      await panel.say({ type: 'status', status: indexingStatus });
      await panel.ask(realQuery, realHits, { mayHaveMore: true });
      await panel.say(realColours.dark.styles);
      await panel.say(realColours.dark.colours);
      await panel.page.locator('[aria-label="Why here?"]').first().click({ force: true });
      await panel.picture(name);
      assert.deepEqual(await panel.overflowing(), []);
      assert.deepEqual(await panel.seriousFaults(), []);
      await panel.close();
    });
});

async function topOf(panel: PanelPage, name: string): Promise<number | undefined> {
  return (await panel.rows()).find((row) => row.name.startsWith(`src/${name}.ts`))?.top;
}

async function menuItem(panel: PanelPage, name: string): Promise<void> {
  await panel.page.getByRole('button', { name: 'More Actions…' }).click();
  await panel.page.getByRole('menuitem', { name }).click();
}
