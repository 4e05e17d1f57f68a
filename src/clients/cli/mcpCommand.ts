/** `nearmiss mcp`. The server has a bundle of its own, so that no other command pays for its library. */
import { exitDone } from './failure';
import { asOurs, loadBundle } from './otherBundle';
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
  const folders = (options.folder ?? ['.']).map(existingFolder);
  const served = loadBundle<McpBundle>('mcp').serveMcp({
    ...{ data: options.data, engineFile, folders },
    hasMarks: options.marks ?? false,
  });
  await asOurs(served);
  return exitDone;
}
