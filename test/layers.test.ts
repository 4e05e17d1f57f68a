/**
 * Who may import whom. Each room knows only the rooms named here, some packages belong to one file, and no two
 * files import one another in a circle. The checks are functions over a list of files, so that seeded
 * violations prove that they can fail.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { builtinModules } from 'node:module';
import * as path from 'node:path';
import { test } from 'node:test';
import { installationRoot } from '../src/base/installation';
import { importedModules } from './support/imports';

/** Rooms and the rooms they may import, beside themselves. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: ['base'],
  documents: ['base'],
  onnx: ['base'],
  encoders: ['base', 'documents', 'onnx'],
  store: ['base', 'documents'],
  indexing: ['base', 'documents', 'encoders', 'store'],
  search: ['base', 'documents', 'encoders', 'store'],
  feedback: ['base', 'documents', 'store'],
  training: ['base', 'documents', 'onnx', 'encoders', 'store', 'search', 'feedback'],
  learning: ['base', 'documents', 'encoders', 'store', 'search', 'feedback', 'training'],
  engine: [
    'base',
    'protocol',
    'documents',
    'onnx',
    'encoders',
    'store',
    'indexing',
    'search',
    'feedback',
    'training',
    'learning',
  ],
  clients: ['base', 'protocol'],
  'clients/cli': ['base', 'protocol', 'clients', 'clients/report', 'clients/hub'],
  'clients/extension': ['base', 'protocol', 'clients', 'clients/report', 'clients/hub'],
  // Downloads of models: the one place that opens a connection, and only on an order.
  'clients/hub': ['base'],
  'clients/mcp': ['base', 'protocol', 'clients'],
  'clients/report': ['base', 'protocol'],
  'clients/panel': ['base', 'protocol'],
  // Programs that build what the product ships: nobody imports them.
  tools: ['base', 'documents', 'onnx', 'encoders', 'store', 'indexing', 'search', 'training'],
};

/** Packages that a single place may name. */
const owners: Readonly<Record<string, RegExp>> = {
  vscode: /^clients\/extension\//,
  'onnxruntime-node': /^engine\/encoders\/(session|providers)\.ts$/,
  '@photostructure/sqlite': /^engine\/store\/database\.ts$/,
  'node:sqlite': /^engine\/store\/database\.ts$/,
  'hnswlib-node': /^engine\/store\/(hnsw|hnsw[A-Z]\w*)\.ts$/,
  'vscode-jsonrpc': /^protocol\/\w+\.ts$/,
};

type Sources = ReadonlyMap<string, string>;

/** The room of a file: "clients/cli", "documents", "engine" for engine's top files. */
function roomOf(file: string): string {
  const [top = '', second = '', third] = file.split('/');
  if (top === 'engine') return third === undefined ? 'engine' : second;
  if (top === 'clients') return third === undefined ? 'clients' : `clients/${second}`;
  return top;
}

/** The file that an import names, undefined for packages. */
function resolveImport(sources: Sources, from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const bare = path.posix.join(path.posix.dirname(from), specifier);
  return [bare, `${bare}.ts`, `${bare}.tsx`, `${bare}.mjs`, `${bare}/index.ts`].find((file) =>
    sources.has(file),
  );
}

/** "@scope/name" of "@scope/name/part"; built-in modules stay as they are. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function layerViolations(sources: Sources): string[] {
  const violations: string[] = [];
  for (const [file, text] of sources) {
    const room = roomOf(file);
    const rooms = allowed[room];
    if (!rooms) violations.push(`${file} is in no known room`);
    for (const specifier of importedModules(text)) {
      const target = resolveImport(sources, file, specifier);
      const targetRoom = target && roomOf(target);
      if (targetRoom && targetRoom !== room && !rooms?.includes(targetRoom))
        violations.push(`${file} imports ${target}: ${room} may not know ${targetRoom}`);
      const owner = owners[packageOf(specifier)];
      if (owner && room !== 'tools' && !owner.test(file))
        violations.push(`${file} imports ${specifier}: only ${owner.source} may`);
    }
  }
  return violations;
}

/** Circles of imports, each named once by the path that closes it. */
function cycles(sources: Sources): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) {
      found.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const specifier of importedModules(sources.get(file) ?? '')) {
      const target = resolveImport(sources, file, specifier);
      if (target) visit(target, [...trail, file]);
    }
    done.add(file);
  };
  for (const file of sources.keys()) visit(file, []);
  return found;
}

function unresolvedImports(sources: Sources): string[] {
  return [...sources].flatMap(([file, text]) =>
    importedModules(text)
      .filter((specifier) => specifier.startsWith('.') && !/\.(json|js)$/.test(specifier))
      .filter((specifier) => resolveImport(sources, file, specifier) === undefined)
      .map((specifier) => `${file} imports ${specifier}, which is not there`),
  );
}

function readSources(): Sources {
  const root = path.join(installationRoot(), 'src');
  const files = fs.readdirSync(root, { recursive: true, encoding: 'utf8' });
  return new Map(
    files
      .map((file) => file.split(path.sep).join('/'))
      .filter((file) => /\.(ts|tsx|mjs)$/.test(file))
      .sort()
      .map((file) => [file, fs.readFileSync(path.join(root, file), 'utf8')]),
  );
}

/** The file layer of the engine belongs to no client: these built-ins would give it away in the panel. */
function panelViolations(sources: Sources): string[] {
  return [...sources]
    .filter(([file]) => roomOf(file) === 'clients/panel')
    .flatMap(([file, text]) =>
      importedModules(text)
        .filter((name) => builtinModules.includes(name.replace(/^node:/, '')))
        .map((name) => `${file} imports ${name}, which no browser has`),
    );
}

test('keeps every room to the rooms and packages it may know', () => {
  assert.deepEqual(layerViolations(readSources()), []);
});

test('has no circle of imports between files', () => {
  assert.deepEqual(cycles(readSources()), []);
});

test('names only files that are there, and no built-in module in the panel', () => {
  const sources = readSources();
  assert.deepEqual([...unresolvedImports(sources), ...panelViolations(sources)], []);
});

test('gives no DOM type to the code outside the panel', () => {
  const text = fs.readFileSync(path.join(installationRoot(), 'tsconfig.json'), 'utf8');
  const { compilerOptions } = JSON.parse(text) as { compilerOptions: { lib: string[] } };
  assert.deepEqual(compilerOptions.lib, ['es2023']);
});

test('finds imports of every form and none in comments or strings', () => {
  const source = [
    `import * as fs from 'node:fs';`,
    `import { type A, b } from './a';`,
    `import type {\n  C,\n} from '../c';`,
    `import './effect';`,
    `export { d } from './d';`,
    `export * from './e';`,
    `export type { F } from "./f";`,
    `const late = await import('./late');`,
    `const old = require('./old');`,
    `// import { no } from './comment';`,
    `/* export * from './block'; */`,
    `const text = '// not a comment'; import { g } from './g';`,
    `export const from = 1;`,
    `export function importFrom(a: string): string {\n  return a + 'from';\n}`,
  ].join('\n');
  assert.deepEqual(importedModules(source), [
    'node:fs',
    './a',
    '../c',
    './effect',
    './d',
    './e',
    './f',
    './late',
    './old',
    './g',
  ]);
});

test('reports each kind of wrong import when one is seeded', () => {
  const seeded = new Map([
    ['base/a.ts', `import { b } from '../engine/store/b';`],
    [
      'engine/store/b.ts',
      `import type { C } from '../search/c';\nimport * as ort from 'onnxruntime-node';`,
    ],
    ['engine/search/c.ts', `export type C = 1;`],
    ['engine/main.ts', `import { b } from './store/b';`],
    [
      'clients/cli/main.ts',
      `import { main } from '../../engine/main';\nimport * as vscode from 'vscode';`,
    ],
    ['clients/mcp/server.ts', `import { x } from '../cli/main';`],
    ['attic/x.ts', ''],
  ]);
  assert.deepEqual(layerViolations(seeded), [
    'base/a.ts imports engine/store/b.ts: base may not know store',
    'engine/store/b.ts imports engine/search/c.ts: store may not know search',
    'engine/store/b.ts imports onnxruntime-node: only ^engine\\/encoders\\/(session|providers)\\.ts$ may',
    'clients/cli/main.ts imports engine/main.ts: clients/cli may not know engine',
    'clients/cli/main.ts imports vscode: only ^clients\\/extension\\/ may',
    'clients/mcp/server.ts imports clients/cli/main.ts: clients/mcp may not know clients/cli',
    'attic/x.ts is in no known room',
  ]);
});

test('reports a seeded circle once and an import of nothing', () => {
  const seeded = new Map([
    ['base/a.ts', `import { b } from './b';`],
    ['base/b.ts', `import { c } from './c';`],
    ['base/c.ts', `import type { A } from './a';\nimport { d } from './gone';`],
  ]);
  assert.deepEqual(cycles(seeded), ['base/a.ts -> base/b.ts -> base/c.ts -> base/a.ts']);
  assert.deepEqual(unresolvedImports(seeded), ['base/c.ts imports ./gone, which is not there']);
});
