// `npm run distill`: bundles distill.ts and runs it.
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleTool } from './bundle.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const file = await bundleTool(root, 'src/tools/distill.ts');
process.exit(spawnSync(process.execPath, [file], { cwd: root, stdio: 'inherit' }).status ?? 1);
