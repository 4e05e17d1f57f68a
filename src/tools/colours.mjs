// Grammars for colouring the panel's snippets: one file a grammar in dist/colours, read when a language first needs
// it, and index.json, which says what each language needs. Taken from shiki, where each grammar's licence is checked.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { bundledLanguages } from 'shiki/langs';

/** Our language identifiers, "ours=theirs" where shiki has another name. */
const languages =
  `typescript typescriptreact=tsx javascript javascriptreact=jsx python go rust java kotlin groovy c cpp
  csharp fsharp vb php ruby swift scala shellscript powershell bat lua zig elixir erlang haskell ocaml clojure
  lisp=common-lisp scheme sql css scss sass less html handlebars jinja pug yaml toml json jsonc markdown
  restructuredtext=rst latex jupyter=json dockerfile=docker makefile=make cmake perl r julia dart proto graphql vue
  svelte astro xml ini properties=ini terraform nix objective-c objective-cpp glsl hlsl wgsl verilog
  systemverilog=system-verilog vhdl`
    .split(/\s+/)
    .map((pair) => pair.split('='))
    .map(([ours, theirs = ours]) => [ours, theirs]);

/** Grammars that name dozens of others for what may stand inside; a snippet does without. */
const alone = /^(ruby|rst|julia|perl|elixir|graphql|php|handlebars|pug|vue|astro|svelte)$/;
const keptInside = /^(html|css|javascript|php)$/;

/** Writes the grammars below a folder and returns the path that names where they come from. */
export async function copyColours(root, outdir) {
  const folder = path.join(outdir, 'colours');
  fs.mkdirSync(folder, { recursive: true });
  const index = {};
  for (const [ours, theirs] of languages) {
    const { default: grammars } = await bundledLanguages[theirs]();
    const needed = new Map(grammars.map((grammar) => [grammar.name, grammar]));
    const own = grammars.at(-1);
    const kept = [...needed.values()].filter(
      ({ name }) => name === own.name || !alone.test(theirs) || keptInside.test(name),
    );
    for (const grammar of kept)
      fs.writeFileSync(path.join(folder, `${grammar.name}.json`), JSON.stringify(grammar));
    index[ours] = { language: own.name, grammars: kept.map(({ name }) => name) };
  }
  fs.writeFileSync(path.join(folder, 'index.json'), `${JSON.stringify(index, null, 1)}\n`);
  return [path.join(root, 'node_modules/@shikijs/langs/package.json')];
}
