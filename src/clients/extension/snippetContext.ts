/** A snippet begins in the middle of a file, perhaps inside a comment: what has to stand before it to be coloured right. */

/** Languages with C's block comments. */
const blockComments =
  /^(typescript|tsx|javascript|jsx|go|rust|java|kotlin|groovy|c|cpp|csharp|php|swift|scala|css|scss|less|dart|proto|objective-c|objective-cpp|glsl|hlsl|wgsl|verilog|system-verilog)$/;
/** A comment's inner line as most people write them: " * text". */
const innerLine = /^\s*\*(?:\s|\/|$)/;

/** Text to put before the snippet, and how many lines of the result belong to it. */
export function opened(
  text: string,
  language: string,
): { readonly prefix: string; readonly skippedLines: number } {
  const none = { prefix: '', skippedLines: 0 };
  if (language === 'php' && !text.includes('<?')) return { prefix: '<?php\n', skippedLines: 1 };
  if (!blockComments.test(language)) return none;
  const end = text.indexOf('*/');
  const start = text.indexOf('/*');
  const endsFirst = end >= 0 && (start < 0 || end < start);
  const [firstLine = ''] = text.split('\n');
  const isInside = endsFirst || (start < 0 && innerLine.test(firstLine));
  return isInside ? { prefix: '/*\n', skippedLines: 1 } : none;
}
