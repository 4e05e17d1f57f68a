import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import * as esbuild from 'esbuild';
import { installationRoot } from '../../src/base/installation';
import { temporaryFolder } from './temporaryFolder';

const folder = temporaryFolder(after);

/** Runs a test file whose only test does `body`, under the watch, and returns its output and exit status. */
function runWatched(body: string): { status: number | null; output: string } {
  const support = path.join(installationRoot(), 'test/support');
  const { outputFiles } = esbuild.buildSync({
    stdin: {
      contents: `import { test, after } from 'node:test';
        import * as fs from 'node:fs'; import * as os from 'node:os'; import * as net from 'node:net';
        import { spawn } from 'node:child_process';
        import { leavesNothing } from ${JSON.stringify(path.join(support, 'leaks'))};
        import { temporaryFolder } from ${JSON.stringify(path.join(support, 'temporaryFolder'))};
        leavesNothing();
        test('opens something', async () => { ${body} });`,
      loader: 'ts',
      resolveDir: folder,
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  const file = path.join(folder, 'watched.test.js');
  fs.writeFileSync(file, outputFiles[0]?.text ?? '');
  const env = { ...process.env };
  delete env.NODE_TEST_CONTEXT;
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { env, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

test('lets a suite pass that cleans up after itself', () => {
  const { status, output } = runWatched(`const folder = temporaryFolder(after);
    fs.writeFileSync(folder + '/x', 'x');
    const server = net.createServer().listen(0);
    after(() => server.close());`);
  assert.equal(status, 0, output);
});

test('fails a suite that leaves a file, an open file, a process or a server', () => {
  const { status, output } =
    runWatched(`const file = fs.mkdtempSync(os.tmpdir() + '/left-') + '/open';
    fs.openSync(file, 'w');
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 20000)'], { stdio: 'ignore' });
    after(() => setTimeout(() => { child.kill(); server.close(); }, 4000));
    const server = net.createServer().listen(0);
    child.unref();`);
  assert.equal(status, 1, output);
  assert.match(output, /temporary file left-/);
  assert.match(output, /1 open TCPServerWrap/);
  if (process.platform !== 'linux') return;
  assert.match(output, /open file left-\w+\/open/);
  assert.match(output, /process \d+ .*setTimeout/);
});
