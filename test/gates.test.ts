/** The gates before the tests (types, lint, format, dead code) catch what they are there for: a seeded fault fails each. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { installationRoot } from '../src/base/installation';
import { temporaryFolder } from './support/temporaryFolder';

const copy = temporaryFolder(after);
const root = installationRoot();
for (const name of ['src', 'test', 'package.json', 'tsconfig.json'])
  fs.cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
fs.symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'), 'junction');

/** Runs one gate of package.json on the copy with one more file, which must fail naming the file and the fault. */
function checkGate(gate: string, file: string, text: string, complaint: RegExp): void {
  const seed = path.join(copy, file);
  fs.writeFileSync(seed, text);
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1' };
  delete env.NODE_TEST_CONTEXT;
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', gate], {
    cwd: copy,
    env,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  fs.rmSync(seed);
  const output = stdout + stderr;
  assert.notEqual(status, 0, `${gate} let ${file} pass`);
  assert.match(output, complaint);
  assert.ok(output.includes(path.basename(file)), `${gate} does not name ${file}:\n${output}`);
}

test('the type check refuses a value of the wrong type', () => {
  checkGate('typecheck', 'src/base/seeded.ts', `export const n: number = 'x';\n`, /TS2322/);
});

test('the type check refuses an unchecked index in the clients', () => {
  checkGate(
    'typecheck',
    'src/clients/seeded.ts',
    `export const first = (names: string[]): number => names[0].length;\n`,
    /TS2532/,
  );
});

test('the type check refuses the DOM', () => {
  checkGate('typecheck', 'src/base/seeded.ts', `export const x = document.body;\n`, /TS2584/);
});

test('lint refuses a promise that nobody waits for', () => {
  const text = `export function go(): void {\n  Promise.resolve();\n}\n`;
  checkGate('lint', 'src/base/seeded.ts', text, /no-floating-promises/);
});

test('lint refuses a promise that a test does not wait for', () => {
  const text = `import { test } from 'node:test';\n\ntest('x', () => {\n  Promise.resolve();\n});\n`;
  checkGate('lint', 'test/seeded.test.ts', text, /no-floating-promises/);
});

test('lint refuses any', () => {
  checkGate('lint', 'src/base/seeded.ts', `export const x: any = 1;\n`, /no-explicit-any/);
});

test('lint refuses an error that is swallowed', () => {
  const text = `export function go(f: () => void): void {\n  try {\n    f();\n  } catch {}\n}\n`;
  checkGate('lint', 'src/base/seeded.ts', text, /no-empty/);
});

test('the format check refuses a file that Prettier would write otherwise', () => {
  checkGate('formatted', 'src/base/seeded.ts', `export  const x = "1"\n`, /Code style issues/);
});

test('the dead code check refuses an export that nobody uses', () => {
  const text = `import { seeded } from './support/seeded';\n\nseeded();\n`;
  fs.writeFileSync(path.join(copy, 'test/seeded.test.ts'), text);
  checkGate(
    'deadcode',
    'test/support/seeded.ts',
    `export function seeded(): void {}\n\nexport function unused(): void {}\n`,
    /Unused exports[^]*unused/,
  );
  fs.rmSync(path.join(copy, 'test/seeded.test.ts'));
});

test('the dead code check refuses a file that nobody imports', () => {
  checkGate('deadcode', 'src/base/seeded.ts', `export const x = 1;\n`, /Unused files/);
});
