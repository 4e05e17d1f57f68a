/** The probe as a file that can be forked, bundled from the sources as they are now. */
import * as esbuild from 'esbuild';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';

/** Bundles the probe for the suite of that name and returns the file; below dist, so that packages are found. */
export async function bundleProbe(suite: string): Promise<string> {
  const root = installationRoot();
  const outfile = path.join(root, 'dist/test/probes', `${suite}.js`);
  await esbuild.build({
    entryPoints: [path.join(root, 'src/engine/probeProcess.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['onnxruntime-node'],
    logLevel: 'error',
  });
  return outfile;
}
