/** Learning on bad days: killed at any moment, its files damaged, its models changed. Searches go on, marks are all there. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { seededRandom } from '../../src/base/random';
import { makeLearningWorld, QUESTIONS } from '../support/learningWorld';
import { writeToyCheckpoint } from '../support/toyCheckpoint';

const world = makeLearningWorld(after);
const MARKED = 12;
const UNSEEN = QUESTIONS[12]!;
let base: string[];

before(async () => {
  await world.prepare();
  base = await world.order(UNSEEN);
  for (let topic = 0; topic < MARKED; topic++) await world.mark(topic);
});

function root(): string {
  const parent = path.join(world.data, 'learning');
  return path.join(parent, fs.readdirSync(parent)[0]!);
}

/** What answers, and with it the order of a query: of these two, one must be there whole. */
async function state(): Promise<{ current: string; order: string[]; markCount: number }> {
  const folder = world.code;
  const { current, problems } = await world.client.call('versions', { folder });
  assert.deepEqual(problems, []);
  const { marks } = await world.client.call('listMarks', { folder });
  return { current, order: await world.order(UNSEEN), markCount: marks.length };
}

test('a kill at any moment of learning or swapping leaves the old order or the new one', async () => {
  const folder = world.code;
  const random = seededRandom(20);
  const learned = new Map<string, string>();
  learned.set('base', (await world.order(UNSEEN)).join('\n'));
  // The first run says how many moments there are; later ones go on with what the killed ones left.
  let momentCount = 60;
  for (let round = 0; round < 20; round++) {
    const moment = Math.floor(random() * momentCount);
    let seen = 0;
    const killed = new Promise<void>((resolve) => {
      const listening = world.client.on('learningProgress', ({ state: now }) => {
        if (now === 'ended' || seen++ === moment) {
          listening.dispose();
          void world.kill().then(resolve);
        }
      });
    });
    const run = world.learn().then(
      ({ version }) => version,
      () => undefined,
    );
    await killed;
    await run;
    momentCount = Math.max(8, Math.min(momentCount, seen));
    const { current, order, markCount } = await state();
    assert.equal(markCount, 2 * MARKED);
    const known = learned.get(current);
    if (known === undefined) learned.set(current, order.join('\n'));
    else assert.equal(order.join('\n'), known, `another order under ${current}`);
    if (current !== 'base') {
      // Swapped back and forth with a kill right behind.
      const swap = world.client
        .call('useVersion', { folder, version: 'base' })
        .catch(() => undefined);
      await world.kill();
      await swap;
      const after = await state();
      assert.ok([current, 'base'].includes(after.current));
      assert.equal(after.order.join('\n'), learned.get(after.current));
      await world.client.call('useVersion', { folder, version: 'base' });
    }
  }
  const { isPromoted, report, version } = await world.learn();
  assert.equal(isPromoted, true, report.verdict);
  assert.equal((await state()).current, version);
});

test('a kill while methods are measured changes nothing, and the next run goes on to the same verdict', async () => {
  const folder = world.code;
  await world.client.call('useVersion', { folder, version: 'base' });
  const old = await state();
  const killed = new Promise<void>((resolve) => {
    const listening = world.client.on('learningProgress', ({ stage }) => {
      if (!/ without method \d+ of \d+$/.test(stage)) return;
      listening.dispose();
      void world.kill().then(resolve);
    });
  });
  const run = world.learn({ measuresMethods: true }).then(
    () => 'ended',
    () => 'killed',
  );
  await Promise.race([killed, run]);
  assert.equal(await run, 'killed');
  assert.deepEqual(await state(), old);
  assert.equal((await world.client.call('learningPlan', { folder })).isResumable, true);
  const { isPromoted, report, version } = await world.learn();
  assert.equal(isPromoted, true, report.verdict);
  assert.equal(report.methods, undefined);
  assert.equal((await state()).current, version);
});

test('a damaged version falls back to the base with a sentence', async () => {
  const folder = world.code;
  const { current } = await world.client.call('versions', { folder });
  assert.notEqual(current, 'base');
  const own = path.join(root(), 'versions', current);
  const [name] = fs.readdirSync(own).filter((file) => /weights|adapter/.test(file));
  const file = path.join(own, name!);
  const whole = fs.readFileSync(file);
  fs.truncateSync(file, 5);
  await world.kill();
  const order = await world.order(UNSEEN);
  const { current: now, problems } = await world.client.call('versions', { folder });
  assert.equal(now, 'base');
  assert.match(
    problems.join('\n'),
    /^The version .+ is damaged: .+ has 5 bytes instead of \d+; the base model answers$/,
  );
  const { problems: told } = await world.client.call('status', {});
  assert.ok(told.some((line) => /the base model answers/.test(line)));
  await assert.rejects(world.client.call('useVersion', { folder, version: current }), /is damaged/);
  assert.equal(order.length, base.length);
  fs.writeFileSync(file, whole);
  await world.client.call('useVersion', { folder, version: current });
  assert.equal((await world.client.call('versions', { folder })).current, current);
});

test('a version is not loaded on another model than it was learned on, and is again on its own', async () => {
  const folder = world.code;
  const { client } = world;
  const { current } = await client.call('versions', { folder });
  const other = writeToyCheckpoint(path.join(world.folder, 'other'), { seed: 9 });
  const { name } = await client.call('addModel', { folder: other });
  await client.call('useModel', { name });
  const { current: now, problems } = await client.call('versions', { folder });
  assert.equal(now, 'base');
  assert.match(problems.join('\n'), /was learned on the model \w{12}, and \w{12} is in use/);
  await client.call('useModel', { name: 'bi-encoder' });
  assert.equal((await client.call('versions', { folder })).current, current);
});

test('forgetting marks forgets what was learned from them', async () => {
  const folder = world.code;
  await world.unmarkAll();
  await world.client.call('forgetAll', { folder });
  assert.deepEqual(fs.readdirSync(path.join(world.data, 'learning')), []);
  await world.client.call('index', { folder, waitFor: 'all' });
  assert.deepEqual(await world.order(UNSEEN), base);
});
