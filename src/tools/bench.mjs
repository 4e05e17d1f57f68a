// `npm run bench -- NAME [--json] [OPTION]...`: bundles the product and test/bench/FILE.bench.ts and runs it. NAME is a file's name, or a
// file's name, a hyphen and what it shall measure (`quality-docs-tldr`). Without a name the benches are listed.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleEntries, bundleTests } from './bundle.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const benches = fs
  .readdirSync(path.join(root, 'test/bench'))
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length));
const [name, ...options] = process.argv.slice(2);
const bench = benches
  .filter((candidate) => name === candidate || name?.startsWith(`${candidate}-`))
  .sort((a, b) => b.length - a.length)[0];
if (!name || !bench) {
  console.error(`${name ? `No bench ${name}. ` : ''}Benches: ${benches.join(', ')}`);
  process.exit(2);
}
await bundleEntries(root);
await bundleTests(root, [`test/bench/${bench}.bench.ts`]);
const result = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--expose-gc',
    path.join('dist/test/bench', `${bench}.bench.js`),
    name.slice(bench.length + 1),
    ...options,
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' } },
);
process.exit(result.status ?? 1);
