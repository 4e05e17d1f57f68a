/**
 * An extension of ours beside the product that measures how long the extension host's thread computes without a pause:
 * processor time of the thread between two turns of a timer, so that other processes on the machine do not count.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../../src/base/installation';

/** The host loads every extension in its first seconds. */
const startingMs = 10_000;

export interface Blocks {
  /** Longest blocks, in milliseconds of processor time. */
  readonly whileStartingMs: number;
  readonly afterStartMs: number;
}

const source = `
const fs = require('node:fs');
const path = require('node:path');
exports.activate = () => {
  const start = performance.now();
  const blocks = { whileStartingMs: 0, afterStartMs: 0 };
  let cpu = process.threadCpuUsage();
  const tick = () => {
    const spent = process.threadCpuUsage(cpu);
    const phase = performance.now() - start < ${startingMs} ? 'whileStartingMs' : 'afterStartMs';
    blocks[phase] = Math.max(blocks[phase], (spent.user + spent.system) / 1000);
    cpu = process.threadCpuUsage();
    setTimeout(tick, 1);
  };
  tick();
  const file = path.join(process.env.HOME, 'blocks.json');
  setInterval(() => fs.writeFile(file, JSON.stringify(blocks), () => undefined), 500);
};
`;
const manifest = {
  name: 'block-meter',
  publisher: 'test',
  version: '1.0.0',
  engines: { vscode: '^1.104.0' },
  main: './extension.js',
  activationEvents: ['*'],
  extensionKind: ['workspace'],
};

/** Path of the packed extension. */
export function blockMeter(): string {
  const root = installationRoot();
  const folder = path.join(root, 'dist/test/blockMeter');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'extension.js'), source);
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  const file = `${folder}.vsix`;
  const vsce = path.join(root, 'node_modules/@vscode/vsce/vsce');
  const quiet = ['--allow-missing-repository', '--skip-license', '--no-dependencies'];
  const result = spawnSync(process.execPath, [vsce, 'package', ...quiet, '--out', file], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`vsce:\n${result.stdout}${result.stderr}`);
  return file;
}

/** What it has measured so far in a world of that folder. */
export function blocksOf(worldFolder: string): Blocks {
  return JSON.parse(fs.readFileSync(path.join(worldFolder, 'home/blocks.json'), 'utf8')) as Blocks;
}
