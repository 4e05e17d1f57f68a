/**
 * A set of our own that no weight was found on: what a package says it is for (`description`) asks for its README
 * among those of all installed packages, from which that sentence was taken out. Prose with code in it, as
 * documentation is. The packages are the locked ones, so that the set is the same wherever they are installed.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { benchCache, makeSet, type QualitySet, type SetQuery } from './quality';

/** Shorter sentences name a thing instead of saying what it does. */
const LEAST_WORDS = 5;
const LONGEST_README = 20_000;

interface Package {
  readonly name: string;
  readonly description: string;
  readonly readme: string;
}

export async function loadReadmes(): Promise<QualitySet> {
  const dir = benchCache('sets', 'docs-readmes', 'tree');
  const packages = installedPackages();
  fs.rmSync(dir, { recursive: true, force: true });
  const map: string[] = [];
  const qrels = ['query-id\tcorpus-id\tscore'];
  const queries: SetQuery[] = [];
  for (const { name, description, readme } of packages) {
    // The name would give the answer away.
    const file = `${String(map.length).padStart(4, '0')}.md`;
    fs.mkdirSync(dir, { recursive: true });
    fs.writeFileSync(path.join(dir, file), readme);
    map.push(`${file}\t\t${name}`);
    if (description.split(/\s+/).length < LEAST_WORDS) continue;
    queries.push({ id: name, text: description, scope: '' });
    qrels.push(`${name}\t${name}\t1`);
  }
  const texts = { qrels: `${qrels.join('\n')}\n`, map: `${map.join('\n')}\n` };
  return makeSet('docs-readmes', [{ scope: '', dir }], queries, texts);
}

/** Each package once, by name; families of packages that share a README count once. */
function installedPackages(): Package[] {
  const root = path.join(installationRoot(), 'node_modules');
  const seen = new Set<string>();
  return fs
    .readdirSync(root)
    .flatMap((name) =>
      name.startsWith('@')
        ? fs.readdirSync(path.join(root, name)).map((part) => `${name}/${part}`)
        : [name],
    )
    .sort()
    .flatMap((name) => {
      const found = readPackage(path.join(root, name), name);
      if (!found || seen.has(found.description) || seen.has(found.readme)) return [];
      seen.add(found.description).add(found.readme);
      return [found];
    });
}

function readPackage(folder: string, name: string): Package | undefined {
  const manifest = path.join(folder, 'package.json');
  if (!fs.existsSync(manifest)) return undefined;
  const { description = '' } = JSON.parse(fs.readFileSync(manifest, 'utf8')) as {
    description?: string;
  };
  const file = fs.readdirSync(folder).find((entry) => /^readme\.(?:md|markdown)$/i.test(entry));
  if (!file || description === '') return undefined;
  const said = plain(description);
  const lines = fs
    .readFileSync(path.join(folder, file), 'utf8')
    .slice(0, LONGEST_README)
    .split('\n');
  const readme = lines.filter((line) => !plain(line).includes(said)).join('\n');
  return readme.trim().length < 200 ? undefined : { name, description, readme };
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, ' ')
    .trim();
}
