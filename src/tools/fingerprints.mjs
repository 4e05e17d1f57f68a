// Writes models/fingerprints.json: what the bundled checkpoints must be when they are loaded. Run it after a
// bundled model was changed on purpose: `node src/tools/fingerprints.mjs`.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const bundle = path.join(root, 'dist/tools/checkpoint.cjs');
await esbuild.build({
  entryPoints: [path.join(root, 'src/engine/encoders/checkpoint.ts')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'cjs',
});
const { readCheckpoint } = await import(pathToFileURL(bundle).href);
const models = path.join(root, 'models');
const fingerprints = {};
for (const name of ['bi-encoder', 'cross-encoder']) {
  fingerprints[name] = (await readCheckpoint(path.join(models, name))).fingerprint;
}
const text = `${JSON.stringify(fingerprints, undefined, 2)}\n`;
fs.writeFileSync(path.join(models, 'fingerprints.json'), text);
process.stdout.write(text);
