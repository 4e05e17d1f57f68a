/** Where the engine of this window is and how it is started: on the editor's own Node, within a limit of memory. */
import * as os from 'node:os';
import * as path from 'node:path';
import { resolveDataFolder } from '../../protocol/engineLock';
import type { EngineClientOptions } from '../engineClient';

export interface EngineSettings {
  /** '' is the platform's own place, which the command line uses too. */
  readonly dataFolder: string;
  /** Megabytes of the engine's own heap; models lie outside of it. */
  readonly memoryLimit: number;
  /** "auto", or the execution provider that the user insists on. */
  readonly provider: string;
  /** A version is measured again by itself when its folder has changed much. */
  readonly measuresAgain: boolean;
}

/** Electron runs as Node; options for a debugger of the extension host are not for the engine. */
const engineEnvironment: Readonly<Record<string, string | undefined>> = {
  ELECTRON_RUN_AS_NODE: '1',
  ORT_DISABLE_TELEMETRY: '1',
  NODE_OPTIONS: undefined,
  VSCODE_INSPECTOR_OPTIONS: undefined,
};

/** Options of a client that finds or starts the engine beside our own bundle. */
export function engineOptions(
  installation: string,
  { dataFolder, memoryLimit, provider, measuresAgain }: EngineSettings,
): EngineClientOptions {
  return {
    dataFolder: resolveDataFolder(dataFolder === '' ? undefined : fromHome(dataFolder)),
    engineFile: path.join(installation, 'dist', 'engine.js'),
    client: 'vscode',
    nodeArguments: [`--max-old-space-size=${memoryLimit}`],
    engineArguments: [
      ...(provider === 'auto' ? [] : ['--provider', provider]),
      ...(measuresAgain ? [] : ['--no-measuring']),
    ],
    environment: engineEnvironment,
  };
}

function fromHome(folder: string): string {
  return folder === '~' || folder.startsWith('~/')
    ? path.join(os.homedir(), folder.slice(1))
    : folder;
}
