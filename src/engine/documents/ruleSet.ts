/**
 * The rules of one ignore file in gitignore syntax. The `ignore` package knows the syntax; this file makes it
 * answer the question a walk asks: which line of this file, if any, decides about exactly this path? Whether a
 * parent folder is ignored is the walk's business, because a rule of another file may have let it back in.
 */
import ignore, { type Ignore } from 'ignore';

/** A line of an ignore file. `file` is as a person knows it, `line` counts from 1. */
export interface Rule {
  readonly file: string;
  readonly line: number;
  readonly pattern: string;
}

/** The rule that decides, and what it says. */
export interface RuleMatch {
  readonly rule: Rule;
  readonly isIgnored: boolean;
}

interface Line {
  readonly rule: Rule;
  readonly isIgnored: boolean;
  /** Made when first asked: most files are never asked line by line. */
  matcher?: Ignore;
}

/** The package remembers each path it was asked for; after so many the memory is dropped. */
const CACHE_LIMIT = 4096;

export class RuleSet {
  private readonly lines: Line[] = [];
  private anyLine: Ignore;
  private askedCount = 0;

  /** `file` names the source in rules; `text` is its content. */
  constructor(
    file: string,
    text: string,
    private readonly ignoreCase: boolean,
  ) {
    const source = text.startsWith('\ufeff') ? text.slice(1) : text;
    for (const [index, raw] of source.split('\n').entries()) {
      const pattern = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (pattern.trim() === '' || pattern.startsWith('#')) continue;
      const rule = { file, line: index + 1, pattern };
      this.lines.push({ rule, isIgnored: !pattern.startsWith('!') });
    }
    this.anyLine = this.matcherOf(this.lines);
  }

  get isEmpty(): boolean {
    return this.lines.length === 0;
  }

  /** The last line that matches the path itself; `path` is relative to the file's folder, a folder ends in `/`. */
  match(path: string): RuleMatch | undefined {
    const target = asBytes(path);
    if (!isMatchedBy(this.fresh(), target)) return undefined;
    for (let i = this.lines.length - 1; i >= 0; i--) {
      const line = this.lines[i]!;
      line.matcher ??= this.matcherOf([line]);
      if (isMatchedBy(line.matcher, target)) return { rule: line.rule, isIgnored: line.isIgnored };
    }
    return undefined;
  }

  private fresh(): Ignore {
    if (++this.askedCount % CACHE_LIMIT === 0) {
      this.anyLine = this.emptyMatcher().add(this.anyLine);
      for (const line of this.lines) line.matcher = undefined;
    }
    return this.anyLine;
  }

  // Every line is given to the package as a negative one. Then no folder ever counts as ignored, so a path is
  // judged by itself, and `unignored` says that a line matched.
  private matcherOf(lines: readonly Line[]): Ignore {
    const negated = lines.map(({ rule, isIgnored }) => (isIgnored ? '!' : '') + rule.pattern);
    return this.emptyMatcher().add(asBytes(negated.join('\n')));
  }

  private emptyMatcher(): Ignore {
    return ignore({ ignoreCase: this.ignoreCase, allowRelativePaths: true });
  }
}

function isMatchedBy(matcher: Ignore, path: string): boolean {
  return matcher.test(path).unignored;
}

/** For git `?` is a byte, not a character: text beyond ASCII becomes a string with one character a byte. */
function asBytes(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
