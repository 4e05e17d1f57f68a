/** The learning report as a page: safe, complete, legible, in a real browser in light, dark and on paper. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { difference, metric, moment } from '../../../src/clients/report/figures';
import { reportPage } from '../../../src/clients/report/page';
import { redact } from '../../../src/clients/report/redact';
import { browserMissing, launchChromium } from '../../support/chromium';
import { editorThemes } from '../../support/editorThemes';
import { sampleReport, sampleUsage, sampleVersions } from './sample';

const root = installationRoot();
const axeSource = fs.readFileSync(path.join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');
const page = reportPage({ report: sampleReport, versions: sampleVersions, usage: sampleUsage });

test('holds every figure of the report with its count', () => {
  for (const figure of sampleReport.figures) {
    const row = rowsOf(page).find((cells) => cells[0] === figure.name && cells[1] === figure.of);
    assert.deepEqual(row?.slice(2, 6), [
      String(figure.count),
      metric(figure.before),
      metric(figure.after),
      `${difference(figure.difference)} [${difference(figure.low)}, ${difference(figure.high)}]`,
    ]);
  }
  assert.deepEqual(
    curveRows(page),
    sampleReport.curve.map((point) => [
      ...[moment(point.time), String(point.markCount), String(point.count)],
      ...[point.value, point.low, point.high].map(metric),
    ]),
  );
});

test('says of all marks that there are which were used, and why the others were not', () => {
  const { learnedFrom } = sampleReport;
  const rows = rowsOf(page);
  const valueOf = (name: string): number => Number(rows.find(([cell]) => cell === name)?.[1]);
  const used = ['relevant', 'not relevant', 'on similar places', 'opened hits, weak evidence'];
  const leftOut = rows.filter(([cell]) => cell?.startsWith('left out: '));
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  assert.equal(sum(used.map(valueOf)), valueOf('of them used'));
  assert.equal(leftOut.length, 5);
  assert.equal(
    learnedFrom.usableCount + sum(leftOut.map(([, value]) => Number(value))),
    valueOf('Marks there are'),
  );
});

test('draws the curve of the figure that decided last alone', () => {
  const [first, ...others] = sampleReport.curve;
  const curve = [{ ...first!, name: 'near-miss accuracy' }, ...others];
  // A report that learned from no mark has another figure, and goes on with the curve.
  const adapted = { ...sampleReport, curve, primary: 'MRR by embeddings' };
  const drawn = reportPage({ report: adapted });
  assert.deepEqual(
    curveRows(drawn).map(([, markCount]) => markCount),
    ['40', '64'],
  );
  assert.match(drawn, /MRR@10 on held-out queries, by marks learned from/);
});

test('says how a candidate fares in daily use, each count as it is in the JSON', () => {
  const silent = { searches: 40, different: 12, opened: 9, higher: 5, lower: 2 };
  const live = { searches: 30, wins: 8, losses: 4, ties: 6, low: 0.39, high: 0.86 };
  const comparison = {
    ...{ candidate: 'cand<b>', isLive: true, since: '2026-11-25T12:00:00Z', silent, live },
    sentences: ['Shown mixed & counted'],
  };
  const compared = reportPage({
    report: sampleReport,
    versions: { ...sampleVersions, comparison },
    usage: sampleUsage,
  });
  const rows = rowsOf(compared);
  for (const counted of [...Object.values(silent), 30, 8, 4, 6])
    assert.ok(rows.some((cells) => cells.length === 2 && cells[1] === String(counted)));
  assert.match(compared, /cand&lt;b&gt;/);
  assert.match(compared, /Shown mixed &amp; counted\./);
  assert.doesNotMatch(page, /In daily use beside/);
});

test('says what a gain in pairs means for the search, where pairs decide', () => {
  const said = /how high right answers stand is MRR@10/;
  assert.match(reportPage({ report: { ...sampleReport, primary: 'near-miss accuracy' } }), said);
  assert.doesNotMatch(page, said);
});

test('says which conditions of the gate do not hold, and where a mark was set aside', () => {
  const rows = rowsOf(page);
  assert.ok(rows.some(([name, holds]) => name === 'guard queries' && holds === '✗ no'));
  assert.ok(rows.some(([name, holds]) => name === 'gain on held-out queries' && holds === '✓ yes'));
  assert.ok(rows.some((cells) => cells[3] === 'dist/upload/retry.js:1-28 retry'));
});

test('calls a condition that had nothing to measure neither met nor failed', () => {
  const [first, guard] = sampleReport.conditions;
  const conditions = [first!, { ...guard!, isMet: true, count: 0, sentence: 'There were none' }];
  const rows = rowsOf(reportPage({ report: { ...sampleReport, conditions } }));
  const row = rows.find(([name]) => name === 'guard queries');
  assert.deepEqual(row, ['guard queries', '– not measured', 'There were none', '0']);
});

test('shows use by week and what it saved, as an estimate with its counts', () => {
  assert.ok(
    rowsOf(page).some((cells) => cells.join('|') === '2026-11-30|30|24|6 (20 %)|2|6|8.0 s (24)'),
  );
  const text = page.replaceAll(/\s+/g, ' ');
  // (20 s − 8 s) × 24 searches since; the week in which the version came is on neither side.
  assert.match(
    text,
    /Saved: about 4\.8 min of people, an estimate: median time to the hit 20 s over 20 searches before, 8\.0 s over 24 searches since/,
  );
  const few = reportPage({ report: sampleReport, usage: sampleUsage });
  assert.match(few.replaceAll(/\s+/g, ' '), /Saved: not known yet; 20 opened hits before/);
});

test('shows what each method brings with its count, its cost, and what could not be measured', () => {
  const rows = rowsOf(page);
  const pull = rows.find((cells) => cells[1] === 'Pull to the defaults');
  assert.deepEqual(pull, [
    ...['Fusion weights', 'Pull to the defaults', '18', '.550', '.560'],
    ...['+.010 [−.010, +.030]', '2.1 s, without it 2.4 s', '900 B'],
  ]);
  const mixed = rows.find((cells) => cells[1] === 'Synthetic negatives (HNCSE)');
  assert.deepEqual(mixed?.slice(5), [
    ...['−.020 [−.040, −.010]', '9.6 s, without it 8.5 s', '25 kB, without it 12 kB'],
  ]);
  const failed = rows.find((cells) => cells[1] === 'Anchor to the base');
  assert.deepEqual(failed?.slice(2, 6), ['–', '–', '–', 'Nothing was measured yet']);
  assert.match(page, /Embeddings made anew for all of them: 0\./);
  assert.match(page, /Of twenty such intervals one misses the truth by chance/);
  // Where near-miss accuracy decides, the rank stands beside it.
  const [first, ...others] = sampleReport.methods!;
  const figures = [{ ...first!.figures[0]!, name: 'near-miss accuracy' }, first!.figures[0]!];
  const methods = [{ ...first!, figures }, ...others];
  const both = rowsOf(reportPage({ report: { ...sampleReport, methods } }));
  assert.equal(
    both.find((cells) => cells[1] === 'Pull to the defaults')?.[6],
    '+.010 [−.010, +.030] (18)',
  );
  const { methods: _, ...without } = sampleReport;
  assert.doesNotMatch(reportPage({ report: without }), /What each method brings/);
  const none = reportPage({ report: { ...sampleReport, methods: [] } });
  assert.match(none, /No part was trained that holds methods/);
});

test('lets no name become an element, nor turn the text around', () => {
  assert.doesNotMatch(page, /<script/i);
  assert.ok(!page.includes('\u202e'));
  assert.match(page, /&lt;script&gt;window\.broken/);
});

test('leaves no query in a redacted report', () => {
  const told = { report: sampleReport, versions: sampleVersions, usage: sampleUsage };
  const whole = redact(told);
  const { report: redacted } = whole;
  const texts = [JSON.stringify(whole), reportPage(whole)];
  for (const text of texts) {
    assert.doesNotMatch(text, /where do we retry/);
    assert.doesNotMatch(text, /parse the configuration/);
    // Where it lies says whose it is.
    assert.doesNotMatch(text, /\/home\/|ada/i);
  }
  // The same query keeps one name, so that a reader can still follow it.
  assert.equal(redacted.quarantined[0]?.query, redacted.queries[0]?.query);
  assert.equal(
    redacted.quarantined[0]?.sentence,
    'It reads like what was marked relevant for "query 1"',
  );
  assert.deepEqual(redacted.figures, sampleReport.figures);
  assert.deepEqual(
    [redacted.folder, whole.versions.folder, whole.usage.folder],
    ['shop', 'shop', 'shop'],
  );
  assert.deepEqual(whole.usage.weeks, sampleUsage.weeks);
  const there = {
    ...{ ...sampleVersions.versions[0]!, author: 'Ada', problem: '/home/ada is gone' },
    verdict: 'Taken from the repository, not measured here yet; Ada says: Promoted',
  };
  const versions = { ...sampleVersions, versions: [there], problems: ['/home/ada is full'] };
  assert.doesNotMatch(JSON.stringify(redact({ ...told, versions }).versions), /ada/i);
});

// Every "1" of the verdict became "query 4" where somebody had searched for it.
test('leaves figures and words of sentences as they are, where a query is one of them', () => {
  const [first] = sampleReport.queries;
  const [aside] = sampleReport.quarantined;
  const asked = (query: string) => ({ ...first!, query });
  const report = {
    ...sampleReport,
    queries: ['1', 'queries', 'unseen'].map(asked),
    quarantined: [{ ...aside!, query: 'unseen', sentence: 'It reads like "unseen", unseen' }],
  };
  const { report: redacted } = redact({
    ...{ report, versions: sampleVersions, usage: sampleUsage },
  });
  assert.equal(redacted.verdict, sampleReport.verdict);
  assert.deepEqual(redacted.conditions, sampleReport.conditions);
  assert.deepEqual(
    redacted.queries.map(({ query }) => query),
    ['query 1', 'query 2', 'query 3'],
  );
  assert.equal(redacted.quarantined[0]?.sentence, 'It reads like "query 3", unseen');
});

test('has a section for what is missing instead of an empty table', () => {
  const bare = reportPage({
    report: {
      ...sampleReport,
      figures: [],
      conditions: [],
      tiers: [],
      queries: [],
      quarantined: [],
      curve: [],
    },
  });
  assert.match(bare, /Nothing could be compared/);
  assert.match(bare, /No query was compared/);
  assert.match(bare, /No mark was set aside/);
  assert.doesNotMatch(bare, /Learning curve/);
});

test(
  'is legible and quiet in a browser, light, dark and on paper',
  { skip: browserMissing() },
  async () => {
    const browser = await launchChromium();
    try {
      for (const colorScheme of ['light', 'dark'] as const) {
        const context = await browser.newContext({
          colorScheme,
          viewport: { width: 1100, height: 900 },
        });
        const window = await context.newPage();
        const said: string[] = [];
        window.on('console', (message) => said.push(message.text()));
        window.on('request', (request) => said.push(request.url()));
        await window.setContent(page);
        await window.evaluate(axeSource);
        const faults = await window.evaluate(
          'axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ": " + html)))',
        );
        assert.deepEqual(faults, []);
        assert.equal(await window.evaluate('window.broken'), undefined);
        assert.deepEqual(said, []);
        const painted = await window.locator('svg.curve .value').count();
        assert.equal(painted, sampleReport.curve.length);
        // Hostile names must not be cut off or push the page sideways.
        const wide = await window.evaluate('document.documentElement.scrollWidth > innerWidth');
        assert.equal(wide, false);
        const folder = path.join(root, 'test-results');
        fs.mkdirSync(folder, { recursive: true });
        await window.screenshot({
          path: path.join(folder, `report-${colorScheme}.png`),
          fullPage: true,
        });
        await context.close();
      }
    } finally {
      await browser.close();
    }
  },
);

test(
  'lets the keyboard reach and move every table that is wider than a narrow window',
  { skip: browserMissing() },
  async () => {
    const browser = await launchChromium();
    try {
      const window = await browser.newPage({ viewport: { width: 360, height: 800 } });
      await window.setContent(page);
      assert.equal(
        await window.evaluate('document.documentElement.scrollWidth > innerWidth'),
        false,
      );
      const wide = await window.evaluate<readonly (readonly [number, string, string])[]>(
        `[...document.querySelectorAll('main *')]
          .filter((one) => one.scrollWidth > one.clientWidth && getComputedStyle(one).overflowX === 'auto')
          .map((one) => [one.tabIndex, one.getAttribute('role'), one.getAttribute('aria-label')])`,
      );
      const names = wide.map(([, , name]) => name);
      assert.ok(names.includes('Before and after') && names.includes('Versions'), names.join());
      // Without a tab stop only a mouse or a finger could see their last columns; without a name nobody heard what it is.
      const headings = await window.locator('h2, figcaption').allInnerTexts();
      for (const [tabIndex, role, name] of wide) {
        assert.deepEqual([tabIndex, role], [0, 'region']);
        assert.ok(
          headings.some((heading) => heading.startsWith(name)),
          name,
        );
      }
      for (const name of names) {
        const region = window.getByRole('region', { name });
        await region.focus();
        await window.keyboard.press('ArrowRight');
        // Scrolling is smooth, and the page lets no script of a waiting test in.
        const moved = (): Promise<number> => window.evaluate('document.activeElement.scrollLeft');
        for (let look = 0; look < 1500 && (await moved()) === 0; look++)
          await window.waitForTimeout(20);
        assert.ok((await moved()) > 0, `${name} does not move`);
      }
    } finally {
      await browser.close();
    }
  },
);

test(
  'fits a narrow editor, and shows where the keyboard is, in each kind of theme',
  { skip: browserMissing() },
  async () => {
    const browser = await launchChromium();
    try {
      for (const [name, { bodyClass, colours }] of Object.entries(editorThemes)) {
        const window = await browser.newPage({ viewport: { width: 400, height: 800 } });
        await window.setContent(page);
        // What the editor gives every page of an extension.
        const variables = Object.entries(colours).map(([key, value]) => `${key}: ${value};`);
        await window.evaluate(
          `document.documentElement.style.cssText = ${JSON.stringify(variables.join(' '))};
           document.body.className = ${JSON.stringify(bodyClass)};
           document.head.insertAdjacentHTML('afterbegin', '<style>body { padding: 0 20px; }</style>');`,
        );
        const wide = await window.evaluate('document.documentElement.scrollWidth > innerWidth');
        assert.equal(wide, false, `${name}: the page moves sideways`);
        await window.evaluate(axeSource);
        const faults = await window.evaluate(
          'axe.run({ runOnly: ["color-contrast"] }).then(({ violations }) => violations.flatMap(({ nodes }) => nodes.map(({ html, any }) => any[0].message + ": " + html)))',
        );
        assert.deepEqual(faults, [], name);
        const quiet = await window.locator('.quiet').first().evaluate(colourOf);
        const ink = await window.locator('h1').evaluate(colourOf);
        assert.equal(quiet === ink, name.startsWith('highContrast'), `${name}: ${quiet}`);
        const stops = await window.evaluate<number>(
          `document.querySelectorAll('summary, a[href], [tabindex="0"]').length`,
        );
        assert.ok(stops > 3);
        const border = rgbOf(colours['--vscode-focusBorder']!);
        for (let stop = 0; stop < stops; stop++) {
          await window.keyboard.press('Tab');
          const [tag, ...outline] = await window.evaluate<readonly string[]>(
            `(() => { const one = document.activeElement; const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(one);
              return [one.tagName, outlineStyle, outlineWidth, outlineColor]; })()`,
          );
          assert.notEqual(tag, 'BODY');
          assert.deepEqual(outline, ['solid', '2px', border], `${name}: ${tag}`);
        }
        await window.screenshot({
          path: path.join(root, 'test-results', `report-narrow-${name}.png`),
          fullPage: true,
        });
        await window.close();
      }
    } finally {
      await browser.close();
    }
  },
);

function colourOf(element: unknown): string {
  return (
    globalThis as unknown as { getComputedStyle(of: unknown): { color: string } }
  ).getComputedStyle(element).color;
}

function rgbOf(colour: string): string {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `rgb(${red}, ${green}, ${blue})`;
}

/** Of the table beneath the learning curve. */
function curveRows(markup: string): string[][] {
  const [, figureAndTable = ''] = markup.split('<h2>Learning curve</h2>');
  return rowsOf(figureAndTable.split('</section>')[0]!).slice(1);
}

/** The texts of the cells of each row of a page's tables. */
function rowsOf(markup: string): string[][] {
  return [...markup.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row]) =>
    [...row!.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell]) =>
      cell!
        .replaceAll(/<svg.*?<\/svg>/gs, '')
        .replaceAll(/<[^>]*>/g, '')
        .trim(),
    ),
  );
}
