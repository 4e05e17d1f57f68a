// What a package for one platform holds: our files, bundles without source maps, models, and beside the bundles in
// dist/node_modules what of the native packages runs there. Binaries for other platforms come out of the packages
// themselves or, where npm has one package a platform, from the registry, checked against the lock.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { bundleEntries } from './bundle.mjs';
import { copyGrammars, grammarPackages } from './grammars.mjs';
import { thirdPartyNotices } from './notices.mjs';

/** Platforms that have every native part a package cannot do without. */
export const targets = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];

/** The platform this runs on. */
export const hostTarget = `${process.platform}-${process.arch}`;

/** Our own files, by path relative to the root. */
const ownFiles =
  /^(README\.md|LICENSE|NOTICE|CHANGELOG\.md|\.vscodeignore|package\.nls(\.\w+)?\.json|l10n\/.*|media\/.*|models\/.*)$/;

/** Parts of package.json that mean something to an editor or to the program itself. */
const developmentFields = [
  'scripts',
  'dependencies',
  'optionalDependencies',
  'devDependencies',
  'allowScripts',
  'overrides',
  'prettier',
  'knip',
];

/** Fills an empty folder with everything a package for the target holds. Returns what was left out, in words. */
export async function stagePackage(root, stage, target) {
  copyMatching(root, stage, ownFiles);
  const dist = path.join(stage, 'dist');
  const bundled = await bundleEntries(root, { outdir: dist, isRelease: true });
  copyGrammars(root, dist);
  const staged = nativePackages(target);
  for (const { name, files, from } of staged)
    copyMatching(
      from?.(root) ?? path.join(root, 'node_modules', name),
      path.join(dist, 'node_modules', name),
      files,
    );
  const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  for (const field of developmentFields) delete manifest[field];
  fs.writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  const names = [...bundled, ...grammarPackages, ...staged.map(({ name }) => name)];
  fs.writeFileSync(path.join(stage, 'THIRD_PARTY_NOTICES.txt'), thirdPartyNotices(root, names));
  return checkBinaries(dist, target);
}

/** The packages that stay outside the bundles, and which of their files run on the target. */
function nativePackages(target) {
  const [platform, arch] = target.split('-');
  const watcher = `@parcel/watcher-${target}${platform === 'linux' ? '-glibc' : ''}`;
  // The other of macOS' two libraries is the same file again, CUDA and TensorRT are not offered, and on Windows
  // DirectML is what a GPU is used through: WebGPU's shader compiler would take the package over 75 MB.
  const notWanted = '(?!libonnxruntime\\.1\\.dylib|dxcompiler|dxil|.*(cuda|tensorrt))';
  return [
    {
      name: 'onnxruntime-node',
      files: new RegExp(
        `^(package\\.json|dist/[^/]+\\.js|bin/napi-v6/${platform}/${arch}/${notWanted}.*)$`,
      ),
    },
    { name: 'onnxruntime-common', files: /^(package\.json|dist\/cjs\/.*\.js(on)?)$/ },
    ...(target === hostTarget ? vectorPackages : []),
    {
      name: '@photostructure/sqlite',
      files: new RegExp(
        `^(package\\.json|dist/index\\.cjs|prebuilds/${target}/[^/]*glibc\\.node)$`,
      ),
    },
    { name: 'node-gyp-build', files: /^(package\.json|[^/]+\.js)$/ },
    { name: '@parcel/watcher', files: /^(package\.json|[^/]+\.js)$/ },
    {
      name: watcher,
      files: /^(package\.json|watcher\.node)$/,
      from: (root) => packageFolder(root, watcher),
    },
    ...['detect-libc', 'is-glob', 'is-extglob', 'picomatch'].map((name) => ({
      name,
      files: /^(package\.json|[^/]*\.js|lib\/.*\.js)$/,
    })),
  ];
}

/** hnswlib-node has no prebuilt binary; where it is missing the exact scan answers. */
const vectorPackages = [
  { name: 'hnswlib-node', files: /^(package\.json|lib\/.*\.js|build\/Release\/addon\.node)$/ },
  { name: 'bindings', files: /^(package\.json|.*\.js)$/ },
  { name: 'file-uri-to-path', files: /^(package\.json|index\.js)$/ },
];

/** Fails when a binary that is needed is missing; names the one that may be. */
function checkBinaries(dist, target) {
  const binaries = filesBelow(path.join(dist, 'node_modules')).filter((name) =>
    name.endsWith('.node'),
  );
  for (const name of ['onnxruntime-node', '@photostructure/sqlite', '@parcel/watcher-'])
    if (!binaries.some((binary) => binary.startsWith(name)))
      throw new Error(`${name} has no binary for ${target}; run npm ci`);
  return binaries.some((binary) => binary.startsWith('hnswlib-node'))
    ? []
    : ['hnswlib-node has to be built on the platform itself: exact scan instead of its graph'];
}

/** A package of the lock, installed or fetched with npm into the cache. */
function packageFolder(root, name) {
  const installed = path.join(root, 'node_modules', name);
  if (fs.existsSync(installed)) return installed;
  const { version, integrity } = readLock(root)[`node_modules/${name}`];
  const cache = path.join(root, '.cache/packages', `${name.replace('/', '-')}-${version}`);
  if (fs.existsSync(path.join(cache, 'package/package.json'))) return path.join(cache, 'package');
  fs.mkdirSync(cache, { recursive: true });
  const packed = run('npm', ['pack', `${name}@${version}`, '--json', '--pack-destination', cache]);
  const archive = path.join(cache, JSON.parse(packed)[0].filename);
  const [algorithm, expected] = integrity.split(/-(.*)/);
  const actual = createHash(algorithm).update(fs.readFileSync(archive)).digest('base64');
  if (actual !== expected) throw new Error(`${name}@${version} is not what the lock names`);
  run('tar', ['-xzf', archive, '-C', cache]);
  return path.join(cache, 'package');
}

function run(command, args) {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

export function readLock(root) {
  return JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
}

function copyMatching(from, to, wanted) {
  for (const name of filesBelow(from).filter((file) => wanted.test(file))) {
    const target = path.join(to, name);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.copyFileSync(path.join(from, name), target);
  }
}

/** Relative paths with `/`; what a package could never hold is not looked into. */
function filesBelow(folder, prefix = '') {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const name = `${prefix}${entry.name}`;
    if (entry.isFile()) return [name];
    const isOurs = !prefix && /^(node_modules|dist|src|test|test-results|\..*)$/.test(entry.name);
    const isRoot = fs.existsSync(path.join(folder, 'package-lock.json'));
    if (!entry.isDirectory() || (isOurs && isRoot)) return [];
    return filesBelow(path.join(folder, entry.name), `${name}/`);
  });
}
