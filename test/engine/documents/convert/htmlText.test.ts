/** Pages in HTML: what is main content, on the rows of its source, and which files are no pages at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHtmlPage, wrapped } from '../../../../src/engine/documents/convert/htmlText';

const words = 'The reader of this page finds many plain words in it, one after another. '.repeat(8);

test('keeps each text on its row and takes the headings', () => {
  const source = `<!doctype html>
<html><head><title>Manual</title>
<style>p { color: red }</style></head>
<body><nav>Home | About</nav>
<main>
<h2 id="a">Install <em>it</em><a class="headerlink">¶</a></h2>
<p>${words}</p>
<script>var hidden = 1;</script>
<p>Caf&eacute; &amp;
bar</p>
<ul><li>one</li><li>two</li></ul>
</main><footer>Copyright</footer></body></html>
`;
  const page = readHtmlPage(source);
  const rows = page!.text.split('\n');
  assert.equal(rows.length, source.split('\n').length);
  assert.equal(rows[1], 'Manual');
  assert.equal(rows[5], 'Install it¶');
  assert.equal(rows[6], words.trim());
  assert.deepEqual(rows.slice(7, 11), ['', 'Café &', 'bar', 'one two']);
  assert.doesNotMatch(page!.text, /Home|Copyright|hidden|color/);
  assert.deepEqual(page!.headings, [
    { title: 'Manual', level: 1, start: 1, end: 2 },
    { title: 'Install it', level: 2, start: 5, end: 6 },
  ]);
});

test('takes everything but the frame where no main content is named', () => {
  const page = readHtmlPage(
    `<header role="banner">Site</header>\n<h1>Title</h1>\n<p>${words}</p>\n<p hidden>not this</p>\n<p style="display: none">nor this</p>`,
  );
  assert.match(page!.text, /^\nTitle\nThe reader/);
  assert.doesNotMatch(page!.text, /not this|nor this|Site/);
});

test('leaves templates, applications and fragments to the splitter of code', () => {
  for (const source of [
    `<p>${words}</p><p>{{ user.name }}</p>`,
    `<p>${words}</p><% if (x) { %>`,
    '<div id="app"></div><script src="a.js"></script>',
    '<p>Few words.</p>',
    `<p>${words}</p>${'<div class="a b c"><span data-x="1"></span></div>'.repeat(200)}`,
    '',
  ])
    assert.equal(readHtmlPage(source), undefined, source.slice(0, 60));
});

test('ends on what parsers stumble over', () => {
  for (const source of [
    '<div>'.repeat(50_000) + words.repeat(80),
    `<p>${words}</p>${'</div>'.repeat(1000)}<h1>`,
    `<h1>${'<b>'.repeat(2000)}x</h1><p>${words}</p>`,
    `<title><title>${words}</title><!--`,
    `<p>${words}</p>\u0000\ud800<h2>`,
  ]) {
    const page = readHtmlPage(source);
    if (page) assert.equal(page.text.split('\n').length, source.split('\n').length);
  }
});

test('cuts a paragraph into rows without losing a word', () => {
  assert.deepEqual(wrapped('one two'), ['one two']);
  const rows = wrapped(words.trim());
  assert.ok(rows.length > 4 && rows.every((row) => row.length <= 100));
  assert.equal(rows.join(' '), words.trim());
});
