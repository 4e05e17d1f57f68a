/** A folder of its own for a suite, gone when the suite is. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

/** A new empty folder, without symbolic links in its path; `after` is node:test's, which removes it. */
export function temporaryFolder(after: (end: () => void) => void): string {
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'nearmiss-test-'));
  after(() => removeFolder(folder));
  return folder;
}

/** Removes a folder even when a test took the rights to its contents away. */
export function removeFolder(folder: string): void {
  try {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    giveRightsBack(folder);
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Writes files below a folder: path with `/` to content. */
export function writeFiles(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  }
}

function giveRightsBack(folder: string): void {
  fs.chmodSync(folder, 0o700);
  for (const entry of fs.readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) giveRightsBack(path.join(folder, entry.name));
}
