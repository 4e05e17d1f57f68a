/** The built `nearmiss mcp` over real stdio: the official client, a second client of other people, and raw lines. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { experimental_createMCPClient as createOtherClient } from '@ai-sdk/mcp';
import { Experimental_StdioMCPTransport as OtherTransport } from '@ai-sdk/mcp/mcp-stdio';
import { type CallToolResult, Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { estimateTokens } from '../../../src/base/tokens';
import { checkDone } from '../../support/product';
import { writeFiles } from '../../support/temporaryFolder';
import { makeWorld } from '../../badDays/world';

const world = makeWorld(after);
const clients: Client[] = [];
let plain: Client;
let teaching: Client;

before(async () => {
  await world.install();
  writeFiles(world.folder, {
    'outside/notes.txt': 'nobody may read this\n',
    'code-twin/notes.txt': 'nor this\n',
  });
  writeFiles(world.code, {
    '.gitignore': 'private/\n',
    'private/plan.txt': 'ignored words of a plan\n',
    '.env': 'API_TOKEN=topsecretvalue\n',
    'config.ts': "export const key = 'AKIAIOSFODNN7EXAMPLE';\n",
    'big.txt': `${'word '.repeat(20_000)}\n`,
  });
  fs.symlinkSync(path.join(world.folder, 'outside/notes.txt'), path.join(world.code, 'link.txt'));
  fs.symlinkSync(path.join(world.folder, 'outside'), path.join(world.code, 'linked'));
  checkDone(await world.run(['index', '--wait']));
  plain = await connect([]);
  teaching = await connect(['--marks']);
});
after(async () => {
  for (const client of clients) await client.close();
});

function serverArguments(more: readonly string[]): string[] {
  const cli = path.join(world.root, 'dist/cli.js');
  return [cli, 'mcp', '--folder', world.code, '--data', world.data, ...more];
}

async function connect(more: readonly string[]): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  clients.push(client);
  const args = serverArguments(more);
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args, stderr: 'inherit' }),
  );
  return client;
}

async function call(
  name: string,
  args: Record<string, unknown>,
  client = plain,
): Promise<{ text: string; isError: boolean; data: Record<string, unknown> }> {
  const result = (await client.callTool({ name, arguments: args })) as CallToolResult;
  const [first] = result.content;
  assert.equal(first?.type, 'text');
  return {
    text: first.text,
    isError: result.isError ?? false,
    data: (result.structuredContent ?? {}) as Record<string, unknown>,
  };
}

test('offers five tools with schemas both ways, and marks only where they are switched on', async () => {
  const { tools } = await plain.listTools();
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['search', 'find_similar', 'read_span', 'index_status', 'refresh_index'],
  );
  for (const { name, inputSchema, outputSchema, annotations, description } of tools) {
    assert.equal(inputSchema.type, 'object', name);
    assert.equal(outputSchema?.type, 'object', name);
    assert.equal(annotations?.readOnlyHint, name !== 'refresh_index', name);
    assert.equal(annotations?.destructiveHint, false, name);
    assert.ok(description!.length < 400, name);
  }
  const more = await teaching.listTools();
  assert.equal(more.tools.at(-1)?.name, 'mark_result');
  assert.match(plain.getInstructions() ?? '', /read_span/);
  assert.equal(plain.getServerVersion()?.name, 'nearmiss');
});

test('answers a search with text, and structure whose paths an agent can open', async () => {
  const { text, data } = await call('search', { query: 'refresh token', paths: ['src/**'] });
  assert.match(text, /^src\/session\.ts:\d+-\d+ Session/);
  const { folder, hits, isComplete, notes } = data as {
    folder: string;
    hits: Record<string, unknown>[];
    isComplete: boolean;
    notes: string[];
  };
  assert.equal(folder, world.code);
  assert.equal(isComplete, true);
  assert.deepEqual(notes, []);
  const { path: relative, absolutePath, startLine, endLine, text: lines } = hits[0]!;
  assert.equal(absolutePath, path.join(world.code, relative as string));
  const file = fs.readFileSync(absolutePath as string, 'utf8').split('\n');
  assert.equal(file.slice((startLine as number) - 1, endLine as number).join('\n'), lines);
});

test('keeps an answer within the budget that is asked for', async () => {
  for (const budget of [200, 400]) {
    const { data } = await call('search', { query: 'word', budget });
    const hits = data.hits as { text: string }[];
    assert.ok(estimateTokens(hits.map(({ text }) => text).join('\n')) <= budget);
  }
});

test('finds what is like some lines', async () => {
  const { data } = await call('find_similar', { path: 'src/session.ts', startLine: 1, endLine: 6 });
  const paths = (data.hits as { path: string }[]).map((hit) => hit.path);
  assert.ok(paths.length > 0 && !paths.includes('src/session.ts'), paths.join());
});

test('reads lines of an indexed file, relative and absolute, keys taken out', async () => {
  const lines = { startLine: 2, endLine: 2 };
  const { text, data } = await call('read_span', { path: 'src/session.ts', ...lines });
  assert.equal(text, 'src/session.ts:2-2 of 7\nexport class Session {');
  assert.deepEqual(data, {
    path: 'src/session.ts',
    absolutePath: path.join(world.code, 'src/session.ts'),
    startLine: 2,
    endLine: 2,
    language: 'typescript',
    lineCount: 7,
    text: 'export class Session {',
  });
  const absolute = path.join(world.code, 'src/session.ts');
  assert.equal((await call('read_span', { path: absolute, ...lines })).text, text);
  const { text: config } = await call('read_span', { path: 'config.ts' });
  assert.match(config, /\[redacted\]/);
  assert.doesNotMatch(config, /AKIA/);
});

test('reads nothing outside the index, whatever the path says', async () => {
  const tricks = [
    '../outside/notes.txt',
    '../code-twin/notes.txt',
    'src/../../outside/notes.txt',
    path.join(world.folder, 'outside/notes.txt'),
    `${world.code}/../outside/notes.txt`,
    `${world.code}-twin/notes.txt`,
    'link.txt',
    'linked/notes.txt',
    'linked/../../outside/notes.txt',
    '..%2foutside%2fnotes.txt',
    '%2e%2e/outside/notes.txt',
    '..\\outside\\notes.txt',
    `file://${world.folder}/outside/notes.txt`,
    'file:../outside/notes.txt',
    '//localhost/etc/hostname',
    '\\\\server\\share\\notes.txt',
    '\\\\?\\C:\\notes.txt',
    '/proc/self/environ',
    '/dev/stdin',
    '~/.ssh/id_rsa',
    'src/session.ts\u0000.txt',
    'SRC/SESSION.TS',
    'src/session.ts/',
    'src/session.ts/..',
    './.env',
    '.env',
    '.ENV',
    '.git/config',
    'private/plan.txt',
    'src',
    '.',
    '..',
    '/',
    ' ',
  ];
  for (const trick of tricks)
    for (const [tool, more] of [
      ['read_span', {}],
      ['find_similar', { startLine: 1, endLine: 1 }],
    ] as const) {
      const isSameFile = trick === 'src/session.ts/' || trick.includes('SESSION');
      const { isError, text } = await call(tool, { path: trick, ...more });
      // A file system may know the file by these spellings; then it is the indexed file itself.
      if (!isError && isSameFile) continue;
      assert.ok(isError, `${tool} ${JSON.stringify(trick)} gave ${text}`);
      assert.doesNotMatch(text, /nobody may|nor this|topsecret|ignored words|HOME=|PATH=/);
      assert.match(text, /\./, 'a sentence');
    }
});

test('serves no folder but those it was started with', async () => {
  for (const folder of [world.folder, '..', '/', path.join(world.folder, 'outside'), 'outside'])
    for (const [tool, args] of [
      ['search', { query: 'nobody' }],
      ['read_span', { path: 'notes.txt' }],
      ['index_status', {}],
      ['refresh_index', {}],
    ] as const) {
      const { isError, text } = await call(tool, { ...args, folder });
      assert.ok(isError, `${tool} in ${folder}`);
      assert.match(text, /^That folder is not served/);
    }
});

test('forgets at once what an ignore rule leaves out since it was indexed', async () => {
  writeFiles(world.code, { 'later.txt': 'to be ignored later\n' });
  await call('refresh_index', {});
  assert.match((await call('read_span', { path: 'later.txt' })).text, /to be ignored/);
  fs.appendFileSync(path.join(world.code, '.gitignore'), 'later.txt\n');
  assert.ok((await call('read_span', { path: 'later.txt' })).isError);
});

test('refuses what is too long, too much or of the wrong kind, and goes on', async () => {
  for (const [tool, args] of [
    ['search', { query: '' }],
    ['search', { query: 'x'.repeat(3000) }],
    ['search', { query: 'x', limit: 1000 }],
    ['search', { query: 'x', budget: 1_000_000 }],
    ['search', { query: 7 }],
    ['read_span', { path: 'big.txt', startLine: 0 }],
    ['read_span', { path: 'big.txt', startLine: 1, endLine: 5000 }],
    ['read_span', { path: 'src/session.ts', startLine: 900 }],
    ['read_span', { path: 'src/session.ts', startLine: 5, endLine: 2 }],
    ['find_similar', { path: 'src/session.ts', startLine: 5, endLine: 2 }],
  ] as const)
    assert.ok((await call(tool, args)).isError, JSON.stringify(args).slice(0, 100));
  const { text } = await call('read_span', { path: 'big.txt' });
  assert.ok(text.length < 41_000 && text.endsWith('[cut here]'), `${text.length} characters`);
});

test('tells how far the index is', async () => {
  checkDone(await world.run(['index', '--wait']));
  const { text, data } = await call('index_status', {});
  assert.match(text, /: The index is complete: \d+ files/);
  const [state] = data.folders as { folder: string; isComplete: boolean; fileCount: number }[];
  assert.equal(state!.folder, world.code);
  assert.equal(state!.isComplete, true);
  writeFiles(world.code, { 'new/arrival.md': '# Arrival\n\nFresh words about zebras.\n' });
  const refreshed = await call('refresh_index', {});
  const [after] = refreshed.data.folders as { fileCount: number }[];
  assert.equal(after!.fileCount, state!.fileCount + 1, refreshed.text);
  assert.match((await call('search', { query: 'zebras' })).text, /new\/arrival\.md/);
});

test('marks only where that is switched on, and the mark counts at once', async () => {
  const span = { path: 'src/parse.py', startLine: 1, endLine: 4 };
  const asked = { query: 'zebra crossing header', ...span, verdict: 'relevant' };
  await assert.rejects(plain.callTool({ name: 'mark_result', arguments: asked }), /mark_result/);
  const { text, data } = await call('mark_result', asked, teaching);
  assert.match(text, /^src\/parse\.py:1-4 is marked relevant/);
  const { text: found } = await call('search', { query: 'zebra crossing header' });
  assert.match(found, /src\/parse\.py/);
  const outside = { ...asked, path: '../outside/notes.txt' };
  assert.ok((await call('mark_result', outside, teaching)).isError);
  checkDone(await world.run(['marks', 'undo', data.id as string]));
});

test('serves a client of other people who speak an older revision', async () => {
  const transport = new OtherTransport({
    command: process.execPath,
    args: serverArguments([]),
    stderr: 'inherit',
  });
  const other = await createOtherClient({ transport });
  try {
    const tools = await other.tools();
    assert.deepEqual(Object.keys(tools).length, 5);
    const result = (await tools.search!.execute(
      { query: 'split a header line' },
      { toolCallId: '1', messages: [] },
    )) as CallToolResult;
    assert.match(JSON.stringify(result.content), /src\/parse\.py:\d+-\d+/);
  } finally {
    await other.close();
  }
});

test('writes nothing but protocol to stdout, answers to garbage, and ends with stdin', async () => {
  const child = spawn(process.execPath, serverArguments([]), { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const answered = (id: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!stdout.includes(`"id":${id}`)) return;
        child.stdout.off('data', look);
        resolve();
      };
      child.stdout.on('data', look);
    });
  const send = (message: unknown): void => void child.stdin.write(`${JSON.stringify(message)}\n`);
  const clientInfo = { name: 'raw', version: '1' };
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
  child.stdin.write('this is no message\n');
  send({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  await answered(1);
  send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  send({
    ...{ jsonrpc: '2.0', id: 2, method: 'tools/call' },
    params: { name: 'search', arguments: { query: 'header' } },
  });
  await answered(2);
  child.stdin.end();
  assert.equal(await ended, 0);
  const messages = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { jsonrpc: string });
  assert.ok(messages.every(({ jsonrpc }) => jsonrpc === '2.0'));
});

test('names the folder that is not there before it serves', async () => {
  const { status, stdout, stderr } = await world.run(['mcp', '--folder', 'nowhere']);
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^nearmiss: There is no folder nowhere/);
});

test("packs the command line's hits into a budget, too", async () => {
  const result = await world.run(['search', 'session', '--budget', '300', '--json']);
  checkDone(result);
  const { hits } = JSON.parse(result.stdout) as { hits: { text: string; start: number }[] };
  assert.ok(hits.length > 0 && hits.every(({ text }) => text.length > 0));
  assert.equal((await world.run(['search', 'session', '--budget', '3'])).status, 2);
});
