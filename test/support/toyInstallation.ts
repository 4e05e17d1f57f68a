/**
 * The product installed in a folder of the test: the real bundles, models of a few numbers. It indexes as the real
 * one does at a hundredth of the time, and its files may be damaged.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { readCheckpoint } from '../../src/engine/encoders/checkpoint';
import { type ToyOptions, writeToyCheckpoint } from './toyCheckpoint';
import { writeFiles } from './temporaryFolder';

export interface Installation {
  readonly root: string;
  /** For `runCli`. */
  readonly cli: string;
}

/** Installs into an empty folder. */
export async function installToy(root: string, biEncoder: ToyOptions = {}): Promise<Installation> {
  copyProgram(root);
  const models = path.join(root, 'models');
  const fingerprints: Record<string, string> = {};
  for (const kind of ['bi-encoder', 'cross-encoder'] as const) {
    const options = kind === 'bi-encoder' ? biEncoder : {};
    const folder = writeToyCheckpoint(path.join(models, kind), { ...options, kind });
    fingerprints[kind] = (await readCheckpoint(folder)).fingerprint;
  }
  writeFiles(models, { 'fingerprints.json': JSON.stringify(fingerprints) });
  return { root, cli: path.join(root, 'dist/cli.js') };
}

/** Installs the bundled models into an empty folder, as copies that a test may damage. */
export function installBundled(root: string): Installation {
  copyProgram(root);
  fs.cpSync(path.join(installationRoot(), 'models'), path.join(root, 'models'), {
    recursive: true,
  });
  return { root, cli: path.join(root, 'dist/cli.js') };
}

function copyProgram(root: string): void {
  const source = installationRoot();
  const dist = path.join(source, 'dist');
  fs.mkdirSync(path.join(root, 'dist'), { recursive: true });
  fs.copyFileSync(path.join(source, 'package.json'), path.join(root, 'package.json'));
  for (const name of fs.readdirSync(dist).filter((file) => file.endsWith('.js')))
    fs.copyFileSync(path.join(dist, name), path.join(root, 'dist', name));
  fs.symlinkSync(path.join(dist, 'grammars'), path.join(root, 'dist/grammars'), 'junction');
  fs.symlinkSync(path.join(source, 'node_modules'), path.join(root, 'node_modules'), 'junction');
}
