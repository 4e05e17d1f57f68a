/**
 * Code on this machine that the bundled models may learn from: the packages this project is built with, and the standard
 * libraries of toolchains, under licences that allow it. What stands in a judged set is left out by name, and text by
 * text where the sets are at hand; nothing is fetched.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

/** A package or a standard library. */
export interface TrainingSource {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly licence: string;
  readonly folder: string;
  /** Globs of files to read, and to leave out. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** Packages whose code the judged sets hold, and those that quote them. */
const JUDGED_PACKAGES = [/^axios\b/, /^redux\b/, /^@reduxjs\//, /^zod\b/, /^@trpc\//, /^tldr\b/];

const PERMITTED = new Set([
  ...['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'CC0-1.0'],
  ...['Unlicense', 'BlueOak-1.0.0', 'Python-2.0', 'PSF-2.0'],
]);

/** True for a licence under which code may be learnt from; of "A OR B" one is enough, of "A AND B" all must be. */
export function isPermitted(licence: string): boolean {
  const plain = licence.replaceAll(/[()]/g, ' ');
  return plain
    .split(/\bOR\b/)
    .some((choice) => choice.split(/\bAND\b/).every((one) => PERMITTED.has(one.trim())));
}

/** True for a package whose code stands in a judged set. */
export function isJudged(name: string): boolean {
  return JUDGED_PACKAGES.some((pattern) => pattern.test(name));
}

const SCRIPTS = ['**/*.{js,mjs,cjs,ts,tsx,mts,cts,md}'];
const BUILT = ['**/*.min.*', '**/*.d.ts', '**/*.d.mts', '**/*.d.cts', '**/{umd,bundle,bundles}/**'];

/** Packages below a folder `node_modules`, in the order of their names. */
export function packageSources(modules: string): TrainingSource[] {
  const names = fs.existsSync(modules) ? fs.readdirSync(modules).sort() : [];
  const all = names.flatMap((name) =>
    name.startsWith('@')
      ? fs
          .readdirSync(path.join(modules, name))
          .sort()
          .map((part) => `${name}/${part}`)
      : [name],
  );
  return all.flatMap((name) => {
    const folder = path.join(modules, name);
    const manifest = readManifest(path.join(folder, 'package.json'));
    if (!manifest || isJudged(name) || !isPermitted(manifest.licence)) return [];
    return [{ ...manifest, name, folder, include: SCRIPTS, exclude: BUILT }];
  });
}

function readManifest(
  file: string,
): { readonly version: string; readonly licence: string } | undefined {
  try {
    const { version, license } = JSON.parse(fs.readFileSync(file, 'utf8')) as {
      version?: string;
      license?: string | { type?: string };
    };
    const licence = typeof license === 'string' ? license : (license?.type ?? '');
    return { version: version ?? '', licence };
  } catch {
    // A folder without a manifest is no package.
    return undefined;
  }
}

interface Toolchain {
  readonly name: string;
  readonly licence: string;
  /** Prints the version and, on the next line, the folder. */
  readonly command: readonly [string, ...string[]];
  /** Below that folder. */
  readonly below: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

const PYTHON =
  'import sys, sysconfig; print(sys.version.split()[0]); print(sysconfig.get_paths()["stdlib"])';

/** Java's library is left out: its licence does not allow this. */
const TOOLCHAINS: readonly Toolchain[] = [
  {
    ...{ name: 'python', licence: 'PSF-2.0', command: ['python3', '-c', PYTHON], below: '' },
    include: ['**/*.py'],
    exclude: ['**/{site-packages,dist-packages,test,tests,idlelib,lib2to3,ensurepip}/**'],
  },
  {
    ...{ name: 'go', licence: 'BSD-3-Clause', command: ['go', 'env', 'GOVERSION', 'GOROOT'] },
    ...{ below: 'src', include: ['**/*.go'], exclude: ['**/{testdata,vendor,cmd}/**'] },
  },
  {
    ...{ name: 'rust', licence: 'MIT OR Apache-2.0', command: ['rustc', '--print', 'sysroot'] },
    ...{ below: 'lib/rustlib/src/rust/library', include: ['**/*.rs'], exclude: ['**/tests/**'] },
  },
];

/** Standard libraries of the toolchains that are installed. */
export function toolchainSources(): TrainingSource[] {
  return TOOLCHAINS.flatMap(({ command: [program, ...rest], below, ...toolchain }) => {
    let lines: string[];
    try {
      const output = execFileSync(program, rest, { stdio: ['ignore', 'pipe', 'ignore'] });
      lines = output.toString().trim().split('\n');
    } catch {
      // Not installed here.
      return [];
    }
    const folder = path.join(lines.at(-1)!, below);
    const version = lines.length > 1 ? lines[0]! : '';
    return fs.existsSync(folder) ? [{ ...toolchain, version, folder }] : [];
  });
}

/** Texts of the judged sets, so that no copy of one is learnt from whatever it is called. */
export class JudgedTexts {
  private readonly hashes = new Set<string>();

  /** Reads `SET/corpus.jsonl` of every set below the folder; without a folder nothing is known. */
  constructor(bench: string | undefined) {
    const sets = bench !== undefined && fs.existsSync(bench) ? fs.readdirSync(bench) : [];
    for (const set of sets) {
      const file = path.join(bench!, set, 'corpus.jsonl');
      if (!fs.existsSync(file)) continue;
      for (const line of fs.readFileSync(file, 'utf8').split('\n'))
        if (line !== '') this.add((JSON.parse(line) as { text: string }).text);
    }
  }

  get count(): number {
    return this.hashes.size;
  }

  has(text: string): boolean {
    return this.hashes.has(hashOf(text));
  }

  private add(text: string): void {
    this.hashes.add(hashOf(text));
  }
}

/** Space does not make another text. */
function hashOf(text: string): string {
  return createHash('sha256').update(text.replaceAll(/\s+/g, '')).digest('base64');
}
