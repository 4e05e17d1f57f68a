/** What the packed extension holds: everything it runs on, nothing of the workshop, a notice for every package. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, test } from 'node:test';
import { installationRoot } from '../../src/base/installation';
import { temporaryFolder, writeFiles } from '../support/temporaryFolder';
import { packedVsix, type ZipEntry, zipEntries } from '../support/vsix';

const folder = temporaryFolder(after);
const root = installationRoot();
let vsix = '';
let entries: readonly ZipEntry[] = [];
let names: readonly string[] = [];
before(async () => {
  vsix = await packedVsix();
  entries = zipEntries(vsix);
  names = entries.map(({ name }) => name.replace(/^extension\//, ''));
});

test('is smaller than 75 MB', () => {
  assert.ok(fs.statSync(vsix).size < 75e6, `${fs.statSync(vsix).size / 1e6} MB`);
});

test('holds models, grammars, bundles and licences', () => {
  const needed = [
    ...filesOf('models'),
    ...filesOf('dist/grammars'),
    ...['cli', 'engine', 'indexer', 'probe'].map((name) => `dist/${name}.js`),
    'NOTICE',
    'THIRD_PARTY_NOTICES.txt',
    'LICENSE.txt',
    'readme.md',
    'changelog.md',
    'package.json',
  ];
  assert.deepEqual(
    needed.filter((name) => !names.includes(name)),
    [],
  );
});

test('holds no source, test, source map or cache', () => {
  const strangers = names.filter((name) => /\.(map|ts|tsx|mjs|bench|lock|log|db)$/.test(name));
  assert.deepEqual(strangers, []);
  const rooms = new Set(
    names.filter((name) => name.includes('/')).map((name) => name.split('/')[0]),
  );
  for (const room of rooms) assert.match(room ?? '', /^(dist|models|media|l10n)$/);
  assert.deepEqual(
    textsOf(/^dist\/[^/]+\.js$/).filter((text) => text.includes('sourceMappingURL=')),
    [],
  );
});

test('holds binaries of this platform alone', () => {
  const here = new RegExp(`${process.platform}[-/]${process.arch}|hnswlib-node/build/Release/`);
  const binaries = names.filter((name) => /\.(node|so(\.\d+)*|dylib|dll)$/.test(name));
  assert.deepEqual(
    binaries.filter((name) => !here.test(name)),
    [],
  );
  for (const needed of ['onnxruntime-node', '@photostructure/sqlite', '@parcel/watcher-'])
    assert.ok(
      binaries.some((name) => name.includes(needed)),
      `no binary of ${needed}`,
    );
});

test('names no path of the machine it was packed on', () => {
  const texts = textsOf(/^dist\/[^/]+\.js$|\.json$|\.txt$/);
  assert.deepEqual(
    texts.filter((text) => text.includes(root)).map((text) => text.slice(0, 200)),
    [],
  );
});

test('leaves out of its manifest what only developers need', () => {
  const manifest = JSON.parse(textsOf(/^package\.json$/)[0] ?? '') as Record<string, unknown>;
  assert.equal(manifest.name, 'nearmiss');
  for (const field of ['scripts', 'dependencies', 'devDependencies', 'prettier', 'knip'])
    assert.ok(!(field in manifest), field);
});

test('has a notice with a licence text for every package beside or inside the bundles', () => {
  const [notices = ''] = textsOf(/^THIRD_PARTY_NOTICES\.txt$/);
  const beside = names
    .map((name) => /^dist\/node_modules\/((@[^/]+\/)?[^/]+)\/package\.json$/.exec(name)?.[1])
    .filter((name) => name !== undefined);
  assert.ok(beside.length > 8);
  const inside = ['zod', 'vscode-jsonrpc', 'markdown-it', 'web-tree-sitter', 'tree-sitter-scala'];
  for (const name of [...beside, ...inside]) {
    const part = notices.split('='.repeat(78)).find((text) => text.startsWith(`\n${name} `)) ?? '';
    assert.match(part, /permi(t|ssion)|license/i, `no notice for ${name}`);
    assert.ok(part.length > 500, `no licence text for ${name}`);
  }
});

test('is not made with a package whose licence may not be shipped or has no text', () => {
  checkRefusal({ license: 'GPL-3.0' }, /x 1\.0\.0 is under "GPL-3\.0", which may not be shipped/);
  checkRefusal({ license: 'MIT' }, /x comes without a text of its licence/);
});

test('names the targets when asked for another', () => {
  const tool = path.join(root, 'src/tools/package.mjs');
  const { status, stderr } = spawnSync(process.execPath, [tool, '--target', 'alpine-x64'], {
    encoding: 'utf8',
  });
  assert.equal(status, 2);
  assert.match(stderr, /^No package for alpine-x64\. Targets: linux-x64, /);
});

function checkRefusal(manifest: { license: string }, complaint: RegExp): void {
  const place = path.join(folder, manifest.license);
  const text = JSON.stringify({ name: 'x', version: '1.0.0', ...manifest });
  writeFiles(place, { 'node_modules/x/package.json': text });
  const module = pathToFileURL(path.join(root, 'src/tools/notices.mjs')).href;
  const script = `import { thirdPartyNotices } from ${JSON.stringify(module)}; thirdPartyNotices(${JSON.stringify(place)}, ['x']);`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  assert.notEqual(status, 0);
  assert.match(stderr, complaint);
}

function filesOf(place: string): string[] {
  return fs
    .readdirSync(path.join(root, place), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

function textsOf(wanted: RegExp): string[] {
  return entries
    .filter(({ name }) => wanted.test(name.replace(/^extension\//, '')))
    .map(({ bytes }) => bytes().toString());
}
