import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { silentLogger } from '../../../src/base/log';
import { readTheme, type ThemeKind } from '../../../src/clients/extension/editorTheme';
import { SnippetColours } from '../../../src/clients/extension/snippetColours';
import type { HostMessage, PanelHit, TokenStyle } from '../../../src/protocol/panelMessages';
import { hitNamed } from '../panel/hit';

const dist = path.join(installationRoot(), 'dist');
let kind: ThemeKind = 'dark';
const colours = new SnippetColours({
  threadFile: path.join(dist, 'colouring.js'),
  folder: path.join(dist, 'colours'),
  theme: () => readTheme('none', kind, []),
  log: silentLogger,
});
after(() => colours.dispose());

/** What the panel knows after some messages: styles, and each coloured snippet by key. */
class Panel {
  styles: readonly TokenStyle[] = [];
  readonly snippets = new Map<string, string[]>();
  private arrived: () => void = () => {};

  readonly send = (message: HostMessage): void => {
    if (message.type === 'styles') this.styles = message.styles;
    if (message.type !== 'colours') return;
    for (const { key, snippet, lines } of message.snippets)
      this.snippets.set(key, coloured(snippet, lines, this.styles));
    this.arrived();
  };

  async colour(...hits: readonly PanelHit[]): Promise<string[][]> {
    const arrival = new Promise<void>((resolve) => (this.arrived = resolve));
    colours.colour(hits, this.send);
    await arrival;
    return hits.map((hit) => this.snippets.get(hit.key) ?? []);
  }
}

/** "return:#c586c0" for each piece that is more than blanks. */
function coloured(
  snippet: string,
  lines: readonly (readonly (readonly [number, number])[])[],
  styles: readonly TokenStyle[],
): string[] {
  const texts = snippet.split('\n');
  assert.equal(lines.length, texts.length);
  return texts.flatMap((text, index) => {
    let at = 0;
    return (lines[index] ?? []).flatMap(([length, style]) => {
      const piece = text.slice(at, at + length).trim();
      at += length;
      return piece === '' ? [] : `${piece}:${styles[style]?.color?.toLowerCase()}`;
    });
  });
}

test('colours a snippet of each language as the theme says', async () => {
  const panel = new Panel();
  const [typescript, python] = await panel.colour(
    hitNamed('a', { snippet: 'return "x"; // why', language: 'typescript' }),
    hitNamed('b', { snippet: 'def f(): # why', language: 'python' }),
  );
  assert.deepEqual(typescript, ['return:#c586c0', '"x":#ce9178', ';:undefined', '// why:#6a9955']);
  assert.deepEqual(python?.slice(0, 2), ['def:#569cd6', 'f:#dcdcaa']);
  assert.equal(python?.at(-1), '# why:#6a9955');
});

test('knows a snippet that begins inside a comment', async () => {
  const [pieces] = await new Panel().colour(
    hitNamed('a', { snippet: ' * Says why.\n */\nlet x = 1;' }),
  );
  assert.deepEqual(pieces?.slice(0, 3), ['* Says why.:#6a9955', '*/:#6a9955', 'let:#569cd6']);
});

test('tells at once what it has coloured before', () => {
  const panel = new Panel();
  colours.start(panel.send);
  const hit = hitNamed('other', { snippet: 'def f(): # why', language: 'python' });
  colours.colour([hit], panel.send);
  assert.equal(panel.snippets.get(hit.key)?.[0], 'def:#569cd6');
});

test('leaves a language without a grammar plain', async () => {
  const panel = new Panel();
  const plain = hitNamed('p', { snippet: 'some words', language: 'plaintext' });
  await panel.colour(plain, hitNamed('q', { snippet: '1;' }));
  assert.deepEqual([...panel.snippets.keys()], [hitNamed('q').key]);
});

test('colours everything anew when the theme changes', async () => {
  const panel = new Panel();
  const hit = hitNamed('a', { snippet: 'return 5;' });
  await panel.colour(hit);
  kind = 'light';
  const repainted = new Promise<void>((resolve) => {
    colours.themeChanged((message) => {
      panel.send(message);
      if (message.type === 'colours') resolve();
    });
  });
  await repainted;
  assert.deepEqual(panel.snippets.get(hit.key), ['return:#af00db', '5:#098658', ';:undefined']);
});
