// `npm run train:models`: builds the product, bundles trainModels.ts and runs it.
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleEntries, bundleTool } from './bundle.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
await bundleEntries(root);
const file = await bundleTool(root, 'src/tools/trainModels.ts');
const result = spawnSync(process.execPath, [file, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(result.status ?? 1);
