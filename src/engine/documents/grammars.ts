/**
 * Loads the tree-sitter runtime and its grammars, each when it is first needed and only if its bytes are
 * the ones the build recorded: a grammar is code that runs on everything that is indexed.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { compileFunction } from 'node:vm';
import type * as treeSitterModule from 'web-tree-sitter';
import type { Language, Parser, Query } from 'web-tree-sitter';
import { messageOf, NearmissError } from '../../base/errors';
import { installationRoot } from '../../base/installation';
import { type CodeLanguage, codeLanguage } from './codeLanguages';

/** A grammar that is ready to parse, with the query that finds definitions. */
export interface Grammar {
  /** The one parser of the runtime; its language is set before each use. */
  readonly parser: Parser;
  readonly language: Language;
  readonly definitions: Query;
  readonly rules: CodeLanguage;
}

type TreeSitter = typeof treeSitterModule;

interface Runtime {
  readonly treeSitter: TreeSitter;
  readonly parser: Parser;
}

const RUNTIME_CODE = 'web-tree-sitter.cjs';
const RUNTIME = 'web-tree-sitter.wasm';

/** The folder the build copies grammars to. */
export function defaultGrammarFolder(): string {
  return path.join(installationRoot(), 'dist', 'grammars');
}

/** All grammars of one folder, in a runtime of their own. */
export class Grammars {
  private readonly loaded = new Map<string, Promise<Grammar | undefined>>();
  /** What was wrong with grammars that could not be loaded, a sentence each. */
  readonly damaged: string[] = [];

  private constructor(
    private readonly files: GrammarFiles,
    private runtime: Promise<Runtime>,
  ) {}

  static async open(folder: string): Promise<Grammars> {
    const files = new GrammarFiles(folder);
    const runtime = await startRuntime(files);
    return new Grammars(files, Promise.resolve(runtime));
  }

  /** The grammar of a language identifier; undefined where there is none or it is damaged. */
  async of(languageId: string): Promise<Grammar | undefined> {
    const rules = codeLanguage(languageId);
    if (!rules) return undefined;
    const key = `${rules.grammar} ${rules.definitions}`;
    const known = this.loaded.get(key);
    if (known) return known;
    const loading = this.load(rules);
    this.loaded.set(key, loading);
    return loading;
  }

  /** Gives up a runtime whose memory a text has ruined: grammars are loaded anew when they are asked for. */
  restart(): void {
    this.loaded.clear();
    this.runtime = startRuntime(this.files);
    // Whoever asks for a grammar hears of a failure; until then nobody does.
    this.runtime.catch(() => undefined);
  }

  dispose(): void {
    for (const each of this.loaded.values()) {
      void each.then((grammar) => grammar?.definitions.delete());
    }
    this.loaded.clear();
    this.runtime.then(({ parser }) => parser.delete()).catch(() => undefined);
  }

  private async load(rules: CodeLanguage): Promise<Grammar | undefined> {
    try {
      const { treeSitter, parser } = await this.runtime;
      const bytes = this.files.read(`tree-sitter-${rules.grammar}.wasm`);
      const language = await treeSitter.Language.load(bytes);
      const definitions = new treeSitter.Query(language, rules.definitions);
      return { parser, language, definitions, rules };
    } catch (error) {
      this.damaged.push(messageOf(error));
      return undefined;
    }
  }
}

/**
 * Pages of 64 KB. The tree of a megabyte of code takes some 100 MB; a few kilobytes of text that is not of
 * its language may take all there is, which is why there is not more.
 */
const MEMORY_PAGES = { initial: 512, maximum: 4_096 };

/** The compiler's library for Node does not list it. */
const { WebAssembly: webAssembly } = globalThis as unknown as {
  WebAssembly: { Memory: new (pages: { initial: number; maximum: number }) => unknown };
};

async function startRuntime(files: GrammarFiles): Promise<Runtime> {
  const treeSitter = evaluateRuntime(files);
  const wasmMemory = new webAssembly.Memory(MEMORY_PAGES);
  // What it would print on its way down is in the error too.
  const printErr = (): void => undefined;
  await treeSitter.Parser.init({ wasmBinary: files.read(RUNTIME), wasmMemory, printErr });
  return { treeSitter, parser: new treeSitter.Parser() };
}

/**
 * Evaluates the runtime's code afresh: each copy has a memory of its own. What we make of it we free; a
 * garbage collector that freed objects of a ruined runtime would fail where nobody can catch it.
 */
function evaluateRuntime(files: GrammarFiles): TreeSitter {
  const code = Buffer.from(files.read(RUNTIME_CODE)).toString('utf8');
  const filename = path.join(files.folder, RUNTIME_CODE);
  const names = ['module', 'exports', 'require', '__filename', '__dirname', 'FinalizationRegistry'];
  const evaluate = compileFunction(code, names, { filename }) as (...values: unknown[]) => void;
  const module = { exports: {} };
  const require = createRequire(filename);
  evaluate(module, module.exports, require, filename, files.folder, NoFinalizationRegistry);
  return module.exports as TreeSitter;
}

class NoFinalizationRegistry {
  register(): void {}
  unregister(): void {}
}

/** Files of the grammar folder, given out only if their sha256 is the one the build recorded. */
class GrammarFiles {
  private readonly hashes: Readonly<Record<string, string>>;

  constructor(readonly folder: string) {
    const file = path.join(folder, 'sha256.json');
    try {
      this.hashes = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, string>;
    } catch (cause) {
      throw damaged(`The list of grammars ${file} cannot be read`, cause);
    }
  }

  read(name: string): Uint8Array {
    const file = path.join(this.folder, name);
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(fs.readFileSync(file));
    } catch (cause) {
      throw damaged(`The grammar ${file} cannot be read`, cause);
    }
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (this.hashes[name] === hash) return bytes;
    throw damaged(`The grammar ${file} is not the one that was built`);
  }
}

function damaged(message: string, cause?: unknown): NearmissError {
  return new NearmissError('engine', message, 'Install Nearmiss again or run npm run build', {
    cause,
  });
}
