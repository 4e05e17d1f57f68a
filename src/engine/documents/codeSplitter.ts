/**
 * Cuts program text along its syntax tree. The tree gives blocks (blocks.ts) and a query its definitions;
 * which neighbours share a chunk is decided in packing.ts. Errors in a tree are normal, in C++ headers above
 * all: an error node is a block like any other.
 */
import type { Node, QueryCapture, Tree } from 'web-tree-sitter';
import type { Block } from './blocks';
import type { CodeLanguage } from './codeLanguages';
import type { Grammar } from './grammars';
import type { Lines } from './lines';
import type { Definition } from './symbols';

/** What a splitter finds in a text before chunks are packed. */
export interface Outline {
  readonly blocks: readonly Block[];
  readonly definitions: readonly Definition[];
}

/** Longer texts are generated or data as a rule, and a parse of them is felt. */
const MAX_PARSED_CHARACTERS = 1_000_000;
/**
 * Steps after which a parse is given up; a megabyte of ordinary code takes 8,000 of about .1 ms. Counted, not
 * timed: a busy machine must cut a file as a quiet one does.
 */
const MAX_PARSE_STEPS = 20_000;
/** The parser recurses where nesting is ambiguous; its stack of 64 KB ends at some 3,000 levels. */
const MAX_NESTING = 1_000;

/**
 * Calls `use` with the outline of program text and gives its result; undefined where the text is too long
 * or too deep, or its parse takes too many steps. The outline is gone when `use` returns. Throws a
 * WebAssembly.RuntimeError when the runtime is beyond use.
 */
export function outlineCode<T>(
  lines: Lines,
  grammar: Grammar,
  use: (outline: Outline) => T,
): T | undefined {
  if (lines.text.length > MAX_PARSED_CHARACTERS || isTooDeep(lines.text)) return undefined;
  const tree = parse(lines.text, grammar);
  if (!tree) return undefined;
  try {
    const found = findDefinitions(tree, grammar, lines);
    const context: Context = { lines, rules: grammar.rules, roles: found.roles };
    const blocks = nodeBlocks(tree.rootNode.children, context);
    return use({ blocks, definitions: found.definitions });
  } finally {
    tree.delete();
  }
}

function parse(text: string, { parser, language }: Grammar): Tree | undefined {
  let stepCount = 0;
  parser.setLanguage(language);
  const tree = parser.parse(text, null, {
    progressCallback: () => ++stepCount > MAX_PARSE_STEPS,
  });
  // A parse that was given up would go on with the next text.
  if (!tree) parser.reset();
  return tree ?? undefined;
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x28 || code === 0x5b || code === 0x7b) {
      if (++depth > MAX_NESTING) return true;
    } else if ((code === 0x29 || code === 0x5d || code === 0x7d) && depth > 0) depth--;
  }
  return false;
}

interface Context {
  readonly lines: Lines;
  readonly rules: CodeLanguage;
  /** What opening a node means for cuts inside it, by node id. */
  readonly roles: ReadonlyMap<number, Definition['role']>;
}

class NodeBlock implements Block {
  readonly start: number;
  readonly end: number;
  readonly role: Block['role'];
  readonly opens: Block['opens'];
  readonly reachesOver: boolean;

  constructor(
    private readonly node: Node,
    private readonly context: Context,
    end: number,
  ) {
    this.start = node.startPosition.row;
    this.end = end;
    this.role = roleOf(node, context.rules);
    this.reachesOver = this.role === 'leading' && isDocComment(context.lines, this.start, end);
    const role = context.roles.get(node.id);
    this.opens = role === undefined || role === 'value' ? 'nothing' : role;
  }

  children(): readonly Block[] {
    return nodeBlocks(this.node.children, this.context);
  }
}

function nodeBlocks(nodes: readonly Node[], context: Context): Block[] {
  return nodes.map((node) => new NodeBlock(node, context, lastRowOf(node, context) + 1));
}

/** The last row with text of the node: grammars let nodes end behind their line break or in its successor. */
function lastRowOf(node: Node, { lines, rules }: Context): number {
  const first = node.startPosition.row;
  const { row, column } = node.endPosition;
  let last = row > first && lines.indentation(row) >= column ? row - 1 : row;
  while (last > first && lines.isBlank(last)) last--;
  if (!rules.strayComment) return last;
  let beforeComment = last;
  while (beforeComment > first && rules.strayComment.test(lines.rowText(beforeComment))) {
    beforeComment--;
  }
  return beforeComment > first || !rules.strayComment.test(lines.rowText(first))
    ? beforeComment
    : last;
}

function roleOf(node: Node, rules: CodeLanguage): Block['role'] {
  const { type } = node;
  if (!node.isNamed) return CLOSING.test(type) ? 'closing' : 'body';
  if (type.includes('comment')) return 'leading';
  if (!rules.leading?.includes(type)) return 'body';
  return !rules.leadingText || rules.leadingText.test(node.text) ? 'leading' : 'body';
}

/** Brackets and end words; an opening brace on a row of its own belongs to what is above it too. */
const CLOSING = /^(?:[)\]}>;,:{]+|end|fi|done|esac)$/;

const ROLES: Readonly<Record<string, { role: Definition['role']; isDefining: boolean }>> = {
  scope: { role: 'scope', isDefining: true },
  within: { role: 'scope', isDefining: false },
  callable: { role: 'callable', isDefining: true },
  value: { role: 'value', isDefining: true },
};

function findDefinitions(
  tree: Tree,
  grammar: Grammar,
  lines: Lines,
): { definitions: Definition[]; roles: Map<number, Definition['role']> } {
  const roles = new Map<number, Definition['role']>();
  const byPlace = new Map<string, Definition>();
  for (const { captures } of grammar.definitions.matches(tree.rootNode)) {
    const body = captures.find((capture) => capture.name in ROLES);
    const names = body ? namesOf(captures) : undefined;
    if (!body || !names || names.path.length === 0) continue;
    const { node } = body;
    const { role, isDefining } = ROLES[body.name]!;
    const place = `${node.startIndex}-${node.endIndex} ${names.path.at(-1)}`;
    if (byPlace.has(place)) continue;
    roles.set(node.id, role);
    byPlace.set(place, {
      start: firstLeadingRow(lines, node.startPosition.row),
      end: lastRowOf(node, { lines, rules: grammar.rules, roles }) + 1,
      from: node.startIndex,
      to: node.endIndex,
      names: names.path,
      nameRow: names.row,
      role,
      isDefining,
    });
  }
  return { definitions: joinEquations([...byPlace.values()]), roles };
}

/** The first of the comment, decorator and attribute rows directly above a definition. */
function firstLeadingRow(lines: Lines, row: number): number {
  let first = row;
  if (first > 1 && lines.isBlank(first - 1) && /\*\/\s*$/.test(lines.rowText(first - 2))) {
    first--;
  }
  const behind = first;
  while (first > 0 && LEADING_ROW.test(lines.rowText(first - 1))) first--;
  return behind === row || isDocComment(lines, first, behind) ? first : row;
}

/** Some put a blank row below their doc comments. A long one is the file's own, licence and all. */
function isDocComment(lines: Lines, start: number, end: number): boolean {
  return end - start <= MAX_DOC_COMMENT_ROWS && /^\s*\/\*\*(?!\/)/.test(lines.rowText(start));
}

const MAX_DOC_COMMENT_ROWS = 15;

/** Directives of a preprocessor begin like comments of other languages and stand for themselves. */
const LEADING_ROW =
  /^\s*(?:template\s*<|\/\/|\/\*|\*|--|\{-|@\w|\[\w.*\]$|#(?!\s*(?:include|define|undef|if|el|end|pragma|region|error|line)))/;

/** Neighbours of one name are one definition: the equations of a Haskell function, its signature before them. */
function joinEquations(definitions: readonly Definition[]): Definition[] {
  const joined: Definition[] = [];
  for (const each of [...definitions].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    const isNext = last && each.from >= last.to && each.start <= last.end;
    if (isNext && last.role === 'callable' && last.names.join() === each.names.join()) {
      const end = Math.max(last.end, each.end);
      joined[joined.length - 1] = { ...last, end, to: each.to, isJoined: true };
    } else joined.push(each);
  }
  return joined;
}

interface FoundNames {
  readonly path: string[];
  readonly row: number;
}

function namesOf(captures: readonly QueryCapture[]): FoundNames | undefined {
  const capture = captures.find(({ name }) => name === 'name' || name === 'declarator');
  if (!capture) return undefined;
  const node = capture.name === 'name' ? capture.node : declaredName(capture.node);
  if (!node) return undefined;
  const owner = captures.find(({ name }) => name === 'owner');
  const body = captures.find(({ name }) => name in ROLES);
  const text = capture.name === 'name' ? node.text : lastWord(node.text);
  const path = nameParts(text, body?.name === 'callable');
  const ownerName = owner ? ownerIn(owner.node.text) : undefined;
  return { path: ownerName ? [ownerName, ...path] : path, row: node.startPosition.row };
}

/** `s *Server[T]` and `Cache.prototype` say whose a callable is; `exports` and `this` do not. */
function ownerIn(text: string): string | undefined {
  const words = text.slice(0, MAX_NAME_CHARACTERS).match(/[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? [];
  return words.find((word) => !/^(?:exports|module|this|self|window|globalThis|root)$/.test(word));
}

/** From `*(name)(int)` to the node of `name`. */
function declaredName(declarator: Node): Node | undefined {
  let node: Node | null = declarator;
  for (let depth = 0; node && depth < 20; depth++) {
    if (/identifier$|_name$|^operator_cast$|^template_function$/.test(node.type)) return node;
    const inner: Node | null = node.childForFieldName('declarator');
    node =
      inner ?? node.namedChildren.find((child) => /declarator|identifier/.test(child.type)) ?? null;
  }
  return undefined;
}

const MAX_NAME_CHARACTERS = 100;

/** `Foo::bar` gives both names, `M.open` of a callable too; type arguments and quotes go. */
function nameParts(text: string, isCallable: boolean): string[] {
  const plain = text
    .replace(/,?\s*\n[^]*$/, '')
    .replace(/^(["'`])(.*)\1$/, '$2')
    .replace(/^:/, '')
    .slice(0, MAX_NAME_CHARACTERS);
  const isWord = /^[\p{L}\p{N}_$.:#?!*&<>,' ~]+$/u.test(plain);
  if (!isWord || /operator/.test(plain)) return plain === '' ? [] : [plain];
  const bare = plain.replace(/<.*>$/, '');
  const parts = bare.split(isCallable ? /::|[.:]/ : /::/).filter((part) => part !== '');
  return parts.length > 0 ? parts : [plain];
}

/** Where a macro stands before a name the parser takes both for the name: the last word is it. */
function lastWord(text: string): string {
  return /\boperator\b/.test(text) ? text : (text.trim().split(/\s+/).at(-1) ?? text);
}
