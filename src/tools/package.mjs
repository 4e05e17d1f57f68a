// `npm run package [-- --target PLATFORM-ARCH]`: makes dist/nearmiss-VERSION-TARGET.vsix for this platform, or for
// another one that has the native parts. The bundles are made anew for it, so `dist` may be as it is.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative } from './native.mjs';
import { hostTarget, stagePackage, targets } from './staging.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const at = process.argv.indexOf('--target');
const target = at < 0 ? hostTarget : process.argv[at + 1];
if (!targets.includes(target)) {
  console.error(`No package for ${target}. Targets: ${targets.join(', ')}`);
  process.exit(2);
}
buildNative(root);
const stage = path.join(root, 'dist/package', target);
fs.rmSync(stage, { recursive: true, force: true });
fs.mkdirSync(stage, { recursive: true });
const leftOut = await stagePackage(root, stage, target);
const { version } = JSON.parse(fs.readFileSync(path.join(stage, 'package.json'), 'utf8'));
const file = path.join(root, 'dist', `nearmiss-${version}-${target}.vsix`);
// A run that is cut short leaves nothing behind that looks like a package.
const draft = `${file}.draft`;
const vsce = path.join(root, 'node_modules/@vscode/vsce/vsce');
const result = spawnSync(
  process.execPath,
  [
    vsce,
    ...['package', '--no-dependencies', '--target', target, '--out', draft],
    // The pictures of README stay in the repository, which has no address yet.
    ...['--no-rewrite-relative-links', '--allow-missing-repository'],
  ],
  { cwd: stage, encoding: 'utf8' },
);
if (result.status !== 0) {
  console.error(result.stdout + result.stderr);
  process.exit(1);
}
fs.renameSync(draft, file);
fs.rmSync(stage, { recursive: true, force: true });
const megabytes = (fs.statSync(file).size / 1e6).toFixed(1);
console.log(`${path.relative(process.cwd(), file)}: ${megabytes} MB`);
for (const sentence of leftOut) console.log(`Left out: ${sentence}`);
