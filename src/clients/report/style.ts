/** The report's style sheet: light and dark by the reader's choice, the editor's colours where it is shown there, paper. */
export const style = `
:root { color-scheme: light dark;
  --ground: var(--vscode-editor-background, #ffffff); --ink: var(--vscode-editor-foreground, #1f2328);
  --quiet: #59636e; --rule: #d1d9e0; --raised: #f6f8fa; --accent: #0550ae;
  --better: #116329; --worse: #b31d28; --open: #6e7781; --betterFill: #2da44e; --worseFill: #e5534b; --openFill: #afb8c1; }
@media (prefers-color-scheme: dark) { :root {
  --ground: var(--vscode-editor-background, #0d1117); --ink: var(--vscode-editor-foreground, #e6edf3);
  --quiet: #9198a1; --rule: #3d444d; --raised: #161b22; --accent: #79b8ff;
  --better: #56d364; --worse: #ff8078; --open: #9198a1; --betterFill: #2ea043; --worseFill: #da3633; --openFill: #57606a; } }
body.vscode-light, body.vscode-high-contrast-light { --quiet: #59636e; --rule: #d1d9e0; --raised: #f6f8fa; --accent: #0550ae;
  --better: #116329; --worse: #b31d28; --open: #6e7781; --betterFill: #2da44e; --worseFill: #e5534b; --openFill: #afb8c1; }
body.vscode-dark, body.vscode-high-contrast:where(:not(.vscode-high-contrast-light)) { --quiet: #a8b0b9; --rule: #4d555e; --raised: #80808022; --accent: #79b8ff;
  --better: #56d364; --worse: #ff8078; --open: #a8b0b9; --betterFill: #2ea043; --worseFill: #da3633; --openFill: #6e7681; }
body.vscode-high-contrast { --quiet: var(--ink); --rule: var(--vscode-contrastBorder, currentColor); --raised: transparent;
  --accent: var(--vscode-textLink-foreground, currentColor); --open: var(--ink); }
* { box-sizing: border-box; }
:focus-visible { outline: 2px solid var(--vscode-focusBorder, var(--accent)); outline-offset: 2px; }
body { margin: 0; padding: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 44px 0 8px; padding-top: 12px; border-top: 1px solid var(--rule); }
h3 { font-size: 15px; margin: 20px 0 4px; }
p { margin: 6px 0; max-width: 76ch; }
.quiet, figcaption, caption { color: var(--quiet); }
.verdict { margin: 20px 0; padding: 14px 18px; border-left: 5px solid var(--openFill); background: var(--raised); font-size: 17px; }
.verdict.better { border-color: var(--betterFill); } .verdict.worse { border-color: var(--worseFill); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 10px 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: 4px; }
table.narrow { width: auto; min-width: min(26em, 100%); }
figure { margin: 8px 0; }
th, td { text-align: left; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { font-weight: 600; } thead th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
td.number, th.number { text-align: right; white-space: nowrap; }
.better { color: var(--better); } .worse { color: var(--worse); } .open { color: var(--open); }
.sign { font-weight: 700; white-space: nowrap; }
svg { display: block; max-width: 100%; }
svg.interval { width: 220px; height: 22px; } svg.shares { width: 100%; height: 18px; border-radius: 4px; margin: 8px 0; }
svg.curve, svg.bars { width: 100%; max-width: 640px; height: auto; }
svg .zero, svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .range { stroke: currentColor; stroke-width: 2; } svg .value { fill: currentColor; }
svg.curve { color: var(--accent); } svg .line { fill: none; stroke: currentColor; stroke-width: 2; }
svg .bar { fill: var(--accent); } svg .tick { fill: var(--quiet); font-size: 12px; font-family: inherit; }
svg.shares .better { fill: var(--betterFill); } svg.shares .worse { fill: var(--worseFill); } svg.shares .open { fill: var(--openFill); }
details { border-bottom: 1px solid var(--rule); padding: 8px 0; } summary { cursor: pointer; }
summary .outcome { display: inline-block; min-width: 4.5em; font-weight: 600; }
.orders { display: grid; grid-template-columns: 1fr 1fr; gap: 24px; margin: 8px 0 4px; }
.orders ol { margin: 4px 0; padding-left: 1.8em; } .orders li { overflow-wrap: anywhere; padding: 1px 0; }
.place { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 13px; }
a { color: var(--accent); }
@media (max-width: 640px) { .orders { grid-template-columns: 1fr; gap: 4px; } main { padding: 20px 14px 40px; } }
@media print { :root { color-scheme: light; --ground: #fff; --ink: #000; --quiet: #444; --rule: #bbb; --raised: #f4f4f4;
    --better: #116329; --worse: #b31d28; --open: #555; --accent: #0550ae; }
  details::details-content { content-visibility: visible; block-size: auto; }
  main { max-width: none; padding: 0; } h2 { break-after: avoid; } table, details, svg { break-inside: avoid; } }
`;
