/** Methods left out one by one: which are at work, that each can be taken out, and that nothing it decides depends on that. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { learn, type LearnMeans, type LearnOrder } from '../../../src/engine/learning/learn';
import type { MarkData } from '../../../src/engine/learning/markData';
import {
  type MethodMaterial,
  methodsOf,
  plannedMethods,
  useOf,
  withoutMethod,
} from '../../../src/engine/learning/methods';
import type { LearningReport } from '../../../src/engine/learning/report';
import { VersionStore } from '../../../src/engine/learning/versionStore';
import { RunControl } from '../../../src/engine/training/control';
import { makeRecipe, type Part, type RecipeChanges } from '../../../src/engine/training/recipe';
import { type EncoderWorld, openEncoderWorld } from '../../support/encoderWorld';
import { temporaryFolder } from '../../support/temporaryFolder';

const counts = {
  ...{ marks: 0, usable: 0, relevant: 0, notRelevant: 0, opened: 0 },
  ...{ stale: 0, dropped: 0, secret: 0, setAside: 0, repeated: 0 },
};
const judged = { chunkId: 1, markId: 'm' } as MarkData['queries'][number]['relevant'][number];
const query = { asked: 'retry', text: 'retry', time: '', relevant: [judged], wrong: [judged] };

function material(queryCount: number, given: Partial<MarkData> = {}): MethodMaterial {
  const queries = Array.from({ length: queryCount }, () => query);
  const data = { queries, pairs: [], review: [], counts, ...given };
  const rest = { kind: 'comment', chunkIds: [2], path: 'a.ts', symbol: '' } as const;
  return {
    groups: data.queries.map((one) => ({ query: one, mined: [3, 4] })),
    filler: [{ query: 'uploads again', rest: 'text', ...rest }],
    data,
  };
}

function namesOf(part: Part, given: MethodMaterial, changes: RecipeChanges = {}): string[] {
  const recipe = makeRecipe(part, given.groups.length, changes);
  return methodsOf(part === 'fusion' ? 'fusion' : 'head', useOf(part, recipe, given));
}

const USUAL = [
  ...[
    'markedNegatives',
    'minedNegatives',
    'syntheticNegatives',
    'columns',
    'duplicateMask',
    'anchor',
    'dropout',
  ],
  ...['filler', 'merging', 'basePull'],
];

const OF_WEIGHTS = ['basePull', 'defaultsPull'];

test('names the methods that a recipe has on, and those of few marks are fewer', () => {
  assert.deepEqual(namesOf('query-head', material(12)), USUAL);
  // More than one batch can be put together of what is alike.
  const some = [...USUAL.slice(0, 4), 'shuffledGroups', ...USUAL.slice(4)];
  assert.deepEqual(namesOf('query-head', material(60)), some);
  const many = new Set(namesOf('query-head', material(300)));
  assert.ok(many.has('mixedPositives') && many.has('dimensionWise'));
  assert.deepEqual(namesOf('fusion', material(12)), OF_WEIGHTS);
  // Without a weight of its own a wrong hit is one candidate among all others.
  const weighed = namesOf('fusion', material(12), { hardNegativeAlpha: 2 });
  assert.deepEqual(weighed, ['markedNegatives', ...OF_WEIGHTS]);
});

test('names none that has nothing to work on', () => {
  const bare = { ...material(12), filler: [] };
  const groups = bare.groups.map((group) => ({ ...group, mined: [] }));
  const found = namesOf('query-head', { ...bare, groups });
  assert.ok(!found.includes('minedNegatives') && !found.includes('filler'));
  assert.ok(!found.includes('loneNegatives'));
  const lone = material(12, { queries: [{ ...query, relevant: [] }] });
  assert.ok(namesOf('query-head', lone).includes('loneNegatives'));
  const pairs = [{ a: 1, b: 2, isAlike: true, time: '' }];
  assert.ok(namesOf('shared-head', material(12, { pairs })).includes('pairs'));
  // Those who only map queries cannot learn from them.
  assert.ok(!namesOf('query-head', material(12, { pairs })).includes('pairs'));
});

test('takes each method out, and no other', () => {
  const pairs = [{ a: 1, b: 2, isAlike: true, time: '' }];
  const queries = [...material(400).data.queries, { ...query, relevant: [] }];
  const changes = { offDropout: { enabled: true }, hardNegativeAlpha: 2 };
  const checked = new Set<string>();
  for (const [part, given] of [
    ['shared-head', material(0, { queries, pairs })],
    ['query-head', material(0, { queries })],
    ['fusion', material(12)],
  ] as const) {
    const tier = part === 'fusion' ? 'fusion' : 'head';
    const recipe = makeRecipe(part, given.groups.length, changes);
    const all = methodsOf(tier, useOf(part, recipe, given));
    for (const method of all) {
      const { material: rest, recipe: flags } = withoutMethod(method, given, recipe);
      const left = methodsOf(tier, useOf(part, makeRecipe(part, 1, flags), rest));
      const gone = all.filter((one) => !left.includes(one));
      const alone: readonly string[] = gone.filter((one) => one !== method);
      assert.ok(gone.includes(method), method);
      // What works on what another brings goes with it.
      const along: Readonly<Record<string, readonly string[]>> = {
        dropout: ['offDropout'],
        filler: ['mixedPositives'],
      };
      assert.deepEqual(alone, along[method] ?? [], method);
      checked.add(method);
    }
  }
  assert.equal(checked.size, 17);
});

test('plans nothing for parts without methods, and more the more there is to train', () => {
  const { data } = material(40);
  assert.deepEqual(plannedMethods(['words', 'cross-encoder', 'encoder'], data), {
    ...{ count: 0, seconds: 0 },
  });
  const [few, many] = [plannedMethods(['fusion'], data), plannedMethods(['fusion', 'head'], data)];
  assert.equal(few.count, 2);
  // Each 5 folds × (1 + .05 × 40 s) and 40 searches of .2 s.
  assert.equal(few.seconds, 46);
  assert.ok(many.count > 8 && many.seconds > few.seconds);
});

const QUESTIONS = 12;
const root = temporaryFolder(after);
let world: EncoderWorld;
before(async () => {
  world = await openEncoderWorld(root, QUESTIONS);
});
after(() => world.close());

const QUICK: RecipeChanges = { steps: 6, evaluateEvery: 3, rows: 8, threads: 1, niceness: 0 };
const WITHOUT = / without method (\d+) of (\d+)$/u;

function run(
  name: string,
  given: Partial<LearnMeans> & Pick<LearnOrder, 'measuresMethods' | 'tiers'> = {},
): ReturnType<typeof learn> {
  const { measuresMethods, tiers = ['fusion'], control = new RunControl(), ...means } = given;
  const order = {
    ...world.order,
    store: new VersionStore(path.join(root, name)),
    ...{ tiers, from: {}, measuresMethods },
    recipes: { fusion: QUICK, head: { ...QUICK, learningRate: 0.02 } },
  };
  return learn(order, { ...world.means, control, ...means });
}

/** What was decided and by which figures, without times and names. */
function decided({ verdict, isPromoted, figures, conditions, tiers, queries }: LearningReport) {
  const parts = tiers.map(({ tier, isKept, sentence }) => ({ tier, isKept, sentence }));
  return { verdict, isPromoted, figures, conditions, parts, queries };
}

test('says what each brings on held-out queries, and decides what a run without it decides', async () => {
  const tiers = ['fusion', 'head'] as const;
  const plain = (await run('plain', { tiers })).report;
  const stages: string[] = [];
  const tellRun: LearnMeans['tellRun'] = ({ stage, fraction }) => {
    stages.push(stage);
    assert.ok(0 <= fraction && fraction <= 1);
  };
  const measured = (await run('measured', { tiers, measuresMethods: true, tellRun })).report;
  assert.equal(plain.methods, undefined);
  assert.deepEqual(decided(measured), decided(plain));
  const methods = measured.methods!;
  assert.deepEqual(
    methods.filter(({ tier }) => tier === 'fusion').map(({ method }) => method),
    OF_WEIGHTS,
  );
  const ofHead = methods.filter(({ tier }) => tier === 'head').map(({ method }) => method);
  assert.ok(
    ['minedNegatives', 'columns', 'anchor', 'merging'].every((x) => ofHead.includes(x as never)),
  );
  for (const { tier, method, figures, problem, bytes, ...spent } of methods) {
    assert.equal(problem, undefined, `${method}: ${problem}`);
    const all = measured.tiers.find((one) => one.tier === tier)!.figures;
    for (const { name, count, before: without, after: withIt, difference, low, high } of figures) {
      // With it is the part as it was tried.
      const own = all.find((one) => one.name === name && one.of === 'held-out queries')!;
      assert.deepEqual([count, withIt], [own.count, own.after], method);
      assert.ok(Math.abs(withIt - without - difference) < 1e-12);
      assert.ok(low <= difference && difference <= high);
    }
    assert.ok(spent.processorSeconds! > 0 && spent.processorSecondsWithout! > 0 && bytes > 0);
  }
  assert.deepEqual(
    [...new Set(methods.map(({ figures }) => figures[0]!.name))],
    [measured.primary],
  );
  // A method that moves nothing would be a flag that nobody reads.
  const moved = methods.filter(({ figures }) => figures.some(({ difference }) => difference !== 0));
  assert.ok(moved.length > 0, 'no method moves anything');
  const places = stages.flatMap((stage) => WITHOUT.exec(stage)?.slice(1) ?? []);
  assert.ok(places.length > 0);
});

test('stopped at a method, nothing has changed, and the next run takes what was trained', async () => {
  const plain = (await run('alone')).report;
  const control = new RunControl();
  const stopping: LearnMeans['tellRun'] = ({ stage }) => {
    if (stage.startsWith('measuring') && WITHOUT.exec(stage)?.[1] === '2') control.cancel();
  };
  await assert.rejects(run('stopped', { control, measuresMethods: true, tellRun: stopping }), {
    name: 'AbortError',
  });
  const store = new VersionStore(path.join(root, 'stopped'));
  assert.deepEqual(await store.list(), []);
  assert.equal(await store.report(), undefined);
  const trained = path.join(store.runFolder, 'fusion-0.without-defaultsPull');
  const { mtimeMs } = fs.statSync(trained);
  let isSame = false;
  const tellRun: LearnMeans['tellRun'] = ({ stage }) => {
    if (WITHOUT.test(stage)) isSame = fs.statSync(trained).mtimeMs === mtimeMs;
  };
  const { report } = await run('stopped', { measuresMethods: true, tellRun });
  assert.ok(isSame, 'it was trained again');
  assert.deepEqual(decided(report), decided(plain));
  assert.deepEqual(
    report.methods?.map(({ method, problem }) => [method, problem]),
    OF_WEIGHTS.map((method) => [method, undefined]),
  );
  assert.equal(fs.existsSync(store.runFolder), false);
});

test('a method that cannot be measured is said, and the verdict stands', async () => {
  const plain = (await run('alone')).report;
  const store = new VersionStore(path.join(root, 'failing'));
  const tellRun: LearnMeans['tellRun'] = ({ stage }) => {
    if (!WITHOUT.test(stage)) return;
    // Something that is no folder stands where its first model would go.
    const taken = path.join(store.runFolder, 'fusion-0.without-defaultsPull');
    if (!fs.existsSync(taken)) fs.writeFileSync(taken, '');
  };
  const { report } = await run('failing', { measuresMethods: true, tellRun });
  assert.deepEqual(decided(report), decided(plain));
  const [failed, ...others] = report.methods!.toReversed();
  assert.ok(failed!.problem, 'nothing is said');
  assert.deepEqual([failed!.method, failed!.figures], ['defaultsPull', []]);
  assert.deepEqual(
    others.map(({ problem, figures }) => [problem, figures.length]),
    [[undefined, 2]],
  );
});
