/**
 * A world for one test file: a workspace, an editor with the packed extension on it, a browser, all in a folder of
 * their own. Files that use one run one after another. What goes wrong leaves a picture and the logs in test-results/,
 * and a process of ours that outlives the world fails its file.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { installationRoot } from '../../../src/base/installation';
import { EngineClient } from '../../../src/clients/engineClient';
import type { SearchResult } from '../../../src/protocol/types';
import { takeExclusively } from '../exclusive';
import { processesUsing } from '../processes';
import { type CliResult, runCli, stopEngine } from '../product';
import { removeFolder } from '../temporaryFolder';
import { writeToyModels } from '../toyInstallation';
import { packedVsix } from '../vsix';
import { type EditorInstallation, findChromium, installEditor } from './install';
import { copyIndexedData, copySample } from './sample';
import { type EditorServer, startServer } from './server';
import { patienceMs, Workbench } from './workbench';

interface Around {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface WorldOptions {
  /** Name of its pictures and logs. */
  readonly name: string;
  /** Starts with the sample's index already made, as if the folder had been open yesterday. */
  readonly isIndexed: boolean;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Settings and variables that are only known when the world starts: those that name a port. */
  readonly around?: () => Promise<Around>;
  /** Models of a few numbers in place of the product's: everything goes its way in a hundredth of the time. */
  readonly hasToyModels?: boolean;
  readonly isTrustAsked?: boolean;
  /** Display language; English without. */
  readonly language?: string;
  /** System calls to record of the server and all below it, into `strace.txt`. */
  readonly traced?: string;
  /** Changes the workspace and the data folder before the editor sees them. */
  readonly prepare?: (world: {
    workspace: string;
    dataFolder: string;
    folder: string;
  }) => void | Promise<void>;
  /** Makes workspace and data folder in place of the sample's. */
  readonly fill?: (world: { workspace: string; dataFolder: string }) => Promise<void>;
  /** Packed extensions beside the product. */
  readonly extensions?: readonly string[];
  /** Leaves the product out, to compare with. */
  readonly isBare?: boolean;
  /** What the window opens instead of the workspace folder, relative to the world: a folder or a workspace file. */
  readonly opens?: string;
}

/** On other systems there is no code-server of the kind that is tested here. */
const notHere =
  process.platform === 'linux'
    ? false
    : 'the editor tests run on Linux, where code-server and Chromium can be had';

export class World {
  readonly windows: Workbench[] = [];
  /** Errors and violations that a page reported, with where. */
  readonly complaints: string[] = [];
  /** When the first window began to open, by `performance.now()`. */
  openedAtMs = NaN;
  private readonly clients: EngineClient[] = [];
  private browser: Browser | undefined;
  private server: EditorServer | undefined;

  constructor(
    readonly folder: string,
    readonly options: WorldOptions,
  ) {}

  get workspace(): string {
    return path.join(this.folder, 'sample');
  }

  get dataFolder(): string {
    return path.join(this.folder, 'data');
  }

  get stracePath(): string {
    return path.join(this.folder, 'strace.txt');
  }

  /** The window opened first. */
  get window(): Workbench {
    const [window] = this.windows;
    assert.ok(window, 'no window is open');
    return window;
  }

  async start(installation: EditorInstallation, vsix: string): Promise<void> {
    const { workspace, dataFolder } = this;
    await (this.options.fill ?? this.fillWithSample.bind(this))({ workspace, dataFolder });
    await this.options.prepare?.({
      workspace: this.workspace,
      dataFolder: this.dataFolder,
      folder: this.folder,
    });
    const { isTrustAsked, language, traced, isBare, hasToyModels } = this.options;
    const { environment, ...around } = (await this.options.around?.()) ?? {};
    const settings = { ...this.options.settings, ...around.settings };
    const onInstalled = hasToyModels ? () => this.exchangeModels() : undefined;
    const extensions = [...(isBare ? [] : [vsix]), ...(this.options.extensions ?? [])];
    const strace = traced ? { calls: traced, file: this.stracePath } : undefined;
    const world = this.folder;
    const product = { settings, environment, onInstalled, isTrustAsked, language };
    this.server = await startServer({ installation, extensions, world, strace, ...product });
    this.browser = await chromium.launch({
      executablePath: findChromium(),
      args: browserArguments,
      timeout: patienceMs,
      env: {
        ...process.env,
        HOME: path.join(world, 'home'),
        TMPDIR: path.join(world, 'tmp'),
      } as Record<string, string>,
    });
    this.openedAtMs = performance.now();
    await this.openWindow();
  }

  private async fillWithSample(): Promise<void> {
    copySample(this.workspace);
    if (this.options.isIndexed) await copyIndexedData(this.dataFolder, this.workspace);
    else fs.mkdirSync(this.dataFolder, { mode: 0o700 });
  }

  /** One more window on the same server; waits until the extension shows itself in its status bar. */
  async openWindow(): Promise<Workbench> {
    assert.ok(this.browser && this.server);
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 } });
    await context.addInitScript(
      `document.addEventListener('securitypolicyviolation', (e) => console.error('CSP violation: ' + e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sourceFile));`,
    );
    const page = await context.newPage();
    page.setDefaultTimeout(patienceMs);
    this.listen(page);
    const opens = path.join(this.folder, this.options.opens ?? 'sample');
    const kind = opens.endsWith('.code-workspace') ? 'workspace' : 'folder';
    await page.goto(`${this.server.address}/?${kind}=${opens}`);
    const window = new Workbench(page);
    this.windows.push(window);
    await (this.options.isBare ? window.opened() : window.ready());
    return window;
  }

  /** The same question through the command line of the installed extension, re-ranked by a fixed number of candidates. */
  async ask(query: string, ...options: string[]): Promise<SearchResult['hits']> {
    const { stdout, stderr } = await this.cli(
      'search',
      query,
      '--folder',
      this.workspace,
      '--json',
      ...options,
    );
    assert.equal(stderr, '');
    return (JSON.parse(stdout) as SearchResult).hits;
  }

  /** The installed extension's own command line; another build's would displace the engine. */
  async cli(...args: string[]): Promise<CliResult> {
    const cli = path.join(this.installed(), 'dist/cli.js');
    return runCli([...args, '--data', this.dataFolder], { cli });
  }

  /** A client of the window's engine, beside the window. */
  client(): EngineClient {
    const engineFile = path.join(this.installed(), 'dist/engine.js');
    const client = new EngineClient({ dataFolder: this.dataFolder, engineFile, client: 'test' });
    this.clients.push(client);
    return client;
  }

  /** Where the editor has put the product. */
  private installed(): string {
    const extensions = path.join(this.folder, 'extensions');
    const own = fs.readdirSync(extensions).find((name) => name.startsWith('nearmiss.'));
    assert.ok(own, 'the product is not installed');
    return path.join(extensions, own);
  }

  private async exchangeModels(): Promise<void> {
    const models = path.join(this.installed(), 'models');
    fs.rmSync(models, { recursive: true });
    await writeToyModels(models);
  }

  private listen(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error')
        this.complaints.push(`${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.complaints.push(`${error.message}\n${error.stack}`));
  }

  /** Pictures of every window, what the pages and the server said, our own log. */
  async keepEvidence(name: string): Promise<void> {
    const folder = path.join(installationRoot(), 'test-results', 'failed', name);
    fs.mkdirSync(folder, { recursive: true });
    for (const [index, { page }] of this.windows.entries())
      await page
        .screenshot({ path: path.join(folder, `window-${index + 1}.png`) })
        .catch(() => undefined);
    fs.writeFileSync(path.join(folder, 'pages.txt'), this.complaints.join('\n'));
    fs.writeFileSync(path.join(folder, 'server.txt'), this.server?.log() ?? '');
    for (const [from, to] of [
      [path.join(this.folder, 'user/logs'), 'editor-logs'],
      [path.join(this.dataFolder, 'log'), 'engine-logs'],
    ] as const)
      if (fs.existsSync(from)) fs.cpSync(from, path.join(folder, to), { recursive: true });
  }

  /** What every window shows, in words, and the last things that pages and our log said. */
  async seen(): Promise<string> {
    const windows = await Promise.all(this.windows.map((window) => window.seen()));
    const last = (name: string, lines: readonly string[]): string =>
      [`${name}:`, ...lines.slice(-12)].join('\n  ');
    return [
      ...windows.map((text, index) => `Window ${index + 1}\n${text}`),
      last('Console', this.complaints),
      last('Log', this.ownLog().trim().split('\n')),
    ].join('\n');
  }

  /** What the extension has written to its output channel. */
  ownLog(): string {
    const logs = path.join(this.folder, 'user/logs');
    return fs
      .readdirSync(logs, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('Nearmiss.log'))
      .map((name) => fs.readFileSync(path.join(logs, name), 'utf8'))
      .join('\n');
  }

  async stop(): Promise<void> {
    this.clients.forEach((client) => client.dispose());
    await this.browser?.close();
    await this.server?.stop();
    await stopEngine(this.dataFolder);
    // The server's children end after it.
    const end = performance.now() + patienceMs;
    while (processesUsing(this.folder).length > 0 && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 100));
    const left = processesUsing(this.folder).map(({ pid, command }) => `${pid} ${command}`);
    removeFolder(this.folder);
    assert.deepEqual(left, [], 'processes outlived their editor');
  }
}

/** A flow takes 15 to 40 s; several lost key presses and slow starts fit as well. */
const flowWithinMs = 600_000;
const browserArguments = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
];

/** The world of a test file; it exists while its tests run. */
export function useWorld(options: WorldOptions): () => World {
  let world: World | undefined;
  let release: (() => void) | undefined;
  before(async () => {
    if (notHere) return;
    release = await takeExclusively('editor');
    const installation = installEditor();
    const vsix = await packedVsix();
    const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'editor-test-'));
    world = new World(folder, options);
    try {
      await world.start(installation, vsix);
    } catch (error) {
      throw await withEvidence(world, options.name, error);
    }
  });
  after(async () => {
    try {
      await world?.stop();
    } finally {
      release?.();
    }
  });
  return () => {
    assert.ok(world, 'the world did not start');
    return world;
  };
}

/** One flow of a person through the editor; evidence is kept when it fails. */
export function flow(
  name: string,
  getWorld: () => World,
  walk: (world: World) => Promise<void>,
): void {
  test(name, { skip: notHere, timeout: flowWithinMs }, async () => {
    const world = getWorld();
    try {
      await walk(world);
    } catch (error) {
      const place = `${world.options.name}-${name.replaceAll(/\W+/g, '-').slice(0, 60)}`;
      throw await withEvidence(world, place, error);
    }
  });
}

/** The error with what was seen when it came; pictures and logs go to test-results/. */
async function withEvidence(world: World, place: string, error: unknown): Promise<Error> {
  await world.keepEvidence(place);
  const seen = await world.seen().catch((reason: unknown) => String(reason));
  const said = error instanceof Error ? error.message : String(error);
  return new Error(`${said}\n${seen}\nPictures and logs: test-results/failed/${place}`, {
    cause: error,
  });
}
