// `npm run demo:editor`: serves a workbench with the packed extension and a sample folder, and prints its address.
import { spawn } from 'node:child_process';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleTests } from './bundle.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
await bundleTests(root, ['test/support/editor/demo.ts']);
const demo = spawn(process.execPath, ['dist/test/support/editor/demo.js'], {
  cwd: root,
  stdio: 'inherit',
});
// Ctrl+C reaches both; the demo ends the editor and then itself.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => demo.kill('SIGTERM'));
demo.once('exit', (code) => process.exit(code ?? 0));
