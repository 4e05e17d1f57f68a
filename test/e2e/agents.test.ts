/**
 * What agents in the editor get: the tool with its question and references, our MCP server, hits added to the chat. And
 * a hit in a PDF, which opens as text at its page.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after } from 'node:test';
import { invokeTool, packProbe, toolNames } from '../support/editor/probe';
import { flow, useWorld } from '../support/editor/world';
import { eventually } from '../support/editor/workbench';
import { column, pdfOf } from '../support/pdf';
import { temporaryFolder, writeFiles } from '../support/temporaryFolder';

const filler = Array.from(
  { length: 30 },
  (_, row) => `Row ${row} of general terms and definitions.`,
);
const files = {
  'src/queue.ts': `/** Sends a file again when the network failed. */
export async function retryUpload(file: string, attempts: number): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) if (await send(file)) return;
  throw new Error('upload failed');
}

async function send(file: string): Promise<boolean> {
  return file.length > 0;
}
`,
  'src/colour.ts': `export function mixColours(a: number, b: number): number {
  return (a + b) / 2;
}
`,
  'docs/contract.pdf': pdfOf([
    column(72, ['1.1 Definitions', '', ...filler]),
    column(72, [
      '4.2 Refunds',
      '',
      'Refunds are paid to the customer within',
      'ten days.',
      ...filler,
    ]),
  ]),
};

const probe = packProbe(temporaryFolder(after));
const world = useWorld({
  name: 'agents',
  isIndexed: false,
  settings: { 'chat.disableAIFeatures': false, 'nearmiss.search.rerank': false },
  extensions: [probe],
  async fill({ workspace, dataFolder }) {
    writeFiles(workspace, files);
    await fs.promises.mkdir(dataFolder, { mode: 0o700 });
  },
});

const query = 'send a file again after the network failed';

flow('asks before the tool searches, then answers with text and places', world, async (here) => {
  const { window, workspace } = here;
  await window.openPanel();
  // Words are enough: embedding waits for a quiet moment of the machine.
  await eventually(
    async () => {
      await window.search(query);
      return window.hitNames();
    },
    (names) => names.some((name) => name.startsWith('src/queue.ts:')),
    180_000,
  );
  const call = await invokeTool(here, 'nearmiss_search', { query, paths: ['src/**'] });
  const dialog = window.page.locator('.monaco-dialog-box', {
    hasText: 'Search this workspace by meaning?',
  });
  await dialog.waitFor();
  assert.match(await dialog.innerText(), new RegExp(query));
  await window.screenshot('20-tool-asks');
  await dialog
    .getByRole('button')
    .filter({ hasNotText: /cancel|close/i })
    .first()
    .click();
  const { content = [], error } = await call.answer();
  assert.equal(error, undefined);
  const [text, places] = content;
  const file = path.join(workspace, 'src/queue.ts');
  assert.ok(typeof text === 'string' && text.includes(`${file}:`), String(text));
  assert.match(text, /retryUpload/);
  assert.ok(JSON.stringify(places).includes(file), JSON.stringify(places));
});

flow('lists our MCP server, starts it, and has its tools', world, async (here) => {
  const { window } = here;
  await window.command('MCP: List Servers');
  const row = window.quickRows.filter({ hasText: 'Nearmiss' });
  await row.first().waitFor();
  await window.screenshot('21-mcp-server-listed');
  await row.first().click();
  await window.quickRows.filter({ hasText: 'Start Server' }).first().click();
  const names = await eventually(
    () => toolNames(here),
    (list) => list.some((name) => name.includes('read_span')),
    120_000,
  );
  const served = names.filter((name) => /find_similar|read_span|index_status|refresh/.test(name));
  assert.equal(served.length, 4, names.join());
});

flow('opens a hit in a PDF as text at its page', world, async ({ window }) => {
  await window.openPanel();
  await window.search('when are refunds paid to the customer');
  const hit = window.hit('docs/contract.pdf:');
  await hit.getByText('page 2').waitFor();
  await hit.focus();
  await window.page.keyboard.press('Enter');
  await window.message('Page 2 of contract.pdf, as text').first().waitFor();
  await window.page.locator('.tab.active', { hasText: 'contract.pdf' }).first().waitFor();
  await window.page.locator('.view-line', { hasText: 'Refunds are paid' }).first().waitFor();
  await window.screenshot('23-pdf-opened-at-its-page');
  // Without a viewer of its own the editor shows this file, which is text throughout, as it is.
  await window.answer('Open the File');
  await window.page.locator('.view-line', { hasText: '%PDF-1.7' }).first().waitFor();
  await window.screenshot('23-pdf-file-opened');
});

flow('adds a hit to the chat with its lines', world, async ({ window }) => {
  await window.openPanel();
  await window.search(query);
  const hit = window.hit('src/queue.ts:');
  await hit.hover();
  await hit.getByRole('button', { name: 'Add to Chat' }).click();
  const attached = window.page.locator('.chat-attached-context', { hasText: 'queue.ts' });
  await attached.first().waitFor();
  await window.screenshot('22-hit-added-to-chat');
});
