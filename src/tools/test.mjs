// Bundles the tests whose path contains one of the arguments (all without arguments) and runs them with node:test,
// each file in a process of its own. `npm test` builds first; this does not. The slowest tests are listed in
// dist/test/slowest.txt. No test sees the data folder of the person who runs it.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleTests } from './bundle.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const filters = process.argv.slice(2);
const files = fs
  .readdirSync(path.join(root, 'test'), { recursive: true })
  .map((file) => `test/${String(file).split(path.sep).join('/')}`)
  .filter((file) => file.endsWith('.test.ts') && !file.startsWith('test/fixtures/'))
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort();
if (files.length === 0) {
  console.error(`No test file matches ${filters.join(' ')}`);
  process.exit(2);
}
await bundleTests(root, files);

const reporter = process.stdout.isTTY ? 'spec' : 'tap';
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-test-'));
const result = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    '--test-concurrency=2',
    `--test-reporter=${reporter}`,
    '--test-reporter-destination=stdout',
    `--test-reporter=${path.join(root, 'src/tools/slowest.mjs')}`,
    '--test-reporter-destination=dist/test/slowest.txt',
    ...files.map((file) => path.join('dist', file.replace(/\.ts$/, '.js'))),
  ],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', NEARMISS_HOME: home },
  },
);
fs.rmSync(home, { recursive: true, force: true });
process.exit(result.status ?? 1);
