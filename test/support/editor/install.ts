/**
 * Which editor the end-to-end tests run in: code-server, the workbench and extension host of VS Code with a browser as
 * its window, on a Node of its own. It is installed when missing into an ignored folder named after both versions
 * (740 MB, under two minutes), because the desktop editor cannot be had from a package registry.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../../src/base/installation';

/** code-server 4.139.1 is VS Code 1.139.1, whose extension host runs on Node 24. */
const codeServerVersion = '4.139.1';
const nodeVersion = '24.21.0';

export interface EditorInstallation {
  /** The Node that code-server runs on; never the system's. */
  readonly node: string;
  /** code-server's entry, to be run by `node`. */
  readonly codeServer: string;
}

/** Installs what is missing. */
export function installEditor(): EditorInstallation {
  const name = `editor-${codeServerVersion}-node-${nodeVersion}`;
  const folder = path.join(installationRoot(), '.cache', name);
  const packages = path.join(folder, 'node_modules');
  if (!fs.existsSync(path.join(folder, 'complete'))) installPackages(folder);
  return {
    node: path.join(packages, 'node/bin/node'),
    codeServer: path.join(packages, 'code-server/out/node/entry.js'),
  };
}

function installPackages(folder: string): void {
  console.error(`Installing code-server ${codeServerVersion} into ${folder}, about a minute`);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ name: 'editor', private: true, allowScripts: { node: true } }),
  );
  const workbench = path.join(folder, 'node_modules/code-server/lib/vscode');
  npm(folder, 'install', `node@${nodeVersion}`);
  npm(folder, 'install', '--ignore-scripts', `code-server@${codeServerVersion}`);
  npm(workbench, 'install', '--omit=dev', '--ignore-scripts');
  npm(path.join(workbench, 'extensions'), 'install', '--omit=dev', '--ignore-scripts');
  // Without this logger's addon no log is written, output channels included.
  npm(workbench, 'rebuild', '@vscode/spdlog');
  fs.writeFileSync(path.join(folder, 'complete'), '');
}

function npm(cwd: string, ...args: string[]): void {
  const result = spawnSync('npm', [...args, '--no-audit', '--no-fund', '--no-progress'], {
    cwd,
    encoding: 'utf8',
    env: environmentOfNobody(),
  });
  if (result.status === 0) return;
  throw new Error(
    `npm ${args.join(' ')} failed in ${cwd}:\n${(result.stdout + result.stderr).slice(-3000)}`,
  );
}

/** The outer npm's settings (`npm_config_*`) would leak into the inner one. */
function environmentOfNobody(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(npm_|NODE_TEST_CONTEXT$|INIT_CWD$)/i.test(name),
    ),
  );
}

/** Debian's Chromium, or what NEARMISS_CHROMIUM names; installed with apt-get where that is allowed, else a sentence. */
export function findChromium(): string {
  const candidates = [
    process.env.NEARMISS_CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
  ];
  const find = (): string | undefined => candidates.find((file) => file && fs.existsSync(file));
  const found = find() ?? (canInstall() ? (aptGet('chromium'), find()) : undefined);
  if (found) return found;
  throw new Error(
    'The end-to-end tests need Chromium: install it (apt-get install chromium) or name one in NEARMISS_CHROMIUM',
  );
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && fs.existsSync('/usr/bin/apt-get');
}

function aptGet(name: string): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const run = (...args: string[]): void => {
    spawnSync('apt-get', ['-q', ...args], { env, stdio: 'ignore' });
  };
  run('update');
  run('install', '-y', '--no-install-recommends', name);
}
