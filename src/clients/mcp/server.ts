/**
 * `nearmiss mcp`: the tools over stdio. stdout belongs to the protocol; what libraries would print goes to stderr. The
 * server ends when its client closes stdin; the engine stays for others, as with every client.
 */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { messageOf } from '../../base/errors';
import { productVersion } from '../../base/installation';
import { resolveDataFolder } from '../../protocol/engineLock';
import { EngineClient } from '../engineClient';
import { ServedFolders } from './served';
import { registerMarkTool, registerTools } from './tools';

export interface McpOptions {
  /** Where indexes live; by default where the command line looks. */
  readonly data?: string;
  readonly engineFile: string;
  /** Folders that may be searched. */
  readonly folders: readonly string[];
  /** Offers `mark_result`. */
  readonly hasMarks: boolean;
}

const instructions =
  'Searches this folder by meaning. Start here for "where" and "how" questions about the code or documents instead of reading files; read_span gives more lines around a hit. Lines count from 1, both ends included; paths are relative to the folder that the answer names.';

/** Serves until stdin ends. Throws for folders that are not there. */
export async function serveMcp(options: McpOptions): Promise<void> {
  // Some libraries print; one line of theirs on stdout would end the client's session.
  console.log = console.error;
  console.info = console.error;
  const dataFolder = resolveDataFolder(options.data);
  const { engineFile, folders } = options;
  const client = new EngineClient({ dataFolder, engineFile, client: 'mcp' });
  const served = new ServedFolders(client, folders);
  const parts = { client, served };
  const ended = new Promise<void>((resolve) => {
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  const handle = serveStdio(
    () => {
      const server = new McpServer(
        { name: 'nearmiss', title: 'Nearmiss', version: productVersion() },
        { instructions },
      );
      registerTools(server, parts);
      if (options.hasMarks) registerMarkTool(server, parts);
      return server;
    },
    { onerror: (error) => process.stderr.write(`nearmiss mcp: ${messageOf(error)}\n`) },
  );
  // Files are compared before the first question comes; what fails now is told to whoever asks.
  for (const folder of served.folders)
    client.call('index', { folder, waitFor: 'nothing' }).catch(() => undefined);
  await ended;
  client.dispose();
  await handle.close();
}
