/**
 * Loads the tree-sitter runtime and its grammars, each when it is first needed and only if its bytes are
 * the ones the build recorded: a grammar is code that runs on everything that is indexed.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Language, Parser, Query } from 'web-tree-sitter';
import { installationRoot } from '../../base/installation';
import { messageOf, NearmissError } from '../../base/errors';
import { type CodeLanguage, codeLanguage } from './codeLanguages';

/** A grammar that is ready to parse, with the query that finds definitions. */
export interface Grammar {
  readonly language: Language;
  readonly definitions: Query;
  readonly rules: CodeLanguage;
}

const RUNTIME = 'web-tree-sitter.wasm';

/** The folder the build copies grammars to. */
export function defaultGrammarFolder(): string {
  return path.join(installationRoot(), 'dist', 'grammars');
}

/** All grammars of one folder. The runtime is shared by the whole process. */
export class Grammars {
  private readonly loaded = new Map<string, Promise<Grammar | undefined>>();
  /** What was wrong with grammars that could not be loaded, a sentence each. */
  readonly damaged: string[] = [];

  private constructor(
    private readonly folder: string,
    private readonly hashes: Readonly<Record<string, string>>,
  ) {}

  static async open(folder: string): Promise<Grammars> {
    const grammars = new Grammars(folder, readHashes(folder));
    startRuntime ??= Parser.init({ wasmBinary: grammars.read(RUNTIME) });
    await startRuntime;
    return grammars;
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

  dispose(): void {
    for (const each of this.loaded.values()) {
      void each.then((grammar) => grammar?.definitions.delete());
    }
    this.loaded.clear();
  }

  private async load(rules: CodeLanguage): Promise<Grammar | undefined> {
    try {
      const language = await Language.load(this.read(`tree-sitter-${rules.grammar}.wasm`));
      return { language, definitions: new Query(language, rules.definitions), rules };
    } catch (error) {
      this.damaged.push(messageOf(error));
      return undefined;
    }
  }

  private read(name: string): Uint8Array {
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

let startRuntime: Promise<void> | undefined;

function readHashes(folder: string): Record<string, string> {
  const file = path.join(folder, 'sha256.json');
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, string>;
  } catch (cause) {
    throw damaged(`The list of grammars ${file} cannot be read`, cause);
  }
}

function damaged(message: string, cause?: unknown): NearmissError {
  return new NearmissError('engine', message, 'Install Nearmiss again or run npm run build', {
    cause,
  });
}
