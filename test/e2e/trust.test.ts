/** A folder whose authors are not trusted: it can be searched, and everything else comes with trust. */
import { flow, useWorld } from '../support/editor/world';

const world = useWorld({
  name: 'trust',
  isIndexed: true,
  isTrustAsked: true,
  settings: { 'security.workspace.trust.startupPrompt': 'always' },
});

flow('searches in restricted mode and goes on when trusted', world, async ({ window }) => {
  await window.answer(/^No, I don't trust/);
  await window.openPanel();
  await window.panel.getByText(/^Restricted mode/).waitFor();
  await window.search('remove a class from every selected element');
  await window.hit('cheerio/api/attributes.ts:').waitFor();
  await window.screenshot('12-restricted');
  await window.command('Workspaces: Manage Workspace Trust');
  await window.page
    .getByRole('button', { name: /^Trust$/ })
    .first()
    .click();
  await window.command('Nearmiss: Focus Search Panel');
  await window.panel.getByText(/^Restricted mode/).waitFor({ state: 'detached' });
  await window.search('remove a class from every selected element');
  await window.hit('cheerio/api/attributes.ts:').waitFor();
  await window.screenshot('12-trusted');
});
