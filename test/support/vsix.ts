/** The packed extension: made when something it holds is newer, and what it holds. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import { installationRoot, productVersion } from '../../src/base/installation';
import { takeExclusively } from './exclusive';

const sources = [
  'src',
  'models',
  'media',
  'l10n',
  '.vscodeignore',
  'package.json',
  'package-lock.json',
];

export interface ZipEntry {
  readonly name: string;
  readonly bytes: () => Buffer;
}

/** Path of a VSIX of this platform that is as new as the sources. */
export async function packedVsix(): Promise<string> {
  const release = await takeExclusively('package');
  try {
    const root = installationRoot();
    const target = `${process.platform}-${process.arch}`;
    const file = path.join(root, 'dist', `nearmiss-${productVersion(root)}-${target}.vsix`);
    const newest = Math.max(...sources.map((name) => newestChange(path.join(root, name))));
    if (fs.existsSync(file) && fs.statSync(file).mtimeMs > newest) return file;
    const env = { ...process.env };
    delete env.NODE_TEST_CONTEXT;
    const tool = path.join(root, 'src/tools/package.mjs');
    const result = spawnSync(process.execPath, [tool], { cwd: root, env, encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`npm run package:\n${result.stdout}${result.stderr}`);
    return file;
  } finally {
    release();
  }
}

function newestChange(file: string): number {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...fs.readdirSync(file).map((name) => newestChange(path.join(file, name))));
}

/** The files of a zip, read from its directory at the end. */
export function zipEntries(archive: string): ZipEntry[] {
  const zip = fs.readFileSync(archive);
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06'));
  const entries: ZipEntry[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) =>
      zip.readUInt16LE(at + offset),
    ) as [number, number, number];
    const [packedBytes, header] = [zip.readUInt32LE(at + 20), zip.readUInt32LE(at + 42)];
    const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
    const packed = zip.subarray(start, start + packedBytes);
    const isDeflated = zip.readUInt16LE(at + 10) === 8;
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    entries.push({ name, bytes: () => (isDeflated ? zlib.inflateRawSync(packed) : packed) });
    at += 46 + nameLength + extraLength + commentLength;
  }
  return entries.filter(({ name }) => !name.endsWith('/'));
}
