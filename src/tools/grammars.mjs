// Copies the tree-sitter runtime and grammars from their packages to dist/grammars with a list of their sha256.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

const vscode = '@vscode/tree-sitter-wasm/wasm';
const sources = [
  'web-tree-sitter/web-tree-sitter.wasm',
  // Beside its .wasm and not in a bundle: a runtime that a hostile text brought down is loaded anew.
  'web-tree-sitter/web-tree-sitter.cjs',
  ...[
    'bash',
    'c-sharp',
    'cpp',
    'css',
    'go',
    'java',
    'javascript',
    'php',
    'python',
    'ruby',
    'rust',
    'tsx',
    'typescript',
  ].map((name) => `${vscode}/tree-sitter-${name}.wasm`),
  ...['c', 'scala', 'haskell', 'elixir', 'json', 'html'].map(
    (name) => `tree-sitter-${name}/tree-sitter-${name}.wasm`,
  ),
  ...['kotlin', 'zig', 'lua', 'yaml', 'toml'].map(
    (name) => `@tree-sitter-grammars/tree-sitter-${name}/tree-sitter-${name}.wasm`,
  ),
];

/** The packages that the files come from. */
export const grammarPackages = [
  ...new Set(sources.map((source) => /^(@[^/]+\/)?[^/]+/.exec(source)[0])),
];

export function copyGrammars(root, dist = path.join(root, 'dist')) {
  const target = path.join(dist, 'grammars');
  fs.mkdirSync(target, { recursive: true });
  const hashes = {};
  for (const source of sources) {
    const bytes = fs.readFileSync(path.join(root, 'node_modules', source));
    const name = path.basename(source);
    hashes[name] = createHash('sha256').update(bytes).digest('hex');
    fs.writeFileSync(path.join(target, name), bytes);
  }
  fs.writeFileSync(path.join(target, 'sha256.json'), `${JSON.stringify(hashes, null, 2)}\n`);
}
