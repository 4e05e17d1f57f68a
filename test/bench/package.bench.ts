/**
 * `npm run bench -- package`: what a package for this platform holds, staged in a temporary folder, proved by running
 * it there, and its size as a zip. Native packages give their code and this platform's binary, nothing else.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import { installationRoot } from '../../src/base/installation';
import { runCli, stopEngine } from '../support/product';
import { note, report } from './report';

const root = installationRoot();
const here = `${process.platform}-${process.arch}`;

/** Which files of our own go along, by path relative to the root. */
const ownFiles =
  /^(package\.json|README\.md|LICENSE|NOTICE|CHANGELOG\.md|dist\/[^/]+\.js|dist\/grammars\/.*|models\/.*)$/;

/** The packages that stay outside the bundles, and which of their files run. */
const packages: readonly { readonly name: string; readonly files: RegExp }[] = [
  {
    name: 'onnxruntime-node',
    files: new RegExp(
      `^(package\\.json|dist/[^/]+\\.js|bin/napi-v6/${process.platform}/${process.arch}/(?!libonnxruntime\\.1\\.dylib).*)$`,
    ),
  },
  { name: 'onnxruntime-common', files: /^(package\.json|dist\/cjs\/.*\.js(on)?)$/ },
  { name: 'hnswlib-node', files: /^(package\.json|lib\/.*\.js|build\/Release\/addon\.node)$/ },
  { name: 'bindings', files: /^(package\.json|.*\.js)$/ },
  { name: 'file-uri-to-path', files: /^(package\.json|index\.js)$/ },
  {
    name: '@photostructure/sqlite',
    files: new RegExp(`^(package\\.json|dist/index\\.cjs|prebuilds/${here}/.*)$`),
  },
  { name: 'node-gyp-build', files: /^(package\.json|[^/]+\.js)$/ },
  { name: '@parcel/watcher', files: /^(package\.json|[^/]+\.js)$/ },
  { name: `@parcel/watcher-${here}${libc()}`, files: /^(package\.json|watcher\.node)$/ },
  ...['detect-libc', 'is-glob', 'is-extglob', 'picomatch'].map((name) => ({
    name,
    files: /^(package\.json|[^/]*\.js|lib\/.*\.js)$/,
  })),
];

async function main(): Promise<void> {
  const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-bench-'));
  try {
    copyMatching(root, stage, ownFiles);
    for (const { name, files } of packages)
      copyMatching(
        path.join(root, 'node_modules', name),
        path.join(stage, 'node_modules', name),
        files,
      );
    await prove(stage);
    const files = filesBelow(stage).map((name) => path.join(stage, name));
    const zipped = files.reduce((sum, file) => sum + zippedBytes(file, stage), 0);
    const plain = files.reduce((sum, file) => sum + fs.statSync(file).size, 0);
    report('package', [
      { label: `zipped, ${here}`, value: zipped / 1e6, unit: 'MB', atMost: 75 },
      { label: 'unpacked', value: plain / 1e6, unit: 'MB' },
      { label: 'files', value: files.length, digits: 0 },
    ]);
  } finally {
    fs.rmSync(stage, { recursive: true, force: true });
  }
}

/** Indexes and searches with the staged files alone. */
async function prove(stage: string): Promise<void> {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-bench-'));
  const dataFolder = path.join(work, 'data');
  fs.mkdirSync(path.join(work, 'code'));
  fs.writeFileSync(path.join(work, 'code/a.ts'), 'export function paintWall(): void {}\n');
  const at = ['--data', dataFolder];
  const cli = path.join(stage, 'dist/cli.js');
  const index = await runCli(['index', path.join(work, 'code'), '--wait', ...at], { cli });
  const search = await runCli(
    ['search', 'how to paint', '--folder', path.join(work, 'code'), '--json', ...at],
    { cli },
  );
  await stopEngine(dataFolder);
  fs.rmSync(work, { recursive: true, force: true });
  if (index.status !== 0 || !search.stdout.includes('paintWall'))
    throw new Error(`The staged files do not run: ${index.stderr}${search.stderr}`);
  note('the staged files index and search');
}

function copyMatching(from: string, to: string, wanted: RegExp): void {
  for (const name of filesBelow(from).filter((file) => wanted.test(file))) {
    const target = path.join(to, name);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.copyFileSync(path.join(from, name), target);
  }
}

/** Relative paths with `/`; packages inside packages, caches and history are not looked into. */
function filesBelow(folder: string, prefix = ''): string[] {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const name = `${prefix}${entry.name}`;
    if (entry.isFile()) return [name];
    const isOurs = folder === root && /^(node_modules|src|test|\..*)$/.test(entry.name);
    if (!entry.isDirectory() || isOurs) return [];
    return filesBelow(path.join(folder, entry.name), `${name}/`);
  });
}

/** Size inside a zip: deflated, with its local header and its line in the directory. */
function zippedBytes(file: string, stage: string): number {
  const headers = 30 + 46 + 2 * Buffer.byteLength(path.relative(stage, file));
  return headers + zlib.deflateRawSync(fs.readFileSync(file), { level: 9 }).length;
}

function libc(): string {
  if (process.platform !== 'linux') return '';
  const header = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header.header?.glibcVersionRuntime ? '-glibc' : '-musl';
}

void main();
