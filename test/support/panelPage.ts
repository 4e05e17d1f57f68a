/**
 * The built panel in a browser, with the page and policy that the editor would give it and a stand-in for the
 * editor's side: what the panel says is written down, what the host says is sent by the test.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { installationRoot } from '../../src/base/installation';
import { panelHtml } from '../../src/clients/extension/panelHtml';
import {
  type HostMessage,
  type PanelHit,
  type PanelMessage,
  type PanelOptions,
  type PanelStatus,
  parsePanelMessage,
} from '../../src/protocol/panelMessages';
import { panelStrings } from '../../src/protocol/panelStrings';
import { editorThemes, type ThemeName } from './editorThemes';

const origin = 'https://panel.test';
/** Longest wait for a fact, on a busy machine. */
const patienceMs = 60_000;
const root = installationRoot();
const axeSource = fs.readFileSync(path.join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');
/** Rules about whole pages: a panel is a part of one. */
const pageRules = [
  'document-title',
  'html-has-lang',
  'landmark-one-main',
  'page-has-heading-one',
  'region',
];

export interface PanelPageOptions {
  readonly theme?: ThemeName;
  readonly width?: number;
  readonly height?: number;
  /** Like zooming the editor. */
  readonly zoom?: number;
  readonly reducedMotion?: boolean;
  readonly options?: Partial<PanelOptions>;
}

export class PanelPage {
  private constructor(readonly page: Page) {}

  /** Opens the panel and greets it as the host does. */
  static async open(browser: Browser, given: PanelPageOptions = {}): Promise<PanelPage> {
    const zoom = given.zoom ?? 1;
    const page = await browser.newPage({
      viewport: {
        width: Math.round((given.width ?? 340) / zoom),
        height: Math.round((given.height ?? 720) / zoom),
      },
      deviceScaleFactor: zoom,
      reducedMotion: given.reducedMotion ? 'reduce' : 'no-preference',
    });
    page.setDefaultTimeout(patienceMs);
    await page.route('**/*', (route) => route.fulfill(fileFor(new URL(route.request().url()))));
    await page.addInitScript({ path: path.join(root, 'test/support/panelStandIn.js') });
    await page.goto(`${origin}/`);
    const panel = new PanelPage(page);
    await panel.applyTheme(given.theme ?? 'dark');
    await panel.greet(given.options);
    return panel;
  }

  async greet(options: Partial<PanelOptions> = {}): Promise<void> {
    await this.call('untilReady');
    await this.say({ type: 'options', options: { ...plainOptions, ...options } });
    await this.say({ type: 'status', status: readyStatus });
  }

  /** Sends a message as the host would and lets the panel paint. */
  async say(message: HostMessage): Promise<void> {
    await this.call('say', message);
  }

  /** What the panel has said so far; each message is one that the host accepts. */
  async said(): Promise<PanelMessage[]> {
    const raw = await this.page.evaluate<unknown[]>('standIn.said');
    return raw.map((value) => {
      const message = parsePanelMessage(value);
      assert.ok(message, `not a message: ${JSON.stringify(value)}`);
      return message;
    });
  }

  /** Messages of one type, in order. */
  async saidOf<T extends PanelMessage['type']>(
    type: T,
  ): Promise<Extract<PanelMessage, { type: T }>[]> {
    const all = await this.said();
    return all.filter((message) => message.type === type) as Extract<PanelMessage, { type: T }>[];
  }

  /** Types a question, waits for the search and answers it. */
  async ask(query: string, hits: readonly PanelHit[], more: Partial<Answer> = {}): Promise<void> {
    await this.box.fill(query);
    await this.answer(hits, more);
  }

  /** Answers the newest search once the panel has asked for the re-ranked answer. */
  async answer(hits: readonly PanelHit[], more: Partial<Answer> = {}): Promise<void> {
    await this.call('untilFinalAsked');
    await this.sayResults(hits, more);
  }

  /** Another answer to the newest search. */
  async sayResults(hits: readonly PanelHit[], more: Partial<Answer> = {}): Promise<void> {
    const ticket = await this.ticket();
    await this.say({
      type: 'results',
      ticket,
      stage: 'final',
      hits: [...hits],
      noGoodMatch: false,
      notes: [],
      mayHaveMore: false,
      tookMs: 5,
      ...more,
    });
  }

  /** Waits until the panel has said something of that type. */
  untilSaid(type: PanelMessage['type']): Promise<void> {
    return this.call('untilSaid', type);
  }

  /** Waits until the panel has kept its state as it is on the screen. */
  untilKept(): Promise<void> {
    return this.call('untilKept');
  }

  /** Accessible name of what has the focus. */
  focusedName(): Promise<string | null> {
    return this.call('focusedName');
  }

  /** Ticket of the newest search. */
  async ticket(): Promise<number> {
    return (await this.saidOf('search')).at(-1)?.ticket ?? 0;
  }

  get box(): Locator {
    return this.page.getByRole('searchbox', { name: panelStrings.searchLabel });
  }

  get hits(): Locator {
    return this.page.getByRole('list', { name: panelStrings.hits }).getByRole('listitem');
  }

  hit(name: string): Locator {
    return this.page.getByRole('listitem', { name: new RegExp(`^src/${name}\\.ts:`) });
  }

  /** Names of the hits from top to bottom as they lie on the screen, whatever the document says. */
  async order(): Promise<string> {
    const rows = await this.rows();
    return rows.map(({ name }) => /(\w+)\.ts/.exec(name)?.[1] ?? name).join(' ');
  }

  /** Faults that axe calls serious or critical. */
  async seriousFaults(): Promise<string[]> {
    await this.page.evaluate(axeSource);
    return this.call('faults', pageRules);
  }

  /** Each row's place on the screen, from top to bottom. */
  rows(): Promise<{ top: number; bottom: number; name: string }[]> {
    return this.call('rows');
  }

  /** What sticks out of the panel sideways. */
  overflowing(): Promise<string[]> {
    return this.call('overflowing');
  }

  applyTheme(theme: ThemeName): Promise<void> {
    return this.call('applyTheme', editorThemes[theme]);
  }

  /** Nothing against the policy, no script error: holds at the end of every test. */
  async checkClean(): Promise<void> {
    const bad = '({ violations: standIn.violations, errors: standIn.errors })';
    assert.deepEqual(await this.page.evaluate(bad), { violations: [], errors: [] });
  }

  /** A picture below test-results/panel. */
  async picture(name: string): Promise<void> {
    const folder = path.join(root, 'test-results/panel');
    fs.mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: path.join(folder, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.checkClean();
    await this.page.close();
  }

  /** One of the stand-in's functions, see panelStandIn.js. */
  private call<T>(name: string, argument?: unknown): Promise<T> {
    return this.page.evaluate<T>(`standIn.${name}(${JSON.stringify(argument) ?? ''})`);
  }
}

/** What the page may load: its own files. */
function fileFor(url: URL): { body?: string | Buffer; contentType?: string; status?: number } {
  if (url.origin !== origin) return { status: 403 };
  if (url.pathname === '/') return { body: html, contentType: 'text/html' };
  const folder = url.pathname === '/panel.css' ? 'media' : 'dist';
  const file = path.join(root, folder, path.basename(url.pathname));
  if (!fs.existsSync(file)) return { status: 404 };
  return { body: fs.readFileSync(file), contentType: types[path.extname(file)] };
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.ttf': 'font/ttf',
};

const html = panelHtml({
  nonce: 'once',
  cspSource: origin,
  language: 'en',
  script: `${origin}/panel.js`,
  styles: [`${origin}/codicon.css`, `${origin}/panel.css`],
});

type Answer = Omit<Extract<HostMessage, { type: 'results' }>, 'type' | 'ticket' | 'hits'>;

const plainOptions: PanelOptions = {
  strings: { ...panelStrings },
  locale: 'en',
  isMac: false,
  previewOnHover: true,
  pageSize: 20,
  history: [],
};

export const readyStatus: PanelStatus = {
  kind: 'ready',
  isTrusted: true,
  isPaused: false,
  folders: [],
  problems: [],
};
