/** `nearmiss mcp`. The server has a bundle of its own, so that no other command pays for its library. */
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { exitDone } from './failure';
import { type CommonOptions, engineFile, existingFolder } from './session';

interface McpCommandOptions extends CommonOptions {
  readonly folder?: readonly string[];
  readonly marks?: boolean;
}

/** What the server's bundle exports. */
interface McpBundle {
  serveMcp(options: {
    readonly data?: string;
    readonly engineFile: string;
    readonly folders: readonly string[];
    readonly hasMarks: boolean;
  }): Promise<void>;
}

/** Serves until its client closes stdin. */
export async function mcp(options: McpCommandOptions): Promise<number> {
  const bundle = createRequire(__filename)(path.join(__dirname, 'mcp.js')) as McpBundle;
  const folders = (options.folder ?? ['.']).map(existingFolder);
  await bundle.serveMcp({
    ...{ data: options.data, engineFile, folders },
    hasMarks: options.marks ?? false,
  });
  return exitDone;
}
