import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { ProbeReply } from '../../src/engine/encoders/probe';
import { bundleProbe } from '../support/probeBundle';
import { temporaryFolder } from '../support/temporaryFolder';
import { writeToyCheckpoint } from '../support/toyCheckpoint';

/** Where the runtime reports home, it leaves its files within a second and looks up a host a few seconds later. */
const WATCH_MS = 8000;

const scratch = temporaryFolder(after);
let probeFile: string;
before(async () => {
  probeFile = await bundleProbe('probeProcess');
});

describe('the probe process', () => {
  test('reports nothing home, whatever its environment says', async () => {
    const checkpointFolder = writeToyCheckpoint(path.join(scratch, 'toy'));
    const home = path.join(scratch, 'home');
    fs.mkdirSync(home);
    // Nothing here switches reports off: not the variable, and not CI, which does so too.
    const { CI: _ci, ORT_DISABLE_TELEMETRY: _off, XDG_CACHE_HOME: _cache, ...rest } = process.env;
    const child = fork(probeFile, [String(2 ** 32)], {
      env: { ...rest, HOME: home, TMPDIR: home, USERPROFILE: home, TEMP: home, TMP: home },
      execArgv: [],
      serialization: 'advanced',
    });
    after(() => child.kill('SIGKILL'));
    child.send({ kind: 'variant', checkpointFolder, provider: 'cpu', arithmetic: 'fp32' });
    const [reply] = (await once(child, 'message')) as [ProbeReply];
    assert.equal(reply.type, 'figures');
    await wait(WATCH_MS);
    assert.equal(child.exitCode, null);
    assert.deepEqual(fs.readdirSync(home, { recursive: true }), []);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  test('ends when the process that started it is gone', async () => {
    const child = fork(probeFile, ['0'], { execArgv: [], serialization: 'advanced' });
    await once(child, 'spawn');
    child.disconnect();
    await once(child, 'exit');
    assert.equal(child.exitCode, 1);
  });
});
