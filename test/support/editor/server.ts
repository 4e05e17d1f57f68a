/** One code-server with the packed extension, in folders of its own, as a process group that can be ended as a whole. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { EditorInstallation } from './install';

const startWithinMs = 120_000;
const endWithinMs = 30_000;

export interface ServerOptions {
  readonly installation: EditorInstallation;
  /** Packed extensions, installed in this order. */
  readonly extensions: readonly string[];
  /** Holds home, temporary files, extensions, user data and the product's data folder. */
  readonly world: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Variables of the server and all below it. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Changes what was installed, in the folder of extensions. */
  readonly onInstalled?: (extensionsFolder: string) => Promise<void>;
  /** Starts with the question whether the authors are trusted. */
  readonly isTrustAsked?: boolean;
  /** Display language, "ja"; the editor's own words stay English, for a language pack cannot be had offline. */
  readonly language?: string;
  /** Records the system calls of the server and everything below it. */
  readonly strace?: { readonly calls: string; readonly file: string };
}

export interface EditorServer {
  readonly address: string;
  readonly dataFolder: string;
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

/** Settings that keep what is not ours out of the picture. */
const quietSettings = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.colorTheme': 'Dark Modern',
  'workbench.tips.enabled': false,
  // Pictures show lists, not how they come.
  'workbench.reduceMotion': 'on',
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'git.enabled': false,
  'files.autoSave': 'off',
  'extensions.ignoreRecommendations': true,
  'extensions.autoCheckUpdates': false,
  'typescript.disableAutomaticTypeAcquisition': true,
  'window.autoDetectColorScheme': false,
};

/** Installs the extension and starts the server. */
export async function startServer(options: ServerOptions): Promise<EditorServer> {
  const { installation, extensions, world, strace } = options;
  const dataFolder = path.join(world, 'data');
  const env = { ...worldEnvironment(world, dataFolder), ...options.environment };
  writeSettings(world, options.settings ?? {});
  const folders = [
    ...['--extensions-dir', path.join(world, 'extensions')],
    ...['--user-data-dir', path.join(world, 'user')],
    ...['--config', path.join(world, 'config.yaml')],
  ];
  const { node, codeServer } = installation;
  for (const vsix of extensions) {
    const install = [codeServer, '--install-extension', vsix, ...folders];
    const installed = spawnSync(node, install, { env, encoding: 'utf8' });
    if (installed.status !== 0) throw new Error(`install: ${installed.stdout}${installed.stderr}`);
  }
  await options.onInstalled?.(path.join(world, 'extensions'));
  if (options.language) writeLanguagePack(world, options.language);
  const command = [
    ...(strace
      ? ['strace', '-f', '-qq', '-s', '300', '-e', `trace=${strace.calls}`, '-o', strace.file]
      : []),
    ...[node, codeServer, ...folders, '--auth', 'none', '--bind-addr', '127.0.0.1:0'],
    ...['--disable-telemetry', '--disable-update-check'],
    ...(options.isTrustAsked ? [] : ['--disable-workspace-trust']),
    ...(options.language ? ['--locale', options.language] : []),
  ];
  const child = spawn(command[0] ?? '', command.slice(1), {
    env,
    cwd: world,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => {
      log += bytes.toString();
    });
  const address = await listening(child, () => log);
  return { address, dataFolder, log: () => log, stop: () => endGroup(child) };
}

/** An environment without anything of the person who runs the tests. */
function worldEnvironment(world: string, dataFolder: string): NodeJS.ProcessEnv {
  const folders = {
    HOME: 'home',
    TMPDIR: 'tmp',
    XDG_CONFIG_HOME: 'home/.config',
    XDG_CACHE_HOME: 'home/.cache',
    XDG_DATA_HOME: 'home/.local/share',
    XDG_RUNTIME_DIR: 'run',
  };
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    NEARMISS_HOME: dataFolder,
  };
  for (const [name, folder] of Object.entries(folders)) {
    env[name] = path.join(world, folder);
    fs.mkdirSync(path.join(world, folder), { recursive: true, mode: 0o700 });
  }
  return env;
}

function writeSettings(world: string, settings: Readonly<Record<string, unknown>>): void {
  fs.writeFileSync(path.join(world, 'config.yaml'), 'cert: false\n');
  const text = JSON.stringify({ ...quietSettings, ...settings }, null, 2);
  // Settings of machine scope are read from the second place alone.
  for (const place of ['User', 'Machine']) {
    fs.mkdirSync(path.join(world, 'user', place), { recursive: true });
    fs.writeFileSync(path.join(world, 'user', place, 'settings.json'), text);
  }
}

/** An empty language pack: the editor takes a display language only when it has one. */
function writeLanguagePack(world: string, language: string): void {
  const user = path.join(world, 'user');
  const translations = path.join(user, 'noTranslations.json');
  fs.writeFileSync(translations, JSON.stringify({ version: '1.0.0', contents: {} }));
  const extension = { extensionIdentifier: { id: `test.language-${language}` }, version: '1.0.0' };
  const pack = {
    hash: 'none',
    label: language,
    extensions: [extension],
    translations: { vscode: translations },
  };
  fs.writeFileSync(path.join(user, 'languagepacks.json'), JSON.stringify({ [language]: pack }));
}

function listening(child: ChildProcess, log: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const stop = (action: () => void): void => {
      clearTimeout(timer);
      child.stdout?.off('data', look);
      action();
    };
    const timer = setTimeout(
      () => stop(() => reject(new Error(`code-server does not listen:\n${log()}`))),
      startWithinMs,
    );
    const look = (): void => {
      const address = /HTTP server listening on (http:\/\/[^\s/]+)/.exec(log())?.[1];
      if (address) stop(() => resolve(address));
    };
    child.stdout?.on('data', look);
    child.once('exit', (code) =>
      stop(() => reject(new Error(`code-server ended (${code}):\n${log()}`))),
    );
  });
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || !child.pid) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  process.kill(-child.pid, 'SIGTERM');
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), endWithinMs);
  await ended;
  clearTimeout(timer);
}
