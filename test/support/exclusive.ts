/** One at a time, across the processes of the test run: what packs, what needs a whole machine. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';

/** Waits until nobody else holds the name; the returned function lets it go. A holder that died counts as gone. */
export async function takeExclusively(name: string): Promise<() => void> {
  const file = path.join(installationRoot(), 'dist', `${name}.lock`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  while (!takeNow(file)) await new Promise((resolve) => setTimeout(resolve, 200));
  return () => fs.rmSync(file, { force: true });
}

function takeNow(file: string): boolean {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (!isHeld(file)) fs.rmSync(file, { force: true });
    return false;
  }
}

function isHeld(file: string): boolean {
  try {
    process.kill(Number(fs.readFileSync(file, 'utf8')) || process.pid, 0);
    return true;
  } catch {
    return false; // the holder is gone, or it let go just now
  }
}
