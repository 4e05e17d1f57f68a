/**
 * `npm run demo:editor`: a real workbench with the packed extension and a sample folder, for a browser. The world stays
 * in .cache/demo-editor, so that the next start finds the index again. Ctrl+C ends everything.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../../src/base/installation';
import { stopEngine } from '../product';
import { packedVsix } from '../vsix';
import { installEditor } from './install';
import { copySample } from './sample';
import { startServer } from './server';

async function main(): Promise<void> {
  const installation = installEditor();
  const vsix = await packedVsix();
  const world = path.join(installationRoot(), '.cache/demo-editor');
  const sample = path.join(world, 'sample');
  fs.mkdirSync(path.join(world, 'data'), { recursive: true, mode: 0o700 });
  if (!fs.existsSync(sample)) copySample(sample);
  const server = await startServer({ installation, extensions: [vsix], world });
  console.log(`\nNearmiss in VS Code's workbench: ${server.address}/?folder=${sample}`);
  console.log('Open it in a browser on this machine; Ctrl+C ends it.');
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await server.stop();
  await stopEngine(server.dataFolder);
}

void main();
