/**
 * How plain functions get at the reader's language: they are given `vscode.l10n.t`, or in tests the English
 * words themselves. The message is always a literal, so that a test can find every one of them.
 */

/** The words in the reader's language, `{0}`, `{1}`... replaced. */
export type Translate = (message: string, ...args: (string | number)[]) => string;

/** What `vscode.l10n.t` gives where there is no translation. */
export const english: Translate = (message, ...args) =>
  message.replaceAll(/\{(\d+)\}/g, (whole, index: string) => String(args[Number(index)] ?? whole));
