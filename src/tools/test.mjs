// Bundles the tests whose path contains one of the arguments (all without arguments) and runs them with node:test,
// each file in a process of its own. `npm test` builds first; this does not. The slowest tests are listed in
// dist/test/slowest.txt. No test sees the data folder of the person who runs it.
//
// Where at most three files fail, they run once more, alone: a real browser on a crowded machine is not worth a wrong
// alarm. Nothing is hidden: the closing lines name each test that failed once, with its error, and count it as unsteady.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleTests } from './bundle.mjs';

const secondChances = 3;
/** No file takes a quarter of it: one that does hangs, and must not hold up the others for good. */
const fileTimeoutMs = 12 * 60_000;
const shownSlowest = 40;
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

const first = run(files, 2);
fs.writeFileSync(path.join(root, 'dist/test/slowest.txt'), slowest(first.tests));
const suspects = files.filter((file) => first.failed.some((test) => isOf(test, file)));
const areKnown = first.failed.every((test) => files.some((file) => isOf(test, file)));
if (first.status === 0) process.exit(0);
if (suspects.length === 0 || suspects.length > secondChances || !areKnown) {
  say('FAILED', first.failed);
  process.exit(first.status);
}
const second = run(suspects, 1);
if (second.status === 0) say('FAILED ONCE, PASSED ALONE', first.failed);
else say('FAILED TWICE', second.failed);
const { tests, skipped } = first.counts;
const failed = second.status === 0 ? 0 : second.counts.fail + second.counts.cancelled;
console.log(
  `# tests ${tests}\n# pass ${tests - skipped - failed}\n# fail ${failed}\n# skipped ${skipped}`,
);
console.log(`# unsteady ${second.status === 0 ? first.failed.length : 0}`);
process.exit(second.status);

function run(tests, concurrency) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-test-'));
  // Two runs in one tree must not write into one file.
  const outcome = path.join(root, `dist/test/outcome-${process.pid}.jsonl`);
  const result = spawnSync(
    process.execPath,
    [
      '--enable-source-maps',
      '--test',
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${fileTimeoutMs}`,
      `--test-reporter=${process.stdout.isTTY ? 'spec' : 'tap'}`,
      '--test-reporter-destination=stdout',
      `--test-reporter=${path.join(root, 'src/tools/outcome.mjs')}`,
      `--test-reporter-destination=${outcome}`,
      ...tests.map(bundleOf),
    ],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', NEARMISS_HOME: home },
    },
  );
  fs.rmSync(home, { recursive: true, force: true });
  const lines = fs.existsSync(outcome) ? fs.readFileSync(outcome, 'utf8').split('\n') : [];
  fs.rmSync(outcome, { force: true });
  const rows = lines.filter(Boolean).map((line) => JSON.parse(line));
  return {
    status: result.status ?? 1,
    tests: rows.filter((row) => row.name !== undefined),
    failed: rows.filter((row) => row.message !== undefined),
    counts: Object.fromEntries(
      rows.filter((row) => row.count).map((row) => [row.count, row.value]),
    ),
  };
}

function bundleOf(file) {
  return path.join('dist', file.replace(/\.ts$/, '.js'));
}

/**
 * A test is known by the source that calls `test`, a file that fell as a whole by its bundle. Where a helper calls it,
 * the files that spell its name out are meant.
 */
function isOf(test, file) {
  if (test.name.endsWith(bundleOf(file)) || test.file === bundleOf(file)) return true;
  if (files.includes(test.file)) return test.file === file;
  return fs.readFileSync(path.join(root, file), 'utf8').includes(`'${test.name}'`);
}

function slowest(tests) {
  const rows = tests.toSorted((a, b) => b.seconds - a.seconds).slice(0, shownSlowest);
  return rows
    .map(({ seconds, file, name }) => `${seconds.toFixed(2).padStart(8)} ${file}  ${name}\n`)
    .join('');
}

function say(heading, failures) {
  for (const { file, name, message } of failures)
    console.log(`# ${heading}: ${file}: ${name}\n${message.replaceAll(/^/gmu, '#   ')}`);
}
