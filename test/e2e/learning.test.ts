/**
 * Learning in the editor: marks through the panel, a run that is cancelled and one that is not, its verdict and report,
 * the ways back, a second window, and the review of what was set aside. The models are toys; the folder is one where marks
 * have something to teach.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { difference, metric } from '../../src/clients/report/figures';
import { idOfFolder, learningFolder } from '../../src/engine/dataFolder';
import { keepReview } from '../../src/engine/learning/reviewFile';
import type { ComparisonInfo, LearningReport } from '../../src/protocol/learning';
import { pathsOf, QUESTIONS, topicFiles } from '../support/learningWorld';
import { intervalOf } from '../support/mixture';
import { checkDone } from '../support/product';
import { type Asked, compareByHand, type Tally } from '../support/editor/compareByHand';
import { chooseComparison, judge, orderOf, places, rankOf } from '../support/editor/learningHands';
import { checkListFits, checkPageFits, whileNarrow } from '../support/editor/narrow';
import { flow, useWorld, type World } from '../support/editor/world';
import { eventually, patienceMs, type Workbench } from '../support/editor/workbench';
import { writeFiles } from '../support/temporaryFolder';

const world = useWorld({
  name: 'learning',
  isIndexed: false,
  hasToyModels: true,
  // Orders are compared exactly: how far the re-ranker gets is a matter of time.
  settings: {
    'nearmiss.search.rerank': false,
    'nearmiss.search.previewOnHover': false,
    'nearmiss.search.hitCount': 100,
  },
  async fill({ workspace, dataFolder }) {
    writeFiles(workspace, topicFiles());
    await fs.promises.mkdir(dataFolder, { mode: 0o700 });
    // On a busy machine a process that stands back would not come to its end, and a candidate would be late.
    const patient = { learningNiceness: 0, liveWithinMs: patienceMs };
    writeFiles(dataFolder, { 'settings.json': JSON.stringify(patient) });
  },
});

const markedTopics = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
/** Nobody marks anything for it. */
const unseenTopic = 12;
const unseen = QUESTIONS[unseenTopic]!;
/** The order for the unseen question before anything was learned. */
let old: string[] = [];
let learned: string[] = [];

flow('takes twenty wrong hits and their answers as marks', world, async (here) => {
  const { window } = here;
  await window.openPanel();
  await window.statusReady.waitFor();
  for (const topic of markedTopics) {
    const { code, test } = pathsOf(topic);
    await window.search(QUESTIONS[topic]!);
    await judge(window, test, 'Relevant', 'Marked relevant');
    for (const wrong of [code, pathsOf(topic + 1).code])
      await judge(window, wrong, 'Not relevant', 'Marked not relevant');
    if (topic === 0) await window.screenshot('30-marks-for-one-question');
  }
  const { marks } = await here.client().call('listMarks', { folder: here.workspace });
  const wrong = marks.filter(({ verdict }) => verdict === 'notRelevant');
  assert.deepEqual([marks.length, wrong.length], [30, 20]);
  old = await orderOf(window, unseen);
  const { code, test } = pathsOf(unseenTopic);
  assert.ok(rankOf(old, code) < rankOf(old, test), `the code stands first: ${old.join(', ')}`);
});

flow('changes nothing when learning is cancelled in the middle', world, async (here) => {
  const { window, workspace: folder } = here;
  const client = here.client();
  // Held at its first step, the run waits for a hand, however slow the machine is.
  let isHeld: Promise<boolean> | undefined;
  const listening = client.on('learningProgress', ({ state }) => {
    if (state === 'running') isHeld ??= client.call('pauseLearning', { folder, isPaused: true });
  });
  await client.call('status', {});
  await startLearning(window, '31-learning-plan');
  const progress = window.message('Nearmiss learns').first();
  await eventually(
    () => progress.innerText(),
    (text) => text.includes('paused'),
  );
  listening.dispose();
  assert.equal(await isHeld, true);
  await window.screenshot('31-learning-held');
  await progress.hover();
  await progress.getByRole('button', { name: 'Cancel' }).first().click();
  await progress.waitFor({ state: 'detached' });
  await eventually(
    () => client.call('cancelLearning', { folder }),
    (isRunning) => !isRunning,
  );
  const { current, versions } = await client.call('versions', { folder });
  assert.deepEqual([current, versions.map(({ id }) => id)], ['base', ['base']]);
  assert.deepEqual(await orderOf(window, unseen), old);
});

flow('says what was learned, and an unseen question is answered right', world, async (here) => {
  const { window } = here;
  await startLearning(window);
  // It goes by itself after some seconds, so it is read as soon as it is there.
  const verdicts = await eventually(
    () => window.message(/promoted/i).allInnerTexts(),
    (texts) => texts.length > 0,
  );
  await window.screenshot('32-verdict');
  const promoted = /Promoted: \d+ of 10 unseen queries improved, 0 got worse/;
  assert.match(verdicts.join(), promoted);
  learned = await orderOf(window, unseen);
  const { code, test } = pathsOf(unseenTopic);
  assert.ok(rankOf(learned, test) < rankOf(learned, code), `the test first: ${learned.join(', ')}`);
  await window.screenshot('32-unseen-question-learned');
});

flow('shows a report that holds what the command line says', world, async (here) => {
  const { window, workspace } = here;
  await window.command('Nearmiss: Show Learning Report');
  const page = await window.pageWith('Learning report');
  const result = await here.cli('report', '--folder', workspace, '--json');
  checkDone(result);
  const { report } = JSON.parse(result.stdout) as { report: LearningReport };
  const rows = await page
    .locator('tr')
    .evaluateAll((trs) =>
      trs.map((tr) =>
        [...tr.children].map((cell) => cell.textContent?.trim().replace(/\s+/g, ' ')),
      ),
    );
  assert.ok(report.figures.length > 0);
  for (const { name, of, count, before, after, ...change } of report.figures) {
    const row = rows.find((cells) => cells[0] === name && cells[1] === of);
    const interval = `${difference(change.difference)} [${difference(change.low)}, ${difference(change.high)}]`;
    assert.deepEqual(row?.slice(2, 6), [String(count), metric(before), metric(after), interval]);
  }
  assert.equal(await page.locator('.verdict').innerText(), report.verdict);
  assert.equal(await page.locator('svg.interval').count(), report.figures.length);
  for (const picture of await page.locator('svg').all()) {
    const { width = 0, height = 0 } = (await picture.boundingBox()) ?? {};
    assert.ok(width > 0 && height > 0, 'an empty picture');
    assert.ok((await picture.locator('line, rect, circle, path, polyline').count()) > 0);
  }
  await window.screenshot('33-report-dark');
  await window.theme('Light Modern');
  await page.locator('body.vscode-light').waitFor();
  await window.screenshot('33-report-light');
  await page.getByRole('heading', { name: 'Learning curve' }).scrollIntoViewIfNeeded();
  await window.screenshot('33-report-charts-light');
  await window.theme('Light High Contrast');
  await page.locator('body.vscode-high-contrast-light').waitFor();
  await whileNarrow(window, 760, async () => {
    await checkPageFits(page, 420);
    await page.locator('[tabindex="0"], summary').first().focus();
    await window.screenshot('33-report-narrow-high-contrast');
  });
  await window.theme('Dark Modern');
  await window.closeTab('Learning Report');
});

flow('gives marks to the repository only after a question', world, async (here) => {
  const shared = path.join(here.workspace, '.nearmiss', 'marks.jsonl');
  assert.equal(fs.existsSync(shared), false);
  const settingsFile = path.join(here.folder, 'user', 'User', 'settings.json');
  const settings = JSON.parse(fs.readFileSync(settingsFile, 'utf8')) as Record<string, unknown>;
  const sharing = { ...settings, 'nearmiss.marks.shareByRepository': true };
  fs.writeFileSync(settingsFile, JSON.stringify(sharing));
  // The editor in a browser reads its settings when a window opens.
  const window = await here.openWindow();
  await window.message('Share marks by the repository').first().waitFor();
  assert.equal(fs.existsSync(shared), false);
  await window.answer('Only Share');
  const lines = await eventually(
    async () => (fs.existsSync(shared) ? fs.readFileSync(shared, 'utf8').trim().split('\n') : []),
    ({ length }) => length >= 30,
  );
  const marks = lines.map((line) => JSON.parse(line) as { query?: string });
  for (const topic of markedTopics)
    assert.ok(marks.some(({ query }) => query === QUESTIONS[topic]));
});

flow('goes back to the exact old order, in a second window too', world, async (here) => {
  const [first, second] = here.windows as [Workbench, Workbench];
  await second.openPanel();
  assert.deepEqual(await orderOf(second, unseen), learned);
  await first.command('Nearmiss: Use Base Model');
  await first.message('The base model answers now').first().waitFor();
  for (const window of [first, second])
    await eventually(
      () => window.hitNames().then(places),
      (order) => JSON.stringify(order) === JSON.stringify(old),
    );
  await second.screenshot('34-base-in-the-other-window');
  await first.command('Nearmiss: Use Previous Model');
  await first
    .message(/Version .+ answers now/)
    .first()
    .waitFor();
  for (const window of [first, second])
    await eventually(
      () => window.hitNames().then(places),
      (order) => JSON.stringify(order) === JSON.stringify(learned),
    );
});

flow('shares and compares a version only after a question', world, async (here) => {
  const { window, workspace: folder } = here;
  const client = here.client();
  const { current: version } = await client.call('versions', { folder });
  const shared = path.join(folder, '.nearmiss', 'adapter');
  // Of several messages at once the workbench shows some in its list alone.
  await window.command('Notifications: Clear All Notifications');
  await window.command('Nearmiss: Share Version with the Repository');
  await window.question(`Share ${version} by the repository?`).waitFor();
  await window.screenshot('36-share-version');
  await window.answer('Cancel');
  await window.question(`Share ${version} by the repository?`).waitFor({ state: 'detached' });
  assert.equal(fs.existsSync(shared), false);
  await window.command('Nearmiss: Share Version with the Repository');
  await window.question(`Share ${version} by the repository?`).waitFor();
  await window.answer('Share');
  await window.message(`Version ${version} written to`).first().waitFor();
  assert.equal(fs.existsSync(shared), true);
  await window.command('Nearmiss: Use Base Model');
  await window.message('The base model answers now').first().waitFor();
  await window.command('Notifications: Clear All Notifications');
  await chooseComparison(window, `Compare silently: ${version}`);
  await window.message('Both are compared silently now').first().waitFor();
  assert.equal((await client.call('versions', { folder })).comparison?.candidate, version);
  await chooseComparison(window, 'Stop comparing');
  await eventually(
    async () => (await client.call('versions', { folder })).comparison,
    (comparison) => comparison === undefined,
  );
  await window.command('Notifications: Show Notifications');
  await window.page.getByText('The comparison has ended').first().waitFor();
  await window.command('Notifications: Hide Notifications');
});

flow('counts whose hits are opened where two versions are shown mixed', world, async (here) => {
  const { window, workspace: folder } = here;
  const client = here.client();
  const version = (await client.call('versions', { folder })).versions.at(-1)!.id;
  const live: readonly Asked[] = [
    { topic: 10, opens: 'candidate' },
    { topic: 11, opens: 'current' },
    { topic: unseenTopic, opens: 'candidate' },
    { topic: 13, opens: 'nothing' },
    // Its answer was marked, so that both have it at one place.
    { topic: 0, opens: 'both' },
  ];
  const counted = await compareByHand(here, version, live);
  assert.deepEqual(counted, { searches: 5, wins: 2, losses: 1, ties: 1 });
  await saysCounts(here, counted);

  await chooseComparison(window, 'Stop comparing');
  const ended = await eventually(
    () => window.message('The comparison has ended').allInnerTexts(),
    (texts) => texts.length > 0,
  );
  assert.match(ended.join(), /2 of 3 the candidate's \(95 % interval 21 % to 94 %\)/);
  await window.screenshot('39-comparison-ended');
  assert.equal((await client.call('versions', { folder })).comparison, undefined);
  assert.deepEqual(await orderOf(window, unseen), old);
  const none = await here.cli('compare', '--folder', folder);
  assert.equal(none.stdout, 'No version is being compared\n');
});

flow('reviews by keyboard what was set aside', world, async (here) => {
  const { window, workspace: folder } = here;
  const file = contradictionsOf(here, await marksOf(here));
  checkDone(await here.cli('marks', 'import', file, '--folder', folder));
  const client = here.client();
  const queue = await client.call('reviewQueue', { folder });
  assert.ok(queue.length > 0 && queue.every(({ decision }) => decision === undefined));
  await window.commandByKeys('Nearmiss: Review Negatives');
  const [row = ''] = await eventually(
    () => window.rowNames(),
    (rows) => rows.some((name) => name.includes(queue[0]!.query)),
  );
  await window.screenshot('35-review-queue');
  await window.chooseByKeys(queue[0]!.query);
  await eventually(
    () => window.rowNames(),
    (rows) => rows.some((name) => name.includes('Drop: do not learn from it')),
  );
  await window.screenshot('35-review-side-by-side');
  await window.chooseByKeys('Drop: do not learn from it');
  await eventually(
    () => window.rowNames(),
    (rows) => rows.some((name) => name.includes('(left out)')),
  );
  await window.screenshot('35-review-decided');
  await window.closeQuickPick();
  const decided = (await client.call('reviewQueue', { folder })).filter(({ decision }) => decision);
  assert.deepEqual(
    decided.map(({ decision }) => decision),
    ['drop'],
    row,
  );
});

flow(
  'shows a mixed negative by its parents and the nearest text, by keyboard',
  world,
  async (here) => {
    const { window, workspace: folder, dataFolder } = here;
    const client = here.client();
    // Toy embeddings lie too close together to be mixed, so that one is put there as a run does it.
    const placeOf = (topic: number) => ({
      path: pathsOf(topic).code,
      start: 0,
      end: 1,
      symbol: '',
    });
    const parentOf = (id: string, topic: number) => ({
      id,
      place: placeOf(topic),
      isMarked: false,
    });
    const query = 'where two wrong answers meet';
    await keepReview(learningFolder(dataFolder, idOfFolder(folder)), [
      {
        ...{ id: 'mixed-1', reason: 'mixed', sentence: 'Mixed halfway', query, answer: placeOf(0) },
        ...{ suspect: placeOf(3), parents: [parentOf('mined-1', 1), parentOf('mined-2', 2)] },
      },
    ]);
    await window.theme('Dark High Contrast');
    await window.commandByKeys('Nearmiss: Review Negatives');
    const listed = await eventually(
      () => window.rowNames(),
      (rows) => rows.some((name) => name.includes(query)),
    );
    // What is open comes before what was decided.
    assert.deepEqual(
      listed.map((name) => name.includes('(left out)')),
      [false, false, true],
    );
    await whileNarrow(window, 400, async () => {
      await checkListFits(window);
      await window.screenshot('36-review-narrow-high-contrast');
    });
    await window.chooseByKeys(query);
    await eventually(
      () => window.rowNames(),
      (rows) => rows.some((name) => name.includes('Drop the middle one')),
    );
    for (const topic of [1, 2, 3]) {
      const name = path.basename(pathsOf(topic).code);
      await eventually(
        () => window.page.locator(`.tab[aria-label*="${name}"]`).count(),
        (count) => count > 0,
      );
    }
    await window.screenshot('36-review-mixed');
    await whileNarrow(window, 400, async () => {
      await checkListFits(window);
      await window.screenshot('36-review-mixed-narrow-high-contrast');
    });
    await window.chooseByKeys('Drop the middle one: do not learn from it');
    const queue = await eventually(
      () => client.call('reviewQueue', { folder }),
      (items) => items.some(({ id, decision }) => id === 'mined-2' && decision === 'drop'),
    );
    await window.closeQuickPick();
    await window.theme('Dark Modern');
    assert.ok(queue.every(({ id }) => id !== 'mixed-1'));
  },
);

flow('says what each method brings when that is asked for', world, async (here) => {
  const { window, workspace: folder } = here;
  const client = here.client();
  await window.command('Nearmiss: Learn from Marks');
  const asked = window.quickRows.filter({ hasText: 'Learn, and measure each method' }).first();
  await asked.waitFor();
  await window.screenshot('37-plan-with-methods');
  await asked.click();
  const report = await eventually(
    () => client.call('learningReport', { folder }),
    (made) => made?.methods !== undefined,
  );
  const methods = report?.methods ?? [];
  assert.ok(methods.length > 0, 'no method was measured');
  await window.command('Nearmiss: Show Learning Report');
  const page = await window.pageWith('What each method brings, and what it costs');
  const rows = await page
    .locator('section', { has: page.getByRole('heading', { name: 'What each method brings' }) })
    .locator('tbody tr')
    .evaluateAll((trs) => trs.map((tr) => [...tr.children].map((cell) => cell.textContent ?? '')));
  assert.deepEqual(
    rows.map(([, , ...figures]) => figures.slice(0, 3)),
    methods.map(({ figures: [figure] }) =>
      figure && figure.count > 0
        ? [String(figure.count), metric(figure.before), metric(figure.after)]
        : ['–', '–', '–'],
    ),
  );
  await page.getByRole('heading', { name: 'What each method brings' }).scrollIntoViewIfNeeded();
  await window.screenshot('37-methods-in-the-report');
});

/** The list, the report and the command line say what was counted by hand. */
async function saysCounts(here: World, { searches, wins, losses, ties }: Tally): Promise<void> {
  const { window, workspace } = here;
  const decided = wins + losses;
  const { low, high } = intervalOf(wins, decided);
  await window.command('Nearmiss: Compare Versions…');
  const rows = await eventually(
    () => window.rowNames(),
    (names) => names.some((name) => name.includes('Stop comparing')),
  );
  const said = rows.find((name) => name.includes('Searches mixed live'));
  assert.ok(
    said?.includes(
      `mixed live: ${searches}; hits that decide, of the candidate: ${wins} of ${decided}`,
    ),
  );
  assert.ok(said?.includes(`95 % interval ${low} to ${high} %`), said);
  assert.ok(said?.includes(`opened hits at the same rank in both: ${ties}`), said);
  await window.screenshot('38-live-counts');
  await window.closeQuickPick();

  const json = await here.cli('compare', '--folder', workspace, '--json');
  checkDone(json);
  const { live } = JSON.parse(json.stdout) as ComparisonInfo;
  assert.deepEqual([live.searches, live.wins, live.losses, live.ties].map(Number), [
    searches,
    wins,
    losses,
    ties,
  ]);
  const { stdout } = await here.cli('compare', '--folder', workspace);
  assert.ok(stdout.includes(`${wins} of ${decided} the candidate's`), stdout);
  assert.ok(stdout.includes(`(95 % interval ${low} % to ${high} %)`), stdout);

  await window.command('Nearmiss: Show Learning Report');
  const page = await window.pageWith('Learning report');
  const cellOf = (name: string): Promise<string> =>
    page.locator('tr', { hasText: name }).locator('td').last().innerText();
  assert.deepEqual(
    [
      await cellOf('Searches answered by a mixture'),
      await cellOf('Opened hits of the candidate'),
      await cellOf('of the version that answers'),
      await cellOf('of both at the same rank'),
    ],
    [searches, wins, losses, ties].map(String),
  );
  await page.getByRole('heading', { name: /^In daily use beside/ }).scrollIntoViewIfNeeded();
  await window.screenshot('38-live-report');
  await window.closeTab('Learning Report');
  await window.theme('Light Modern');
  await window.command('Nearmiss: Show Status');
  await window.quickRows.filter({ hasText: 'Answers are mixed live with' }).first().click();
  await eventually(
    () => window.rowNames(),
    (names) => names.some((name) => name.includes('Stop comparing')),
  );
  await window.screenshot('38-live-counts-light');
  await window.closeQuickPick();
  await window.theme('Dark Modern');
}

async function startLearning(window: Workbench, picture?: string): Promise<void> {
  await window.command('Nearmiss: Learn from Marks');
  const row = window.quickRows.filter({ hasText: 'Learn now, about' }).first();
  await row.waitFor();
  if (picture) await window.screenshot(picture);
  await row.click();
}

async function marksOf(here: World): Promise<string[]> {
  const file = path.join(here.folder, 'marks.jsonl');
  checkDone(await here.cli('marks', 'export', file, '--folder', here.workspace));
  return fs.readFileSync(file, 'utf8').trim().split('\n');
}

/** A file that says the contrary of the first two marks, as if somebody else had judged. */
function contradictionsOf(here: World, marks: readonly string[]): string {
  const file = path.join(here.folder, 'others.jsonl');
  const others = marks.slice(0, 2).map((line) => {
    const mark = JSON.parse(line) as { id: string; verdict: string };
    const verdict = mark.verdict === 'relevant' ? 'notRelevant' : 'relevant';
    return JSON.stringify({ ...mark, id: `other${mark.id.slice(1)}`, verdict });
  });
  fs.writeFileSync(file, `${others.join('\n')}\n`);
  return file;
}
