/**
 * A person installs the extension, opens a folder that was never indexed, and asks at once. Everything below the
 * editor's server is watched meanwhile: nothing of it opens a connection that leaves the machine.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { productProcesses } from '../support/processes';
import { flow, useWorld } from '../support/editor/world';
import { eventually } from '../support/editor/workbench';

const hasStrace = spawnSync('strace', ['-V']).status === 0;
const world = useWorld({
  name: 'firstOpen',
  isIndexed: false,
  traced: hasStrace ? 'connect,sendto,sendmsg,execve' : undefined,
});

flow('gives first hits while embeddings are still being made', world, async ({ window }) => {
  await window.openPanel();
  await window.box.fill('remove a class from every selected element');
  await window.hit('cheerio/api/attributes.ts:').waitFor();
  await window.panel.getByRole('progressbar').waitFor();
  await window.statusBar.filter({ hasText: /\d+ %/ }).waitFor();
  await eventually(
    () => window.hitNames(),
    (names) => names.length > 3,
  );
  await window.screenshot('01-first-hits-while-embedding');
});

flow('stops indexing when asked to, and goes on', world, async ({ window }) => {
  await window.command('Nearmiss: Pause Indexing');
  const resume = window.panel.getByRole('button', { name: 'Resume Indexing' });
  await resume.waitFor();
  await window.screenshot('01-paused');
  await resume.click();
  await window.panel.getByRole('button', { name: 'Pause Indexing' }).waitFor();
});

flow('opens no connection beyond this machine', world, async ({ dataFolder, stracePath }) => {
  assert.ok(hasStrace, 'strace is missing: apt-get install strace');
  await eventually(
    () => Promise.resolve(productProcesses(dataFolder)),
    (processes) => processes.length >= 2,
  );
  const lines = await eventually(
    () => Promise.resolve(fs.readFileSync(stracePath, 'utf8').split('\n')),
    (all) => all.some((line) => line.includes('execve(') && line.includes('dist/indexer.js')),
  );
  const calls = lines.filter((line) => /sa_family=AF_INET6?\b/.test(line));
  const beyond = calls.filter(
    (line) => !/inet_addr\("127\.|inet_pton\(AF_INET6, "(::1|::ffff:127\.)/.test(line),
  );
  assert.deepEqual(beyond, []);
});
