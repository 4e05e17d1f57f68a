/** What each suite of bad days starts from: a toy installation, a data folder and a folder with a little code. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type CliOptions, type CliResult, runCli, stopEngine } from '../support/product';
import { temporaryFolder, writeFiles } from '../support/temporaryFolder';
import { installToy } from '../support/toyInstallation';

export interface World {
  readonly folder: string;
  readonly data: string;
  /** Where the program and its models are. */
  readonly root: string;
  /** Installs the product; to be awaited in the suite's `before`. */
  install(): Promise<void>;
  /** The folder that is indexed. */
  readonly code: string;
  /** Runs `nearmiss ARGS --data DATA` in the code folder. */
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** The same as words for a program that starts it by itself. */
  command(args: readonly string[]): string[];
  /** Paths of the hits for a query in the code folder, embeddings and re-ranking included. */
  find(query: string, ...args: string[]): Promise<string[]>;
  /** A further data folder, with an engine of its own that ends with the suite. */
  newData(): string;
}

/** `hook` is node:test's `after`, which only counts at a file's top level: engines end and files go with it. */
export function makeWorld(hook: (end: () => Promise<void> | void) => void): World {
  const dataFolders: string[] = [];
  // Before the folder goes, so must the engines that write to it.
  hook(async () => {
    for (const data of dataFolders) await stopEngine(data);
  });
  const folder = temporaryFolder(hook);
  const newData = (): string => {
    const data = path.join(folder, `data${dataFolders.length}`);
    dataFolders.push(data);
    return data;
  };
  const data = newData();
  const code = path.join(folder, 'code');
  fs.mkdirSync(code);
  writeFiles(code, sampleCode);
  const root = path.join(folder, 'installation');
  const cli = path.join(root, 'dist/cli.js');
  const run: World['run'] = (args, options) =>
    runCli([...args, '--data', data], { cwd: code, cli, ...options });
  return {
    folder,
    data,
    root,
    install: () => installToy(root),
    code,
    newData,
    run,
    command: (args) => [process.execPath, cli, ...args, '--data', data],
    find: async (query, ...args) => pathsOf(await run(['search', query, '--json', ...args])),
  };
}

/** The paths in the output of `search --json`. */
export function pathsOf({ stdout, stderr }: CliResult): string[] {
  if (stdout === '') throw new Error(`No result: ${stderr}`);
  return (JSON.parse(stdout) as { hits: { path: string }[] }).hits.map((hit) => hit.path);
}

const sampleCode: Readonly<Record<string, string>> = {
  'src/session.ts': `/** Keeps a user signed in. */
export class Session {
  refreshToken(): string {
    return 'token';
  }
}
`,
  'src/parse.py': `def parse_header(line):
    """Splits a header line into name and value."""
    name, value = line.split(":", 1)
    return name.strip(), value.strip()
`,
  'README.md': '# Sample\n\nA little code to be found.\n',
};
