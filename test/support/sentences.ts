/**
 * The sentences in the text of a source: every literal that reads like words for a person, `{}` where a template puts
 * something in, and what it is given to. Read with the product's own grammar, so that comments, expressions and
 * templates inside templates are told apart.
 */
import type { Node } from 'web-tree-sitter';
import { defaultGrammarFolder, Grammars } from '../../src/engine/documents/grammars';

export interface SaidSentence {
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** What the literal is an argument of, innermost first: "t", "log.info", "BugError". */
  readonly callees: readonly string[];
  /** The property that it is the value of: "what". */
  readonly key?: string;
}

export class SentenceReader {
  private constructor(private readonly grammars: Grammars) {}

  static async open(): Promise<SentenceReader> {
    return new SentenceReader(await Grammars.open(defaultGrammarFolder()));
  }

  dispose(): void {
    this.grammars.dispose();
  }

  async sentencesOf(source: string): Promise<SaidSentence[]> {
    const grammar = await this.grammars.of('typescript');
    if (!grammar) throw new Error(this.grammars.damaged.join(', '));
    grammar.parser.setLanguage(grammar.language);
    const tree = grammar.parser.parse(source);
    if (!tree) throw new Error('no tree');
    try {
      return [...walk(tree.rootNode, [])];
    } finally {
      tree.delete();
    }
  }
}

function* walk(node: Node, callees: readonly string[]): Generator<SaidSentence> {
  if (node.type === 'import_statement' || node.type === 'literal_type') return;
  if (node.type === 'string' || node.type === 'template_string') {
    const text = textOf(node);
    const parent = node.parent;
    const key = parent?.type === 'pair' ? parent.childForFieldName('key')?.text : undefined;
    if (isProse(text))
      yield { text, line: node.startPosition.row + 1, callees, ...(key !== undefined && { key }) };
  }
  const callee = calleeOf(node);
  for (const child of node.namedChildren) {
    if (!child) continue;
    const isArguments = callee !== undefined && child.type === 'arguments';
    yield* walk(child, isArguments ? [callee, ...callees] : callees);
  }
}

function calleeOf(node: Node): string | undefined {
  if (node.type === 'call_expression') return node.childForFieldName('function')?.text;
  if (node.type === 'new_expression') return node.childForFieldName('constructor')?.text;
  return undefined;
}

function textOf(node: Node): string {
  return node.namedChildren
    .map((child) => {
      if (child?.type === 'template_substitution') return '{}';
      return child?.type === 'escape_sequence' ? unescaped(child.text) : (child?.text ?? '');
    })
    .join('');
}

function unescaped(sequence: string): string {
  return sequence === '\\n' ? '\n' : sequence.slice(1);
}

/** Two words side by side, one of them of small letters. */
function isProse(text: string): boolean {
  return /\p{L}{2,}[’']?\p{L}*[,:;]? \(?[“"`]?\p{Ll}{2,}|\{\} \p{Ll}{2,}|\p{Ll}{2,}:? \(?["“`]?\{\}/u.test(
    text,
  );
}
