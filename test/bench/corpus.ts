/**
 * Folders of real source code to index, made from the packages that are installed anyway: the same files in the
 * same order wherever the lock file is the same, and no two pieces alike.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { seededRandom, shuffle } from '../../src/base/random';
import { benchCache } from './quality';

const extensions = new Set(['.ts', '.js', '.mjs', '.cjs', '.c', '.cc', '.cpp', '.h', '.md']);
/** Files above this are bundles; lines above this are minified. */
const largestSourceBytes = 2_000_000;
const longestLine = 400;

export interface CorpusFile {
  /** Relative path with `/`. */
  readonly path: string;
  readonly text: string;
}

/** `fileCount` files of together about `totalBytes`, cut from the sources at line ends and drawn at random. */
export function makeCorpus(fileCount: number, totalBytes: number): CorpusFile[] {
  const random = seededRandom(fileCount);
  // The last piece of a source is short: a little more for the others.
  const meanBytes = (1.06 * totalBytes) / fileCount;
  const seen = new Set<string>();
  const files = sourceFiles().flatMap((source) =>
    pieces(readLines(source), () => meanBytes * (0.2 + 1.6 * random()))
      .map((text, part) => ({ path: partPath(source, part), text }))
      .filter(({ text }) => isNew(seen, text)),
  );
  return shuffle(files, random).slice(0, fileCount);
}

/** The corpus as files below .cache, written once. */
export function corpusFolder(fileCount: number, totalBytes: number): string {
  const folder = benchCache(`corpus-${fileCount}`);
  const marker = `${folder}.done`;
  if (fs.existsSync(marker)) return folder;
  fs.rmSync(folder, { recursive: true, force: true });
  for (const { path: name, text } of makeCorpus(fileCount, totalBytes)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
  fs.writeFileSync(marker, '');
  return folder;
}

function isNew(seen: Set<string>, text: string): boolean {
  const digest = createHash('sha256').update(text).digest('base64');
  const sizeBefore = seen.size;
  return seen.add(digest).size > sizeBefore;
}

/** Folders that ignore rules of this repository would leave out get other names. */
function partPath(source: string, part: number): string {
  const extension = path.extname(source);
  const name = source
    .slice(0, -extension.length)
    .replaceAll(/(?<=^|\/)(dist|node_modules)(?=\/)/g, 'in_$1');
  return `${name}${part === 0 ? '' : `.part${part}`}${extension}`;
}

function pieces(lines: readonly string[], nextBytes: () => number): string[] {
  const out: string[] = [];
  let current: string[] = [];
  let bytes = 0;
  let targetBytes = nextBytes();
  for (const line of lines) {
    current.push(line);
    bytes += line.length + 1;
    if (bytes < targetBytes) continue;
    out.push(`${current.join('\n')}\n`);
    current = [];
    bytes = 0;
    targetBytes = nextBytes();
  }
  return out;
}

function readLines(source: string): string[] {
  const text = fs.readFileSync(path.join(installationRoot(), 'node_modules', source), 'utf8');
  return text.split('\n').filter((line) => line.length <= longestLine);
}

function sourceFiles(): string[] {
  const root = path.join(installationRoot(), 'node_modules');
  return fs
    .readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => extensions.has(path.extname(file)))
    .filter((file) => {
      const stat = fs.statSync(path.join(root, file));
      return stat.isFile() && stat.size <= largestSourceBytes;
    })
    .sort();
}
