/** The whole loop with the real engine and training process and toy models: learned, let in, taken back, forgotten. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import type { SearchHit } from '../../../src/protocol/types';
import { makeLearningWorld, QUESTIONS } from '../../support/learningWorld';

const world = makeLearningWorld(after);
before(() => world.prepare());
const UNSEEN = 12;

test('refuses without marks, and nothing changes', async () => {
  const asked = await world.order(QUESTIONS[UNSEEN]!);
  const { isPromoted, report, version } = await world.learn();
  assert.equal(isPromoted, false);
  assert.equal(version, 'base');
  assert.equal(
    report.verdict,
    'Not promoted: 0 marks can be used, and 10 are the least to learn from',
  );
  assert.deepEqual(await world.order(QUESTIONS[UNSEEN]!), asked);
});

test('asks which of some places is right where words and meaning disagree, and nobody twice', async () => {
  const folder = world.code;
  const judge = (query: string, file: string) =>
    world.client.call('addMark', {
      ...{ folder, query, path: file, start: 0, end: 1, verdict: 'notRelevant' },
    });
  // What was marked makes the query known, and leaves the places open that are asked about.
  for (const query of QUESTIONS.slice(0, 3)) await judge(query, world.pathsOf(7).code);
  const ask = () => world.client.call('bestQuestions', { folder, limit: 30 });
  const questions = await ask();
  const [asked] = questions;
  for (const { path: file } of asked?.places ?? []) await judge(asked!.query, file);
  const left = await ask();
  const typed = await world.client.call('bestQuestions', {
    ...{ folder, limit: 1, queries: [QUESTIONS[5]!] },
  });
  await world.unmarkAll();
  assert.ok(asked, 'nothing is asked');
  for (const { places, query } of questions) {
    const different = new Set(places.map(({ path: file, start }) => `${file}:${start}`));
    assert.equal(different.size, places.length);
    assert.ok(2 <= places.length && places.length <= 4);
    assert.ok(query.length > 0 && places.every(({ snippet }) => snippet.length > 0));
  }
  assert.ok(left.every(({ query }) => query !== asked.query));
  assert.ok(left.length > 0);
  assert.deepEqual(
    typed.map(({ query }) => query),
    [QUESTIONS[5]],
  );
});

test('learns what marks say about other queries, and going back gives the exact old order', async () => {
  const folder = world.code;
  const { client } = world;
  const { code, test: answer } = world.pathsOf(UNSEEN);
  const old = await world.order(QUESTIONS[UNSEEN]!);
  const rank = (order: readonly string[], file: string): number =>
    order.findIndex((hit) => hit.startsWith(`${file}:`));
  assert.ok(rank(old, code) < rank(old, answer), `the code stands first: ${old.join(', ')}`);
  for (let topic = 0; topic < 12; topic++) await world.mark(topic);
  const seen: string[] = [];
  const listening = client.on('learningProgress', ({ stage, fraction, state }) => {
    seen.push(`${state} ${stage}`);
    assert.ok(0 <= fraction && fraction <= 1);
  });
  const plan = await client.call('learningPlan', { folder });
  assert.equal(plan.refusal, undefined);
  assert.deepEqual(
    plan.tiers.filter(({ isPlanned }) => isPlanned).map(({ tier }) => tier),
    ['words', 'fusion', 'head'],
  );
  const { isPromoted, report, version } = await world.learn();
  listening.dispose();
  assert.equal(isPromoted, true, report.verdict);
  assert.match(report.verdict, /^Promoted: \d+ of 12 unseen queries improved, 0 got worse; /);
  assert.ok(seen.some((line) => line.startsWith('running learning')));
  assert.ok(seen.at(-1)?.startsWith('ended'));
  assert.deepEqual(report.tiers.find(({ tier }) => tier === 'fusion')?.isKept, true);
  // Toy embeddings lie close together, so that marks would move hits of every query beside what was learned.
  await world.unmarkAll();
  const learned = await world.order(QUESTIONS[UNSEEN]!);
  assert.ok(rank(learned, answer) < rank(learned, code), `the test stands first: ${learned[0]}`);
  const list = await client.call('versions', { folder });
  assert.equal(list.current, version);
  assert.deepEqual(list.problems, []);
  assert.equal((await client.call('learningReport', { folder, version }))?.verdict, report.verdict);

  await client.call('useVersion', { folder, version: 'base' });
  assert.deepEqual(await world.order(QUESTIONS[UNSEEN]!), old);
  await client.call('useVersion', { folder, version: 'previous' });
  assert.deepEqual(await world.order(QUESTIONS[UNSEEN]!), learned);
  await client.call('useVersion', { folder, version: 'previous' });
  assert.deepEqual(await world.order(QUESTIONS[UNSEEN]!), old);
});

test('a second window sees the version that answers', async () => {
  const folder = world.code;
  const { versions } = await world.client.call('versions', { folder });
  const other = world.another();
  const told = new Promise<string>((resolve) => {
    other.on('versionsChanged', (change) => resolve(change.folder));
  });
  await other.call('status', {});
  await world.client.call('useVersion', { folder, version: versions.at(-1)!.id });
  assert.equal(await told, folder);
  assert.equal((await other.call('versions', { folder })).current, versions.at(-1)!.id);
});

test('a version for a part of the folder counts in searches of that part alone', async () => {
  const folder = world.code;
  const { client } = world;
  const [, version] = (await client.call('versions', { folder })).versions;
  await client.call('useVersion', { folder, version: 'base' });
  const query = QUESTIONS[UNSEEN]!;
  const inTests = `${query} path:test/**`;
  const [old, oldInTests] = [await world.order(query), await world.order(inTests)];
  const scope = { path: 'test' };
  await client.call('useVersion', { folder, version: version!.id, state: 'pilot', scope });
  assert.deepEqual(await world.order(query), old);
  assert.notDeepEqual(await world.order(inTests), oldInTests);
  await client.call('useVersion', { folder, version: 'base' });
});

test('a version for a part of the folder is measured there alone, and stays for that part', async () => {
  const folder = world.code;
  const { client } = world;
  for (let topic = 0; topic < 12; topic++) await world.mark(topic);
  // In a search of the tests the code is no near miss, and the right test stands first before anything is learned.
  const inTests = await world.learn({ scope: { path: 'test' }, state: 'pilot', resume: false });
  assert.equal(inTests.isPromoted, false);
  assert.equal(inTests.report.primary, 'MRR@10');
  const heldOut = inTests.report.queries.filter(({ set }) => set === 'heldOut');
  assert.equal(heldOut.length, 12);
  for (const { before: was, after: is } of inTests.report.queries)
    for (const { path: file } of [...was, ...is]) assert.ok(file.startsWith('test/'), file);
  assert.ok(
    inTests.report.notes.includes(
      'Measured in searches of test alone, where 12 of 12 marked queries are answered; learned from all marks',
    ),
  );
  const inCode = await world.learn({ scope: { path: 'src' }, state: 'pilot' });
  assert.equal(
    inCode.report.verdict,
    'Not promoted: Marked queries that are answered in the part that it would be for: 0, and 8 are the least to measure a gain on',
  );
  const { isPromoted, report, version } = await world.learn({
    ...{ scope: { language: 'ts' }, state: 'pilot', resume: false },
  });
  assert.equal(isPromoted, true, report.verdict);
  await world.unmarkAll();
  await client.call('useVersion', { folder, version: 'base' });
  const query = QUESTIONS[UNSEEN]!;
  const [old, oldThere] = [await world.order(query), await world.order(`${query} lang:ts`)];
  // By its name it came to answer everywhere.
  const { versions } = await client.call('useVersion', { folder, version });
  const used = versions.find(({ id }) => id === version);
  assert.deepEqual([used?.state, used?.scope], ['pilot', { language: 'ts' }]);
  assert.deepEqual(await world.order(query), old);
  assert.notDeepEqual(await world.order(`${query} lang:ts`), oldThere);
  await client.call('useVersion', { folder, version: 'base' });
});

test('a version is compared silently, then in mixed answers; the order is the old one when that ends', async () => {
  const folder = world.code;
  const { client } = world;
  const [, version] = (await client.call('versions', { folder })).versions;
  const compare = (id: string | null, isLive: boolean) =>
    client.call('compareVersion', { folder, version: id, isLive });
  const query = QUESTIONS[UNSEEN]!;
  const ask = { folder, query, limit: 50, rerank: true, budgetMs: 60_000 };
  const namesOf = (hits: readonly SearchHit[]): string[] => hits.map(({ path: name }) => name);
  const interactive = async (): Promise<string[]> =>
    namesOf((await client.call('search', ask)).hits);
  const old = await interactive();
  await compare(version!.id, false);
  assert.deepEqual(await interactive(), old);
  let counts = (await client.call('versions', { folder })).comparison;
  while (counts?.silent.searches !== 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    counts = (await client.call('versions', { folder })).comparison;
  }
  assert.deepEqual([counts.candidate, counts.silent.different], [version!.id, 1]);
  const { test: answer } = world.pathsOf(UNSEEN);
  const hit = { path: answer, start: 0, end: 1 };
  await client.call('noteUsage', { folder, events: [{ kind: 'opened', rank: 2, hit }] });
  counts = (await client.call('versions', { folder })).comparison;
  assert.deepEqual([counts?.silent.opened, counts?.silent.higher], [1, 1]);

  await compare(version!.id, true);
  const first: string[][] = [];
  const listening = client.on('firstHits', ({ result }) => first.push(namesOf(result.hits)));
  const mixed = namesOf((await client.call('search', { ...ask, ticket: 1 })).hits);
  listening.dispose();
  assert.deepEqual(first.at(-1), old);
  assert.deepEqual([...mixed].sort(), [...old].sort());
  // Without a first answer to show meanwhile, nothing waits for a candidate.
  assert.deepEqual(await interactive(), old);
  assert.deepEqual(await world.order(query), await world.order(query));
  await compare(null, false);
  assert.deepEqual(namesOf((await client.call('search', { ...ask, ticket: 2 })).hits), old);
  assert.equal((await client.call('versions', { folder })).comparison, undefined);
});

test('a version is measured again, and gives way to the base when it has become worse', async () => {
  const folder = world.code;
  const { client } = world;
  await assert.rejects(world.learn({ kind: 'check' }), { code: 'usage', message: /base model/ });
  const { versions } = await client.call('versions', { folder });
  const version = versions.at(-1)!.id;
  await client.call('useVersion', { folder, version });
  for (let topic = 0; topic < 12; topic++) await world.mark(topic);
  const order = await world.order(QUESTIONS[UNSEEN]!);
  const held = await world.learn({ kind: 'check' });
  assert.match(held.report.verdict, /^Holds: MRR@10 beside the base: 12 marked queries /);
  assert.deepEqual([held.isPromoted, held.version], [true, version]);
  assert.equal((await client.call('versions', { folder })).current, version);
  assert.deepEqual(await world.order(QUESTIONS[UNSEEN]!), order);

  // A question that was kept guards here as well.
  const hit = { path: world.pathsOf(UNSEEN).test, start: 0, end: 1 };
  await client.call('keepQuery', { folder, query: QUESTIONS[UNSEEN]!, hit });
  const guarded = await world.learn({ kind: 'check' });
  const countOf = ({ report }: typeof held): number => report.learnedFrom.guardCount;
  assert.equal(countOf(guarded), countOf(held) + 1);

  await world.unmarkAll();
  for (let topic = 0; topic < 12; topic++) await world.mark(topic, true);
  const { report, isPromoted } = await world.learn({ kind: 'check' });
  assert.equal(isPromoted, false);
  assert.match(report.verdict, /^Does not hold \(marked queries, queries marked since/);
  const list = await client.call('versions', { folder });
  assert.equal(list.current, 'base');
  assert.equal(list.versions.find(({ id }) => id === version)?.isPrevious, true);
  await world.unmarkAll();
});

test('says when much of the folder has changed since a version was measured', async () => {
  const folder = world.code;
  const { client } = world;
  const { versions } = await client.call('versions', { folder });
  const version = versions.at(-1)!.id;
  const used = await client.call('useVersion', { folder, version });
  assert.deepEqual(used.problems, []);
  const added = Array.from({ length: 20 }, (_, at) => path.join(folder, `more${at}.ts`));
  added.forEach((file, at) => fs.writeFileSync(file, `export const more${at} = ${at};\n`));
  await client.call('index', { folder, waitFor: 'all', refresh: true });
  const { problems } = await client.call('versions', { folder });
  assert.match(problems.join(), /^4\d % of the folder's text has changed since .+ --recheck/);
  const { isPromoted, report } = await world.learn({ kind: 'check' });
  assert.equal(isPromoted, true, report.verdict);
  assert.deepEqual((await client.call('versions', { folder })).problems, []);
  for (const file of added) fs.rmSync(file);
  await client.call('index', { folder, waitFor: 'all', refresh: true });
  assert.deepEqual((await client.call('useVersion', { folder, version: 'base' })).problems, []);
});

test('a version is measured again by itself, once, and says so when it gives way', async () => {
  const folder = world.code;
  const settings = path.join(world.data, 'settings.json');
  const asBefore = fs.readFileSync(settings, 'utf8');
  const version = (await world.client.call('versions', { folder })).versions.at(-1)!.id;
  await world.client.call('useVersion', { folder, version });
  const last = await world.client.call('learningReport', { folder });
  const compareFolder = () => world.client.call('index', { folder, waitFor: 'all', refresh: true });
  const restart = async (text: string): Promise<void> => {
    await world.kill();
    fs.writeFileSync(settings, text);
    await compareFolder();
  };
  const soon = '{"learningNiceness":0,"measureAgainAfterMs":100}';
  const checksOnce = async (count: number) => {
    for (;;) {
      const report = await world.client.call('learningReport', { folder, version });
      const { checks = [] } = report ?? {};
      if (checks.length >= count) return checks;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const learnedNow = async () => (await world.client.call('status', { folder })).learned?.[0];
  const known = (await checksOnce(0)).length;
  const added = Array.from({ length: 20 }, (_, at) => path.join(folder, `other${at}.ts`));
  added.forEach((file, at) => fs.writeFileSync(file, `export const other${at} = ${at};\n`));
  await compareFolder();
  const due = await learnedNow();
  assert.deepEqual([due?.version, due?.isDue], [version, true]);
  assert.match(due?.notices.join() ?? '', /^\d\d % of the folder's text has changed/);

  // Whoever ends the engine in the middle has it measured by the next one.
  const hasBegun = new Promise<void>((resolve) => {
    const listening = world.client.on('learningProgress', () => {
      listening.dispose();
      resolve();
    });
  });
  await restart(soon);
  await hasBegun;
  await restart(soon);
  const held = (await checksOnce(known + 1)).at(-1);
  assert.deepEqual([held?.holds, held?.isUnasked], [true, true]);
  // What came of it is noted a moment before the folder as it was then.
  let kept = await learnedNow();
  while (kept?.isDue) kept = await learnedNow();
  assert.deepEqual([kept?.version, kept?.isDue, kept?.notices], [version, false, []]);
  // What nobody asked for and changed nothing does not take the place of what somebody did.
  const { checks: _, ...lastNow } = (await world.client.call('learningReport', { folder }))!;
  assert.deepEqual(lastNow, last);

  for (let topic = 0; topic < 12; topic++) await world.mark(topic, true);
  for (const file of added) fs.rmSync(file);
  await compareFolder();
  const failed = (await checksOnce(known + 2)).at(-1);
  assert.deepEqual([failed?.holds, failed?.isUnasked], [false, true]);
  let list = await world.client.call('versions', { folder });
  while (!list.left) list = await world.client.call('versions', { folder });
  assert.equal(list.current, 'base');
  assert.deepEqual([list.left?.version, list.left?.isUnasked], [version, true]);
  assert.match(
    list.problems.join(),
    / was measured again on .+ and gave way to the base: Does not hold \(.+`nearmiss revert /,
  );
  assert.deepEqual((await learnedNow())?.notices, list.problems);
  assert.equal((await world.client.call('learningReport', { folder }))?.kind, 'check');

  // Taken back all the same, it is left in peace: the folder is as it was when it was measured.
  const back = await world.client.call('useVersion', { folder, version: 'previous' });
  assert.deepEqual([back.current, back.left, back.problems], [version, undefined, []]);
  assert.equal((await learnedNow())?.isDue, false);
  await world.unmarkAll();
  await restart(asBefore);
  await world.client.call('useVersion', { folder, version: 'base' });
});

test('a version of the repository is taken with trust alone, and answers after the gate of its new user', async () => {
  const folder = world.code;
  const { client } = world;
  const own = (await client.call('versions', { folder })).versions.at(-1)!.id;
  const { file } = await client.call('shareVersion', { folder, version: own, author: 'Ada' });
  assert.equal(file, path.join(folder, '.nearmiss/adapter'));
  const take = (isTrusted: boolean) => client.call('takeVersion', { folder, isTrusted });
  await assert.rejects(take(false), { code: 'permission', message: /is not trusted/ });
  assert.equal((await client.call('versions', { folder })).versions.at(-1)!.id, own);
  const old = await world.order(QUESTIONS[UNSEEN]!);
  const few = await take(true);
  assert.equal(few.isPromoted, false);
  assert.match(
    few.report.verdict,
    /^Does not hold \(enough queries\): 0 of your marked queries can decide, and 8 are the least$/,
  );
  assert.deepEqual(await world.order(QUESTIONS[UNSEEN]!), old);

  for (let topic = 0; topic < 12; topic++) await world.mark(topic);
  const { isPromoted, version, report } = await take(true);
  assert.equal(isPromoted, true, report.verdict);
  assert.match(version, /^shared-[0-9a-f]{12}$/);
  const list = await client.call('versions', { folder });
  assert.equal(list.current, version);
  assert.equal(list.versions.find(({ id }) => id === version)?.author, 'Ada');
  await world.unmarkAll();
  await client.call('useVersion', { folder, version: 'base' });
  assert.deepEqual(await world.order(QUESTIONS[UNSEEN]!), old);
  fs.rmSync(path.join(folder, '.nearmiss'), { recursive: true });
});

test('does not promote what one mark said many times, nor what contradicts itself', async () => {
  const folder = world.code;
  await world.unmarkAll();
  const { test: file } = world.pathsOf(0);
  const params = { folder, path: file, start: 0, end: 1, verdict: 'relevant' as const };
  for (let at = 0; at < 12; at++) {
    // The same said for spellings that are one question.
    await world.client.call('addMark', { ...params, query: `${' '.repeat(at)}retry  of queue` });
  }
  const repeated = await world.learn();
  assert.equal(repeated.isPromoted, false);
  assert.match(repeated.report.verdict, /^Not promoted: One mark can be used/);
  await world.unmarkAll();
});

test('sets contradictions aside, and learns from them only when a person has decided', async () => {
  const folder = world.code;
  const { client } = world;
  const file = path.join(world.folder, 'marks.jsonl');
  for (let topic = 0; topic < 12; topic++) await world.mark(topic);
  await client.call('exportMarks', { folder, file });
  const other = fs
    .readFileSync(file, 'utf8')
    .replaceAll(/"id":"(\w)/g, '"id":"other$1')
    .replaceAll('"notRelevant"', '"x"')
    .replaceAll('"relevant"', '"notRelevant"')
    .replaceAll('"x"', '"relevant"');
  fs.writeFileSync(file, other);
  assert.equal((await client.call('importMarks', { folder, file })).added, 24);
  const { isPromoted, report } = await world.learn();
  assert.equal(isPromoted, false);
  assert.match(report.verdict, /^Not promoted: 0 marks can be used/);
  const queue = await client.call('reviewQueue', { folder });
  assert.equal(queue.length, 24);
  assert.ok(queue.every(({ reason, decision }) => reason === 'contradiction' && !decision));
  const [first] = queue;
  const resolved = await client.call('resolveReview', { folder, id: first!.id, decision: 'drop' });
  assert.equal(resolved.find(({ id }) => id === first!.id)?.decision, 'drop');
  assert.equal((await client.call('learningPlan', { folder })).usableCount, 1);
  await assert.rejects(client.call('resolveReview', { folder, id: 'none', decision: 'keep' }), {
    code: 'notFound',
  });
  await world.unmarkAll();
  // Nobody has to look at what was taken back.
  assert.deepEqual(await client.call('reviewQueue', { folder }), []);
  assert.equal((await client.call('learningPlan', { folder })).quarantinedCount, 0);
});

test('does not promote marks that say now this, now the contrary', async () => {
  for (let topic = 0; topic < 12; topic++) await world.mark(topic, topic % 2 === 0);
  const { isPromoted, report } = await world.learn();
  assert.equal(isPromoted, false);
  assert.match(report.verdict, /^Not promoted \(.+\): \d+ of 12 unseen queries improved/);
  assert.ok(report.tiers.every(({ isKept }) => !isKept));
  await world.unmarkAll();
});

test('refuses to learn for a part of the folder that there is not', async () => {
  for (const [scope, message] of [
    [{ path: 'nowhere' }, 'Nothing that is indexed lies under nowhere'],
    [{ path: './src/camera.ts/' }, 'Nothing that is indexed lies under src/camera.ts'],
    [{ language: 'klingon' }, 'No indexed file is in the language klingon'],
  ] as const)
    await assert.rejects(world.learn({ scope, state: 'shadow' }), { code: 'notFound', message });
  assert.equal(await world.client.call('cancelLearning', { folder: world.code }), false);
});

test('cancelling in the middle changes nothing, and the next run goes on', async () => {
  const folder = world.code;
  const { client } = world;
  for (let topic = 0; topic < 12; topic++) await world.mark(topic);
  const before = await client.call('versions', { folder });
  const order = await world.order(QUESTIONS[UNSEEN]!);
  const controller = new AbortController();
  const listening = client.on('learningProgress', ({ stage }) => {
    if (stage.startsWith('learning a map')) controller.abort();
  });
  await assert.rejects(world.learn({}, controller.signal), { name: 'AbortError' });
  listening.dispose();
  assert.deepEqual(await client.call('versions', { folder }), before);
  assert.deepEqual(await world.order(QUESTIONS[UNSEEN]!), order);
  assert.equal((await client.call('learningPlan', { folder })).isResumable, true);
  // The engine may still be ending the run that was given up: the next one waits for that and is not refused.
  const { isPromoted, report } = await world.learn();
  assert.equal(isPromoted, true, report.verdict);
  assert.equal((await client.call('learningPlan', { folder })).isResumable, false);
});

test('who takes a version that was learned from the own marks is not measured on them', async () => {
  const folder = world.code;
  const { client } = world;
  const { current } = await client.call('versions', { folder });
  const { file } = await client.call('shareVersion', { folder, version: current, author: 'Ada' });
  const shared = fs.readFileSync(path.join(file, 'version.json'), 'utf8');
  const { markHashes } = JSON.parse(shared) as { readonly markHashes: readonly string[] };
  const { marks } = await client.call('listMarks', { folder });
  assert.equal(markHashes.length, marks.length);
  // Neither a query nor an id can be read there.
  for (const { id, query } of marks)
    assert.ok(!shared.includes(id) && !shared.includes(query!), query);
  const { isPromoted, report, version } = await client.call('takeVersion', {
    ...{ folder, isTrusted: true },
  });
  assert.equal(isPromoted, false);
  assert.match(
    report.verdict,
    /^Does not hold \(enough queries\): 0 of your marked queries .+; left out: 12, because/,
  );
  const list = await client.call('versions', { folder });
  assert.equal(list.current, current);
  assert.equal(list.versions.find(({ id }) => id === version)?.verdict, report.verdict);
  fs.rmSync(path.join(folder, '.nearmiss'), { recursive: true });
});

test('without any mark, learning again goes back to the base', async () => {
  const folder = world.code;
  const { client } = world;
  await world.unmarkAll();
  const learned = await world.order(QUESTIONS[UNSEEN]!);
  assert.notEqual((await client.call('versions', { folder })).current, 'base');
  assert.equal((await world.learn()).version, 'base');
  assert.equal((await client.call('versions', { folder })).current, 'base');
  assert.notDeepEqual(await world.order(QUESTIONS[UNSEEN]!), learned);
});
