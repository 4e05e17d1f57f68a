/** One window of the editor: the few ways in which a hand reaches its palette, lists, panel, status bar and messages. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Frame, FrameLocator, Locator, Page } from 'playwright-core';
import { installationRoot } from '../../../src/base/installation';

/** Longest wait for a fact, on two slow cores with others at work. */
export const patienceMs = 120_000;
/** After so long without its effect, a key press or click is taken as lost and made again. */
const againAfterMs = 8000;
export class Workbench {
  constructor(readonly page: Page) {}

  /** Our view's own page: roles and names as on any page. No other page may be open in an editor tab. */
  get panel(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
  }

  get box(): Locator {
    return this.panel.getByRole('searchbox', { name: 'Search this workspace' });
  }

  get hits(): Locator {
    return this.panel.getByRole('list', { name: 'Hits' }).getByRole('listitem');
  }

  get quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible input.input');
  }

  get quickRows(): Locator {
    return this.page.locator('.quick-input-widget:visible .quick-input-list .monaco-list-row');
  }

  get statusBar(): Locator {
    return this.page.locator('.statusbar-item', { hasText: 'Nearmiss' });
  }

  /** The status bar once everything is searchable by meaning. */
  get statusReady(): Locator {
    return this.page.locator('.statusbar-item:has(.codicon-search-sparkle)', {
      hasText: 'Nearmiss',
    });
  }

  get activeTab(): Locator {
    return this.page.locator('.editor-group-container.active .tab.active');
  }

  message(text: string | RegExp): Locator {
    return this.page.locator('.notification-toast, .monaco-dialog-box', { hasText: text });
  }

  async opened(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: patienceMs });
  }

  async ready(): Promise<void> {
    await this.opened();
    await this.statusBar.first().waitFor({ timeout: patienceMs });
  }

  /** Shows the panel; its tab would hide one that is shown already. */
  async openPanel(): Promise<void> {
    const tab = this.page.locator('.activitybar').getByRole('tab', { name: 'Nearmiss' });
    await tab.waitFor();
    await this.insist('the panel is open', {
      act: async () => {
        if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
      },
      isDone: () => this.box.isVisible(),
    });
  }

  /** Acts until the effect is there; an act whose effect does not come is made again. */
  async insist(what: string, step: { act: () => Promise<unknown>; isDone: Ask }): Promise<void> {
    const end = performance.now() + patienceMs;
    for (;;) {
      if (await step.isDone()) return;
      await step.act();
      if (await within(againAfterMs, step.isDone)) return;
      if (performance.now() > end)
        throw new Error(`Still not so: ${what}. Seen:\n${await this.seen()}`);
    }
  }

  /** Runs a command by its title, by its own row: Enter would take the best fuzzy match. */
  async command(title: string): Promise<void> {
    const row = this.page
      .locator(
        `.quick-input-widget:visible .monaco-list-row:is([aria-label="${title}"], [aria-label^="${title}, "])`,
      )
      .first();
    await this.fillPalette(`>${title}`, () => row.isVisible());
    await row.click();
    await this.paletteGone();
  }

  /** The same without the mouse: Enter, once the wanted row is the first one and so the one in focus. */
  async commandByKeys(title: string): Promise<void> {
    const row = this.page.locator(
      `.quick-input-widget:visible .monaco-list-row.focused:is([aria-label="${title}"], [aria-label^="${title}, "])`,
    );
    await this.fillPalette(`>${title}`, () => row.isVisible());
    await this.page.keyboard.press('Enter');
    await this.paletteGone();
  }

  /** Goes down the list that is open to the row with these words, and presses Enter there. */
  async chooseByKeys(words: string): Promise<void> {
    const row = this.page.locator('.quick-input-widget:visible .monaco-list-row.focused');
    const focused = async (): Promise<string> =>
      (await row.evaluateAll((rows) => rows.map((each) => each.getAttribute('aria-label')))).join();
    const end = performance.now() + patienceMs;
    for (;;) {
      const before = await eventually(focused, (name) => name !== '');
      if (before.includes(words)) break;
      if (performance.now() > end) throw new Error(`No row says ${words}: ${before}`);
      await this.page.keyboard.press('ArrowDown');
      await within(againAfterMs, async () => (await focused()) !== before);
    }
    await this.page.keyboard.press('Enter');
  }

  /** What a command opens may be a list in the same place. */
  private async paletteGone(): Promise<void> {
    await eventually(
      () => this.quickText(),
      (text) => text === undefined || !text.startsWith('>'),
    );
  }

  /** The palette's own text; undefined while none is open. */
  private async quickText(): Promise<string | undefined> {
    const values = await this.quickInput.evaluateAll((inputs) =>
      inputs.map((input) => String((input as unknown as { value: unknown }).value)),
    );
    return values[0];
  }

  private fillPalette(text: string, isFilled: Ask): Promise<void> {
    return this.insist(`the palette shows ${text}`, {
      act: async () => {
        if (!(await this.quickInput.isVisible())) await this.page.keyboard.press('F1');
        if (await within(againAfterMs, () => this.quickInput.isVisible()))
          await this.quickInput.fill(text, { timeout: againAfterMs }).catch(() => undefined);
      },
      isDone: async () => (await this.quickText()) === text && (await isFilled()),
    });
  }

  /** Types into the list that a command has opened, recognised by its hint. */
  async fillQuickPick(hint: RegExp, text: string, isDone: Ask): Promise<void> {
    const input = this.quickInput.and(this.page.getByPlaceholder(hint));
    await input.waitFor();
    await this.insist(`the list takes ${text}`, {
      act: () => input.fill(text, { timeout: againAfterMs }).catch(() => undefined),
      isDone: async () => (await this.quickText()) === text && (await isDone()),
    });
  }

  /** Opens the palette's own search and types; resolves when rows are there and the last answer has come. */
  async searchInPalette(query: string): Promise<void> {
    await this.command('Nearmiss: Search Workspace');
    await this.fillQuickPick(/^Say what you look for/, query, () =>
      this.quickRows.first().isVisible(),
    );
    const busy = this.page.locator('.quick-input-widget:visible .monaco-progress-container.active');
    await busy.waitFor({ state: 'detached' });
  }

  /** Closes whatever list is open. */
  async closeQuickPick(): Promise<void> {
    await this.insist('no list is open', {
      act: () => this.page.keyboard.press('Escape'),
      isDone: async () => !(await this.quickInput.isVisible()),
    });
  }

  /** What the rows of the list that is open say to a screen reader. */
  async rowNames(): Promise<string[]> {
    return this.quickRows.evaluateAll((rows) =>
      rows.map((row) => row.getAttribute('aria-label') ?? ''),
    );
  }

  /** What each hit of the panel says to a screen reader; begins with `path:line`. */
  async hitNames(): Promise<string[]> {
    return this.hits.evaluateAll((items) =>
      items.map((item) => item.getAttribute('aria-label') ?? ''),
    );
  }

  /** Types into the panel's box and waits for the last answer to these words. */
  async search(query: string): Promise<void> {
    await this.box.fill(query);
    await this.settled();
  }

  /** Waits until the panel has its final hits; from the key press on until then it shows that it is busy. */
  async settled(): Promise<void> {
    await this.panel.locator('.busy:not(.on)').waitFor({ state: 'attached' });
  }

  /** The first hit whose accessible name begins so. */
  hit(beginning: string): Locator {
    return this.panel.locator(`#hits [role="listitem"][aria-label^="${beginning}"]`).first();
  }

  /** Opens a file of the workspace by name, at a line from 1, with the keyboard in its text. */
  async openFile(file: string, line: number): Promise<void> {
    const row = this.quickRows.filter({ hasText: path.basename(file) }).first();
    // Without the ">" the palette looks for files.
    await this.fillPalette(`${file}:${line}`, () => row.isVisible());
    await row.click();
    await this.atLine(file, line);
    await this.page.locator('.part.editor .monaco-editor.focused').first().waitFor();
  }

  /** Waits until the file is the active editor with its cursor in the line, from 1. */
  async atLine(file: string, line: number): Promise<void> {
    await this.page
      .locator('.editor-group-container .tab.active', { hasText: path.basename(file) })
      .first()
      .waitFor();
    await this.page.locator('.statusbar-item', { hasText: `Ln ${line}, Col` }).waitFor();
  }

  /** Chooses a colour theme by its name. */
  async theme(name: string): Promise<void> {
    await this.command('Preferences: Color Theme');
    const row = this.page
      .locator(`.quick-input-widget:visible .monaco-list-row[aria-label^="${name}"]`)
      .first();
    await this.fillQuickPick(/Color Theme/, name, () => row.isVisible());
    await row.click();
    await this.quickInput.waitFor({ state: 'detached' });
    const kind = name.includes('Contrast')
      ? name.includes('Light')
        ? 'hc-light'
        : 'hc-black'
      : name.includes('Light')
        ? 'vs'
        : 'vs-dark';
    await this.page.locator(`.monaco-workbench.${kind}`).waitFor();
  }

  /** The document of a page in an editor tab, known by its heading: addresses and places of frames say nothing. */
  async pageWith(heading: string): Promise<Frame> {
    const asked = async (): Promise<Frame | undefined> => {
      for (const frame of this.page.frames()) {
        const found = frame.getByRole('heading', { name: heading, exact: true });
        if ((await found.count().catch(() => 0)) > 0) return frame;
      }
      return undefined;
    };
    const frame = await eventually(asked, (each) => each !== undefined);
    return frame!;
  }

  /** Closes the tab that is shown. */
  async closeTab(title: string): Promise<void> {
    await this.command('View: Close Editor');
    const tab = this.page.locator('.editor-group-container .tab', { hasText: title });
    await tab.first().waitFor({ state: 'detached' });
  }

  /** The panel's own document, for what roles and names cannot tell. */
  async panelFrame(): Promise<Frame> {
    await this.box.waitFor();
    const frame = await (await this.box.elementHandle())?.ownerFrame();
    if (!frame) throw new Error('no panel');
    return frame;
  }

  /** A question that stands in the middle until it is answered. */
  question(text: string | RegExp): Locator {
    return this.page.locator('.monaco-dialog-box').filter({ hasText: text });
  }

  /** Presses a button of a dialog or a message. */
  async answer(button: string | RegExp): Promise<void> {
    await this.page
      .locator('.monaco-dialog-box, .notification-toast')
      .getByRole('button', { name: button })
      .first()
      .click();
  }

  async screenshot(name: string): Promise<void> {
    const folder = path.join(installationRoot(), 'test-results');
    fs.mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: path.join(folder, `${name}.png`) });
  }

  /** What a person would see, in words: for messages of failed tests. */
  async seen(): Promise<string> {
    const texts = async (name: string, where: Locator): Promise<string> => {
      const all = await where.allInnerTexts().catch((error: unknown) => [String(error)]);
      const text = all.join(' | ').replaceAll(/\s+/g, ' ').trim();
      return `${name}: ${text.slice(0, 1500) || '(nothing)'}`;
    };
    const { page } = this;
    const parts = await Promise.all([
      texts('Active tab', this.activeTab),
      texts('List', page.locator('.quick-input-widget:visible')),
      texts('Messages', page.locator('.notification-toast, .monaco-dialog-box')),
      texts('Status bar', page.locator('.statusbar-item:visible')),
      texts('Panel', this.panel.locator('body')),
    ]);
    return parts.join('\n');
  }
}

type Ask = () => Promise<boolean>;

/** Asks until it is so or the time is over. */
async function within(ms: number, ask: Ask): Promise<boolean> {
  const end = performance.now() + ms;
  for (;;) {
    if (await ask()) return true;
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until a question has the answer that is wanted, and fails with the last one. */
export async function eventually<T>(
  ask: () => Promise<T>,
  isWanted: (answer: T) => boolean,
  timeoutMs = patienceMs,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (performance.now() > end) throw new Error(`Still ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
