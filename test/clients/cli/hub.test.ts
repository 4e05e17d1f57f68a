/** `nearmiss models add OWNER/NAME`: through a proxy with a password, from an offline folder, and never by itself. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { makeWorld } from '../../badDays/world';
import { commit, type HubServer, startHub, startProxy } from '../../support/hubServer';
import { checkDone, checkSentence, type CliResult } from '../../support/product';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

const world = makeWorld(after);
let hub: HubServer;

before(async () => {
  await world.install();
  hub = await startHub(writeToyCheckpoint(path.join(world.folder, 'source'), { seed: 9 }));
});
after(() => hub.stop());

function models(args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
  const all = { ...proxied(''), NO_PROXY: '', no_proxy: '', HF_ENDPOINT: hub.endpoint, ...env };
  return world.run(['models', ...args], { env: all });
}

/** Both spellings count, the small one first. */
function proxied(url: string): Record<string, string> {
  return { HTTP_PROXY: url, http_proxy: url, HTTPS_PROXY: url, https_proxy: url };
}

test('fetches through a proxy that wants a name and a password', async () => {
  const proxy = await startProxy('user:pass word');
  try {
    const wrong = proxied(`http://127.0.0.1:${proxy.port}`);
    const refused = await models(['add', 'owner/tiny'], wrong);
    assert.equal(refused.status, 3);
    assert.match(refused.stderr, /^nearmiss: [^\n]+\n$/);
    const right = proxied(`http://user:pass%20word@127.0.0.1:${proxy.port}`);
    const result = await models(['add', 'owner/tiny'], right);
    checkDone(result);
    assert.match(result.stdout, /^tiny {2}bi-encoder/);
    assert.match(result.stderr, new RegExp(`owner/tiny at commit ${commit}`));
    assert.ok(proxy.asked.length > 0);
  } finally {
    await proxy.stop();
  }
  assert.deepEqual(fs.readdirSync(path.join(world.data, 'downloads')), []);
  checkDone(await models(['use', 'tiny']));
  assert.match((await models(['list'])).stdout, /tiny .*in use/);
});

test('takes a model from a folder without a connection', async () => {
  const offline = path.join(world.folder, 'offline');
  fs.cpSync(path.join(world.folder, 'source'), path.join(offline, 'owner/other'), {
    recursive: true,
  });
  hub.requests.length = 0;
  checkDone(await models(['add', 'owner/other', '--from', offline]));
  assert.deepEqual(hub.requests, []);
  checkSentence(await models(['add', 'owner/none', '--from', offline]), 2, /holds no owner\/none/);
});

test('says what is not there, and lists what suits without asking the hub', async () => {
  hub.requests.length = 0;
  const { stdout } = await models(['catalog']);
  assert.match(stdout, /multilingual-e5-small {2}many languages/);
  assert.deepEqual(hub.requests, []);
  checkSentence(await models(['add', 'owner/nothing']), 2, /no such model, revision or file/);
});
