/** Where the product's own files are: models and grammars beside the bundled code. */
import * as fs from 'node:fs';
import * as path from 'node:path';

/** The folder that holds our package.json, found upward from the running bundle. */
export function installationRoot(from: string = __dirname): string {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json');
    if (fs.existsSync(manifest) && readName(manifest) === 'nearmiss') return folder;
    if (path.dirname(folder) === folder) return from;
  }
}

/** The version in our package.json, "0.0.0" when it cannot be read. */
export function productVersion(root: string = installationRoot()): string {
  try {
    const manifest: unknown = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
    return (manifest as { version?: string }).version ?? '0.0.0';
  } catch {
    return '0.0.0';
  }
}

function readName(manifest: string): string | undefined {
  try {
    return (JSON.parse(fs.readFileSync(manifest, 'utf8')) as { name?: string }).name;
  } catch {
    return undefined;
  }
}
