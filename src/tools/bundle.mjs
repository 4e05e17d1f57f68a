// The one esbuild configuration: entries, tests and benches are bundled alike.
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as esbuild from 'esbuild';
import { copyColours } from './colours.mjs';
import { bundlePanel } from './panel.mjs';

const native = ['onnxruntime-node', 'hnswlib-node', '@photostructure/sqlite', '@parcel/watcher'];
const shared = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
  // mammoth is handed archives that are unpacked by our own rules.
  alias: { jszip: './src/empty/index.js' },
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
};
/** Names stay, so that a log from somebody else's machine can be read. */
const release = {
  sourcemap: false,
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
};
const entries = {
  cli: 'src/clients/cli/main.ts',
  engine: 'src/engine/main.ts',
  hub: 'src/clients/hub/main.ts',
  mcp: 'src/clients/mcp/server.ts',
  indexer: 'src/engine/indexerProcess.ts',
  converter: 'src/engine/converterProcess.ts',
  probe: 'src/engine/probeProcess.ts',
  trainer: 'src/engine/trainerProcess.ts',
  extension: 'src/clients/extension/extension.ts',
  colouring: 'src/clients/extension/colourThread.ts',
};

/**
 * Bundles the product's entries into `outdir`, for people or (`isRelease`) for a package: smaller, without source
 * maps. Returns the names of the packages whose code went in.
 */
export async function bundleEntries(root, { outdir = 'dist', isRelease = false } = {}) {
  const entryPoints = Object.fromEntries(
    Object.entries(entries).filter(([, file]) => fs.existsSync(path.join(root, file))),
  );
  const { metafile } = await esbuild.build({
    ...shared,
    ...(isRelease ? release : {}),
    absWorkingDir: root,
    entryPoints,
    outdir,
    external: ['vscode', ...native],
    metafile: true,
  });
  if (entryPoints.cli) fs.chmodSync(path.join(path.resolve(root, outdir), 'cli.js'), 0o755);
  const panel = await bundlePanel(root, path.resolve(root, outdir));
  const colours = await copyColours(root, path.resolve(root, outdir));
  return packageNames([...Object.keys(metafile.inputs), ...panel, ...colours]);
}

function packageNames(files) {
  const names = files.map((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]);
  return [...new Set(names.filter(Boolean))];
}

/** Bundles files below test/ to the same place below dist/test/. */
export async function bundleTests(root, files) {
  await esbuild.build({
    ...shared,
    absWorkingDir: root,
    entryPoints: files,
    outdir: 'dist/test',
    outbase: 'test',
    external: [
      'vscode',
      ...native,
      'esbuild',
      'fast-check',
      '@xenova/transformers',
      'playwright-core',
      'typescript',
    ],
  });
}

/** Bundles a tool of ours and returns the bundle's path. */
export async function bundleTool(root, file) {
  const outfile = path.join(root, 'dist/tools', `${path.basename(file, '.ts')}.js`);
  await esbuild.build({
    ...shared,
    absWorkingDir: root,
    entryPoints: [file],
    outfile,
    external: native,
  });
  return outfile;
}
