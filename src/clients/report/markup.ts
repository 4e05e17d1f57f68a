/**
 * Safe HTML by tagged templates: whatever is put into a template is escaped, unless it is markup itself. Nothing in a
 * report may become an element, whatever a query, a path or a symbol is called.
 */

export interface Markup {
  readonly markup: string;
}

export type Part = Markup | string | number | undefined | false | readonly Part[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters that turn text around or hide it; shown as their code instead. */
const invisible = /(?![\t\n])[\p{Cc}\p{Cf}]/gu;

export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return {
    markup: literals
      .map((literal, index) => (index ? render(parts[index - 1]) : '') + literal)
      .join(''),
  };
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll(
      invisible,
      (sign) => `U+${sign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`,
    )
    .replaceAll(/[&<>"']/gu, (sign) => entities[sign]!);
}

function render(part: Part): string {
  if (part === undefined || part === false) return '';
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return 'markup' in part ? part.markup : part.map(render).join('');
}
