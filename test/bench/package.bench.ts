/** `npm run bench -- package`: what the VSIX for this platform weighs, unpacked and proved by indexing and searching with it. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { runCli, stopEngine } from '../support/product';
import { packedVsix, zipEntries } from '../support/vsix';
import { note, report } from './report';

async function main(): Promise<void> {
  const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-bench-'));
  try {
    const vsix = await packedVsix();
    const entries = zipEntries(vsix);
    for (const { name, bytes } of entries) {
      const file = path.join(stage, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, bytes());
    }
    await prove(path.join(stage, 'extension'));
    const unpacked = entries.reduce((sum, { bytes }) => sum + bytes().length, 0);
    report('package', [
      {
        label: `VSIX, ${process.platform}-${process.arch}`,
        value: fs.statSync(vsix).size / 1e6,
        unit: 'MB',
        atMost: 75,
      },
      { label: 'unpacked', value: unpacked / 1e6, unit: 'MB' },
      { label: 'files', value: entries.length, digits: 0 },
    ]);
  } finally {
    fs.rmSync(stage, { recursive: true, force: true });
  }
}

/** Indexes and searches with the unpacked files alone. */
async function prove(stage: string): Promise<void> {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-bench-'));
  const dataFolder = path.join(work, 'data');
  fs.mkdirSync(path.join(work, 'code'));
  fs.writeFileSync(path.join(work, 'code/a.ts'), 'export function paintWall(): void {}\n');
  const at = ['--data', dataFolder];
  const cli = path.join(stage, 'dist/cli.js');
  const index = await runCli(['index', path.join(work, 'code'), '--wait', ...at], { cli });
  const search = await runCli(
    ['search', 'how to paint', '--folder', path.join(work, 'code'), '--json', ...at],
    { cli },
  );
  await stopEngine(dataFolder);
  fs.rmSync(work, { recursive: true, force: true });
  if (index.status !== 0 || !search.stdout.includes('paintWall'))
    throw new Error(`The packed files do not run: ${index.stderr}${search.stderr}`);
  note('the packed files index and search');
}

void main();
