/**
 * The product installed in a folder of the test: the real bundles, models of a few numbers. It indexes as the real
 * one does at a hundredth of the time, and its files may be damaged.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { readCheckpoint } from '../../src/engine/encoders/checkpoint';
import {
  joinTable,
  type StaticSettings,
  type StaticTable,
  staticFingerprint,
} from '../../src/engine/encoders/staticEncoder';
import { loadTokenizer } from '../../src/engine/encoders/tokenizer';
import { seededRandom } from '../../src/base/random';
import { writeToyCheckpoint } from './toyCheckpoint';
import { writeFiles } from './temporaryFolder';

/** Installs into an empty folder. */
export async function installToy(root: string): Promise<void> {
  copyProgram(root);
  await writeToyModels(path.join(root, 'models'));
}

/** Writes every model of an installation in small. */
export async function writeToyModels(models: string): Promise<void> {
  const fingerprints: Record<string, string> = {};
  for (const kind of ['bi-encoder', 'cross-encoder'] as const) {
    const folder = writeToyCheckpoint(path.join(models, kind), { kind });
    fingerprints[kind] = (await readCheckpoint(folder)).fingerprint;
  }
  writeFiles(models, { 'fingerprints.json': JSON.stringify(fingerprints) });
  const { vocabularySize } = await loadTokenizer(path.join(models, 'bi-encoder'));
  writeToyTable(path.join(models, 'static-encoder'), vocabularySize);
}

/** A static table of random rows for a vocabulary. */
function writeToyTable(folder: string, vocabularySize: number): void {
  const random = seededRandom(1);
  const settings: StaticSettings = {
    dimension: 8,
    vocabularySize,
    firstToken: 0,
    firstWord: 0,
    weighting: { kind: 'none' },
    source: '0'.repeat(64),
  };
  const table: StaticTable = {
    scales: new Float32Array(vocabularySize).fill(0.01),
    rows: Int8Array.from({ length: vocabularySize * 8 }, () => Math.floor(254 * random()) - 127),
  };
  const fingerprint = staticFingerprint(settings, table);
  writeFiles(folder, {
    'config.json': JSON.stringify({ ...settings, fingerprint }),
    'table.bin': joinTable(table),
  });
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
