/** The page that holds the panel. Everything it may load is named in its policy; the rest of the page is script. */

export interface PanelPage {
  /** Fresh for each page; lets our script run and no other. */
  readonly nonce: string;
  /** Where the webview serves our files from. */
  readonly cspSource: string;
  readonly language: string;
  readonly script: string;
  readonly styles: readonly string[];
}

export function panelHtml({ nonce, cspSource, language, script, styles }: PanelPage): string {
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource}`,
    `font-src ${cspSource}`,
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escapeAttribute(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeAttribute(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Nearmiss</title>
${styles.map((href) => `<link rel="stylesheet" href="${escapeAttribute(href)}">`).join('\n')}
</head>
<body>
<main id="panel"></main>
<script nonce="${nonce}" src="${escapeAttribute(script)}"></script>
</body>
</html>
`;
}

function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
