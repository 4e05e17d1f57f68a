/** What a source file imports, read from its text; type imports count, they tie rooms together as well. */

/** Module specifiers in order of appearance: imports, re-exports, dynamic imports and `require`. */
export function importedModules(source: string): string[] {
  return [...blankComments(source).matchAll(importPattern)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? '',
  );
}

const importPattern = new RegExp(
  [
    String.raw`\b(?:import|export)\s+(?:type\s+)?(?:[\w$*{][^'"\x60;]*?\s)??from\s*['"]([^'"]+)['"]`,
    String.raw`\bimport\s*['"]([^'"]+)['"]`,
    String.raw`\b(?:import|require(?:\.resolve)?)\s*\(\s*['"]([^'"]+)['"]`,
  ].join('|'),
  'g',
);

/** Comments become blanks, strings stay: `'//'` inside a string is no comment. */
function blankComments(source: string): string {
  return source.replace(
    /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[^]*?\*\//g,
    (whole: string, text: string | undefined) => text ?? ' '.repeat(whole.length),
  );
}
