/** One window of the editor: the few ways in which a hand reaches its palette, lists, panel, status bar and messages. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Frame, FrameLocator, Locator, Page } from 'playwright-core';
import { installationRoot } from '../../../src/base/installation';

/** Longest wait for a fact, on two busy cores. */
export const patienceMs = 60_000;

export class Workbench {
  constructor(readonly page: Page) {}

  /** Our view's own page: roles and names as on any page. */
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

  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: patienceMs });
    await this.statusBar.first().waitFor({ timeout: patienceMs });
  }

  async openPanel(): Promise<void> {
    await this.page.locator('.activitybar').getByRole('tab', { name: 'Nearmiss' }).click();
    await this.box.waitFor({ timeout: patienceMs });
  }

  /** Runs a command by its title, by its own row: Enter would take the best fuzzy match. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.quickInput.waitFor();
    await this.quickInput.fill(`>${title}`);
    const row = this.page.locator(
      `.quick-input-list .monaco-list-row:is([aria-label="${title}"], [aria-label^="${title}, "])`,
    );
    await row.first().click({ timeout: patienceMs });
  }

  /** Opens the palette's own search and types; resolves when rows are there and the last answer has come. */
  async searchInPalette(query: string): Promise<void> {
    await this.command('Nearmiss: Search Workspace');
    await this.quickInput.fill(query);
    await this.quickRows.first().waitFor();
    const busy = this.page.locator('.quick-input-widget:visible .monaco-progress-container.active');
    await busy.waitFor({ state: 'detached' });
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

  /** Opens a file of the workspace by name, at a line from 1. */
  async openFile(file: string, line: number): Promise<void> {
    await this.page.keyboard.press('Control+p');
    await this.quickInput.waitFor();
    await this.quickInput.fill(`${file}:${line}`);
    const row = this.quickRows.filter({ hasText: path.basename(file) });
    await row.first().click();
    await this.atLine(file, line);
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
    await this.quickInput.fill(name);
    const row = this.page.locator(`.quick-input-list .monaco-list-row[aria-label^="${name}"]`);
    await row.first().click();
    await this.quickInput.waitFor({ state: 'detached' });
  }

  /** The panel's own document, for what roles and names cannot tell. */
  async panelFrame(): Promise<Frame> {
    await this.box.waitFor();
    const frame = await (await this.box.elementHandle())?.ownerFrame();
    if (!frame) throw new Error('no panel');
    return frame;
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
