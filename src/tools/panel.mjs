// What the search panel loads: its script for a webview (no modules, no Node), and its icons.
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as esbuild from 'esbuild';

const icons = 'node_modules/@vscode/codicons/dist';

/** Writes the panel's files into a folder and returns the paths of everything that went in. */
export async function bundlePanel(root, outdir) {
  const { metafile } = await esbuild.build({
    bundle: true,
    platform: 'browser',
    format: 'iife',
    // The browser of the oldest editor that we run in.
    target: 'chrome128',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    absWorkingDir: root,
    entryPoints: { panel: 'src/clients/panel/panel.ts' },
    outdir,
    metafile: true,
  });
  for (const name of ['codicon.css', 'codicon.ttf'])
    fs.copyFileSync(path.join(root, icons, name), path.join(outdir, name));
  return [...Object.keys(metafile.inputs), `${icons}/codicon.ttf`];
}
