/** Everything by the keyboard, from opening to marking and taking back; the mouse is never touched. */
import { flow, useWorld } from '../support/editor/world';
import { eventually, type Workbench } from '../support/editor/workbench';

const query = 'remove a class from every selected element';
const world = useWorld({
  name: 'keyboard',
  isIndexed: true,
  // The order has to stand while keys walk through it.
  settings: { 'nearmiss.search.rerank': false },
});

flow('goes from opening to marking by keyboard alone', world, async ({ window }) => {
  const { keyboard } = window.page;
  await window.statusReady.waitFor();
  await focusPanel(window);
  await keyboard.type(query);
  await window.hits.first().waitFor();
  await window.settled();
  await keyboard.press('ArrowDown');
  const first = await eventually(
    () => focusedIn(window),
    (name) => name.startsWith('LI'),
  );
  await keyboard.press('Enter');
  await window.activeTab.first().waitFor();
  await window.page.locator('.part.editor .monaco-editor.focused').first().waitFor();

  await focusPanel(window);
  await keyboard.press('ArrowDown');
  await eventually(
    () => focusedIn(window),
    (name) => name === first,
  );
  await keyboard.press('Delete');
  await window.panel.getByText('Marked not relevant').first().waitFor();
  await window.screenshot('07-keyboard-only');
  await keyboard.press('Control+z');
  await window.panel.getByText('Mark taken back').first().waitFor();
  await eventually(
    async () => (await window.hitNames())[0] ?? '',
    (name) => `LI ${name}` === first,
  );
});

/** By the palette, its row chosen with Enter, until the caret is in the box. */
async function focusPanel(window: Workbench): Promise<void> {
  await window.commandByKeys('Nearmiss: Focus Search Panel');
  await window.box.waitFor();
  await eventually(
    () => focusedIn(window),
    (name) => name.startsWith('INPUT'),
  );
}

/** Tag and name of what has the keyboard inside the panel; "elsewhere" while the panel does not have it. */
async function focusedIn(window: Workbench): Promise<string> {
  const frame = await window.panelFrame();
  return frame.evaluate<string>(`
    document.hasFocus()
      ? document.activeElement.tagName + ' ' + (document.activeElement.getAttribute('aria-label') ?? '')
      : 'elsewhere'
  `);
}
