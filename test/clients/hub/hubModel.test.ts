/** Fetching a checkpoint from a hub that breaks connections, lies, flips bits, redirects and refuses. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, beforeEach, before, test } from 'node:test';
import { modelCatalog } from '../../../src/clients/hub/catalog';
import {
  type FetchedModel,
  fetchModel,
  findOffline,
  type HubRequest,
  parseModelName,
} from '../../../src/clients/hub/hubModel';
import { readCheckpoint } from '../../../src/engine/encoders/checkpoint';
import { commit, type Fault, type HubServer, startHub } from '../../support/hubServer';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

const root = temporaryFolder(after);
let hub: HubServer;
let count = 0;
let folder = '';

before(async () => {
  const source = writeToyCheckpoint(path.join(root, 'source'));
  writeFiles(source, { 'pytorch_model.bin': 'not wanted', '../source/README.md': '# Tiny' });
  hub = await startHub(source);
});
after(() => hub.stop());
beforeEach(() => {
  hub.requests.length = 0;
  hub.faults = [];
  hub.token = undefined;
  folder = path.join(root, `downloads${count++}`);
});

function run(more: Partial<HubRequest> = {}): Promise<FetchedModel> {
  return fetchModel({
    model: parseModelName('owner/tiny')!,
    folder,
    fetch: fetch as HubRequest['fetch'],
    env: { HF_ENDPOINT: hub.endpoint },
    signal: new AbortController().signal,
    pauseMs: 1,
    ...more,
  });
}

async function checkFetched(fetched: FetchedModel): Promise<void> {
  const source = path.join(root, 'source');
  assert.equal(
    (await readCheckpoint(fetched.folder)).fingerprint,
    (await readCheckpoint(source)).fingerprint,
  );
  const names = fs.readdirSync(fetched.folder, { recursive: true }).map(String);
  assert.deepEqual(
    names.filter((name) => /part$|pytorch|README/.test(name)),
    [],
  );
}

function modelRequests(): string[] {
  return hub.requests.filter((request) => request.includes('.onnx'));
}

test('fetches what decides an embedding, at the commit that the revision is now', async () => {
  const progress: number[] = [];
  const fetched = await run({ onProgress: (done, all) => progress.push(done / all) });
  await checkFetched(fetched);
  assert.equal(fetched.commit, commit);
  assert.equal(path.basename(fetched.folder), 'tiny');
  assert.ok(hub.requests.every((request) => /revision\/main|resolve\/c0ffee/.test(request)));
  assert.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
  );
  assert.equal(progress.at(-1), 1);
  hub.requests.length = 0;
  await run();
  assert.deepEqual(modelRequests(), [], 'what is there is not fetched again');
});

const size = (): number => fs.statSync(path.join(root, 'source/onnx/model.onnx')).size;

test('goes on where a connection broke, and again', async () => {
  hub.faults = ['breaksOff', 'breaksOff', 'serverError'];
  await checkFetched(await run());
  const half = Math.ceil(size() / 2);
  const rest = half + Math.ceil((size() - half) / 2);
  assert.deepEqual(
    modelRequests().map((request) => /bytes=(\d+)-/.exec(request)?.[1]),
    [undefined, String(half), String(rest), String(rest)],
  );
});

test('goes on in another process, and begins anew where the server knows no ranges', async () => {
  hub.faults = Array.from({ length: 5 }, () => 'serverError' as const);
  hub.faults.unshift('breaksOff');
  await assert.rejects(run(), /cannot be fetched: .*503/);
  hub.faults = ['ignoresRange'];
  await checkFetched(await run());
  assert.match(modelRequests().at(-1)!, /bytes=\d+-$/);
});

test('follows a redirect, and takes no answer that is too short, too long or wrong', async () => {
  const cases: readonly (readonly [readonly Fault[], RegExp | undefined])[] = [
    [['redirects'], undefined],
    [['flipsBit'], undefined],
    [['sendsLess'], undefined],
    [['flipsBit', 'flipsBit'], /is not what the hub says it is: its sha256 differs/],
    [Array.from({ length: 5 }, () => 'sendsMore' as const), /sends more of onnx\/model\.onnx/],
    [['notFound'], /no such model, revision or file/],
    [['refuses'], /refuses access \(403\)/],
  ];
  for (const [faults, failure] of cases) {
    hub.faults = [...faults];
    folder = path.join(root, `downloads${count++}`);
    if (failure) await assert.rejects(run(), failure, faults.join());
    else await checkFetched(await run());
  }
});

test('replaces a part that another program spoilt', async () => {
  const target = path.join(folder, `owner--${commit}`, 'tiny', 'onnx/model.onnx');
  writeFiles(path.dirname(target), { 'model.onnx.part': Buffer.alloc(100, 7) });
  await checkFetched(await run());
  fs.writeFileSync(target, Buffer.alloc(size(), 7));
  await checkFetched(await run());
});

test('shows a token to a hub that wants one, and says what to do without', async () => {
  hub.token = 'hf_secret';
  await assert.rejects(run(), /refuses access \(401\)/);
  await checkFetched(await run({ env: { HF_ENDPOINT: hub.endpoint, HF_TOKEN: 'hf_secret' } }));
});

test('ends when it is told to', async () => {
  const controller = new AbortController();
  hub.faults = ['breaksOff'];
  const fetching = run({
    signal: controller.signal,
    pauseMs: 60_000,
    onProgress: () => controller.abort(),
  });
  await assert.rejects(fetching, { name: 'AbortError' });
});

test('says in a sentence that nobody answers, or that it is no hub', async () => {
  const { endpoint } = hub;
  const nobody = run({ env: { HF_ENDPOINT: 'http://127.0.0.1:9' } });
  await assert.rejects(nobody, /list of owner\/tiny cannot be fetched/);
  await assert.rejects(run({ env: { HF_ENDPOINT: 'ftp://x' } }), /HF_ENDPOINT is no address/);
  const html = async () => new Response('<html>');
  await assert.rejects(
    run({ fetch: html as unknown as HubRequest['fetch'], env: { HF_ENDPOINT: endpoint } }),
    /no list of a model's files/,
  );
});

test('reads names with revisions, and takes nothing else for one', () => {
  assert.deepEqual(parseModelName('a/b'), { owner: 'a', name: 'b', revision: 'main' });
  assert.deepEqual(parseModelName('a-1/b.c@refs/pr/3')?.revision, 'refs/pr/3');
  for (const given of ['a', 'a/b/c', './b', '../b', 'a/..', 'a/b@../x', '/a/b', 'a/b@', 'a b/c'])
    assert.equal(parseModelName(given), undefined, given);
});

test('finds a checkpoint in a folder that was filled elsewhere', () => {
  const model = parseModelName('owner/tiny')!;
  const offline = path.join(root, 'offline');
  assert.throws(() => findOffline(offline, model), /holds no owner\/tiny/);
  writeFiles(offline, {
    'models--owner--tiny/refs/main': `${commit}\n`,
    [`models--owner--tiny/snapshots/${commit}/config.json`]: '{}',
  });
  assert.match(findOffline(offline, model), new RegExp(`snapshots/${commit}$`));
  writeFiles(offline, { 'owner/tiny/config.json': '{}' });
  assert.equal(findOffline(offline, model), path.join(offline, 'owner/tiny'));
});

test('brings the templates of the catalogue to checkpoints without any', async () => {
  const entry = modelCatalog.find(({ templates }) => templates?.query === 'query: ');
  const [owner, name] = entry!.name.split('/');
  const own = await startHub(path.join(root, 'source'), entry!.name);
  try {
    const model = { owner: owner!, name: name!, revision: 'main' };
    const fetched = await run({ model, env: { HF_ENDPOINT: own.endpoint } });
    assert.deepEqual((await readCheckpoint(fetched.folder)).templates, entry!.templates);
  } finally {
    await own.stop();
  }
});

test('suggests only models whose licence and size are stated', () => {
  for (const { name, licence, megabytes, dimension } of modelCatalog) {
    assert.ok(parseModelName(name), name);
    assert.match(licence, /^(MIT|Apache-2\.0)$/);
    assert.ok(megabytes > 10 && dimension > 100);
  }
});
