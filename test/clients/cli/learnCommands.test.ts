/** `nearmiss learn`, `report`, `versions`, `revert` and `adapt` as a person and a program meet them. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { idOfFolder, learningFolder } from '../../../src/engine/dataFolder';
import { keepReview } from '../../../src/engine/learning/reviewFile';
import type {
  LearningPlan,
  LearningReport,
  ReviewItem,
  VersionList,
} from '../../../src/protocol/learning';
import { makeLearningWorld, pathsOf } from '../../support/learningWorld';
import { checkDone, checkSentence } from '../../support/product';

const world = makeLearningWorld(after);
before(() => world.prepare());
/** Learning takes seconds, and many of them on a busy machine. */
const patient = { timeoutMs: 1_800_000 };

test('says what it would do, and why it does not', async () => {
  const plan = await world.run(['learn', '--plan'], patient);
  checkDone(plan);
  assert.match(plan.stdout, /^0 marks, 0 usable, on 0 queries; 0 set aside\n/);
  assert.match(plan.stdout, /\n0 marks can be used, and 10 are the least to learn from\n$/);
  const learned = await world.run(['learn'], patient);
  checkDone(learned);
  assert.match(learned.stdout, /^Not promoted: 0 marks can be used/);
});

test('names a version that is not there', async () => {
  checkSentence(await world.run(['revert', 'nothing']), 2, /There is no version nothing/);
  checkSentence(await world.run(['revert']), 2, /There is no previous version/);
  checkSentence(await world.run(['report', '--of', 'nothing']), 2, /Nothing was learned/);
});

test('says in a sentence that there is no version to share, to take, to measure again or to compare', async () => {
  const run = (...args: string[]) => world.run(args);
  checkSentence(await run('versions', 'share'), 2, /The base model answers/);
  checkSentence(await run('versions', 'take'), 2, /then ranks here, if it proves better/);
  checkSentence(await run('versions', 'take', '--yes'), 2, /The repository shares no version/);
  checkSentence(await run('learn', '--recheck', 'none'), 2, /There is no version none/);
  checkSentence(await run('compare', 'none'), 2, /There is no version none/);
  checkSentence(await run('compare', '--live'), 2, /Name the version to compare/);
  assert.equal((await run('compare')).stdout, 'No version is being compared\n');
});

test('plans for a part of the folder as it would learn for it, and promises no time on a busy machine', async () => {
  for (let topic = 0; topic < 12; topic++) await world.mark(topic);
  const planned = async (...args: string[]): Promise<string> => {
    const result = await world.run(['learn', '--plan', ...args], patient);
    checkDone(result);
    return result.stdout;
  };
  assert.match(
    await planned(),
    /\nAbout \d+ min on a quiet machine(, several times as long beside what keeps this one busy)?\. Five folds/,
  );
  assert.doesNotMatch(await planned(), /It would/);
  // The plan took no notice of either, and planned for what does not exist.
  assert.match(
    await planned('--only', 'test', '--lang', 'ts'),
    /\nIt would count in searches under test and in ts alone and be judged by what is marked there; it learns from all marks\n/,
  );
  assert.match(await planned('--shadow'), /\nIt would rank silently: searches stay as they are\n/);
  const refused = async (args: readonly string[], why: RegExp): Promise<void> => {
    const { status, stderr } = await world.run(['learn', '--plan', ...args], patient);
    assert.equal(status, 2);
    assert.match(stderr, why);
  };
  await refused(['--only', 'nowhere'], /Nothing that is indexed lies under nowhere/);
  await refused(['--lang', 'cobol'], /No indexed file is in the language cobol/);
});

// Two plans in a row said different things: the first one was made before the index had noticed an edit.
test('plans with the files as they are now', async () => {
  const planned = async (): Promise<LearningPlan> => {
    const result = await world.run(['learn', '--plan', '--json'], patient);
    checkDone(result);
    return JSON.parse(result.stdout) as LearningPlan;
  };
  const whole = await planned();
  const file = path.join(world.code, pathsOf(0).test);
  const text = fs.readFileSync(file, 'utf8');
  fs.rmSync(file);
  const without = await planned();
  const { isBusy } = without;
  assert.deepEqual({ ...(await planned()), isBusy }, without);
  fs.writeFileSync(file, text);
  const again = await planned();
  assert.equal(without.usableCount, whole.usableCount - 1);
  // Of that query what is wrong alone is left, and a method learns from that.
  assert.equal(without.methodCount, whole.methodCount + 1);
  assert.deepEqual({ ...again, isBusy: whole.isBusy }, whole);
});

test('learns, reports the same in words and in JSON, and goes back', async () => {
  const learned = await world.run(['learn', '--json', '--seed', '3'], patient);
  checkDone(learned);
  const report = JSON.parse(learned.stdout) as LearningReport;
  assert.equal(report.isPromoted, true, report.verdict);
  assert.equal(report.seed, 3);
  assert.match(learned.stderr, /\d+ % learning the weights of the ranking/);
  assert.ok(report.figures.every(({ count }) => count > 0));
  assert.ok(report.queries.some(({ outcome, why }) => outcome === 'win' && why.length > 0));
  assert.deepEqual(report.learnedFrom.usableCount, 24);

  const words = await world.run(['report']);
  checkDone(words);
  assert.equal(words.stdout.split('\n')[0], report.verdict);
  const won = report.queries.find(({ set, outcome }) => set === 'heldOut' && outcome === 'win')!;
  const line = `better "${won.query}"  first right hit ${won.rankBefore ?? '-'} -> ${won.rankAfter}\n       ${won.why[0]}\n`;
  assert.ok(words.stdout.includes(line), words.stdout);
  assert.match(words.stdout, /\n {7}and \d+ more; `nearmiss report --out report\.html` shows all/);
  assert.match(words.stdout, /\nUse: no search was counted yet in an editor\n$/);
  const events = [{ kind: 'search' }, { kind: 'opened', rank: 2, seconds: 4 }] as const;
  await world.client.call('noteUsage', { folder: world.code, events });
  const used = await world.run(['report']);
  checkDone(used);
  assert.match(used.stdout, /\n {2}a hit opened +1 of 1 \(100 %\)\n/);
  assert.match(used.stdout, /\n {2}time to the hit +median 4\.0 s, over 1 opened hit\n/);
  const file = path.join(world.folder, 'report.json');
  checkDone(await world.run(['report', '--out', file]));
  const written = JSON.parse(fs.readFileSync(file, 'utf8')) as { report: LearningReport };
  assert.deepEqual(written.report, report);

  const list = JSON.parse((await world.run(['versions', '--json'])).stdout) as VersionList;
  assert.equal(list.current, report.version);
  const shown = await world.run(['versions']);
  assert.match(shown.stdout, new RegExp(`^\\* ${report.version} .*\\[fusion`, 'm'));
  assert.match((await world.run(['revert', 'base'])).stdout, /^The base answers now/);
  assert.match(
    (await world.run(['revert'])).stdout,
    new RegExp(`^Version ${report.version} answers`),
  );
});

test('says where a version counts that is for a part of the folder', async () => {
  const folder = world.code;
  const { current } = JSON.parse((await world.run(['versions', '--json'])).stdout) as VersionList;
  const scope = { path: 'src', language: 'ts' };
  await world.client.call('useVersion', { folder, version: current, state: 'pilot', scope });
  const shown = await world.run(['versions']);
  assert.match(shown.stdout, new RegExp(`^\\* ${current} .*\\] for src, ts {2}Promoted`, 'm'));
  assert.match((await world.run(['revert', 'base'])).stdout, /^The base answers now\n$/);
  assert.equal(
    (await world.run(['revert'])).stdout,
    `Version ${current} answers now, in searches of src, ts alone\n`,
  );
  await world.client.call('useVersion', { folder, version: current });
});

test('asks before a version can be read by all who have the repository', async () => {
  const adapter = path.join(world.code, '.nearmiss/adapter');
  // The editor asked, the command line did not.
  checkSentence(
    await world.run(['versions', 'share', '--as', 'Ada']),
    2,
    /the words of yours that it learned, your name and how many marks .* read by all who have the repository/,
  );
  assert.equal(fs.existsSync(adapter), false);
  const shared = await world.run(['versions', 'share', '--as', 'Ada', '--yes']);
  checkDone(shared);
  assert.match(shared.stdout, /^Version \S+ written to .*adapter\n$/);
  assert.ok(fs.existsSync(path.join(adapter, 'version.json')));
  fs.rmSync(path.join(world.code, '.nearmiss'), { recursive: true });
});

test('says what each method brings, in the plan how long that takes, and learns the same', async () => {
  const plan = await world.run(['learn', '--plan'], patient);
  assert.match(
    plan.stdout,
    /\n`--methods` also says what each of \d+ methods brings, about \d+ min/,
  );
  const longer = await world.run(['learn', '--plan', '--methods'], patient);
  assert.match(longer.stdout, /\nThen \d+ methods left out one by one, about \d+ min more\n$/);
  const of = async (): Promise<LearningReport> =>
    (JSON.parse((await world.run(['report', '--json'])).stdout) as { report: LearningReport })
      .report;
  const plain = await of();
  assert.equal(plain.methods, undefined);
  const learned = await world.run(['learn', '--methods', '--seed', '3'], patient);
  checkDone(learned);
  assert.match(learned.stderr, / % learning a map of embeddings without method 1 of \d+/);
  const report = await of();
  assert.notEqual(report.version, plain.version);
  assert.deepEqual(
    [report.verdict, report.figures, report.queries],
    [plain.verdict, plain.figures, plain.queries],
  );
  const weightsOf = ({ version }: LearningReport): string => {
    const folder = learningFolder(world.data, idOfFolder(world.code));
    return fs.readFileSync(path.join(folder, 'versions', version, 'weights.json'), 'utf8');
  };
  assert.equal(weightsOf(report), weightsOf(plain));
  const pull = report.methods!.find(({ method }) => method === 'defaultsPull');
  assert.equal(pull?.tier, 'fusion');
  const lines = learned.stdout.split('\n').filter((line) => / without, .* with /.test(line));
  assert.equal(lines.length, report.methods!.length);
  const { count, before: without, after: withIt } = pull!.figures[0]!;
  const line = `${report.primary}, ${count} held-out queries: ${without.toFixed(3)} without, ${withIt.toFixed(3)} with`;
  const shown = lines.find((one) => one.startsWith('fusion: Pull to the defaults'));
  assert.ok(shown?.includes(line), `${line} is not in ${shown}`);
});

test('says of a version that is compared only how it comes to answer', async () => {
  const versionsOf = async (): Promise<VersionList> =>
    JSON.parse((await world.run(['versions', '--json'])).stdout) as VersionList;
  const { current } = await versionsOf();
  const learned = await world.run(['learn', '--shadow', '--seed', '5'], patient);
  checkDone(learned);
  const after = await versionsOf();
  assert.equal(after.current, current);
  const { candidate } = after.comparison!;
  assert.notEqual(candidate, current);
  assert.equal(
    learned.stdout.trim().split('\n').at(-1),
    `Version ${candidate} is compared only, searches stay as they are: \`nearmiss compare\` says how it does, \`nearmiss revert ${candidate}\` lets it answer`,
  );
  checkDone(await world.run(['compare', '--stop']));
  checkDone(await world.run(['revert', candidate]));
  assert.equal((await versionsOf()).current, candidate);
});

test('refuses to adapt a folder that says too little about itself', async () => {
  const adapted = await world.run(['adapt'], patient);
  checkDone(adapted);
  assert.match(adapted.stdout, /^Not promoted: Queries that can be made of this folder's comments/);
});

test('lists what needs a second look, mixed negatives by their parents, and takes a decision on one', async () => {
  // Toy embeddings lie too close together to be mixed, so that one is put there as a run does it.
  const placeOf = (topic: number) => ({ path: pathsOf(topic).code, start: 0, end: 1, symbol: '' });
  const parentOf = (id: string, topic: number) => ({ id, place: placeOf(topic), isMarked: false });
  await keepReview(learningFolder(world.data, idOfFolder(world.code)), [
    {
      ...{ id: 'mixed-1', reason: 'mixed', sentence: 'Mixed', query: 'retry', answer: placeOf(0) },
      ...{ suspect: placeOf(3), parents: [parentOf('mined-1', 1), parentOf('mined-2', 2)] },
    },
  ]);
  const listed = await world.run(['marks', 'review', '--json']);
  checkDone(listed);
  const queue = JSON.parse(listed.stdout) as readonly ReviewItem[];
  const mixed = queue.find(({ parents }) => parents);
  assert.ok(mixed, 'nothing that was mixed is shown');
  const words = await world.run(['marks', 'review']);
  checkDone(words);
  const [first, second] = mixed.parents!;
  for (const { id, place } of [first, second]) {
    const at = `${place.path}:${place.start + 1}-${place.end}`;
    assert.ok(words.stdout.includes(`    mixed of ${at}`), at);
    assert.ok(words.stdout.includes(id));
  }
  checkSentence(await world.run(['marks', 'review', mixed.id]), 2, /A decision needs the id/);
  const both = await world.run(['marks', 'review', mixed.id, '--keep', '--drop']);
  checkSentence(both, 2, /Give one of --keep and --drop/);
  const none = await world.run(['marks', 'review', 'none', '--drop']);
  checkSentence(none, 2, /No mark none is set aside/);
  const dropped = await world.run(['marks', 'review', first.id, '--drop', '--json']);
  checkDone(dropped);
  const left = JSON.parse(dropped.stdout) as readonly ReviewItem[];
  assert.equal(left.find(({ id }) => id === first.id)?.decision, 'drop');
  assert.ok(left.every(({ parents }) => parents?.every(({ id }) => id !== first.id) !== false));
  const undone = await world.run(['marks', 'review', first.id, '--undo']);
  assert.ok(undone.stdout.includes(first.id) && !undone.stdout.includes('(left out)'));
});
