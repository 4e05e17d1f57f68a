/**
 * Which language a file is in: by its name, its extension, else its first line ("#!/usr/bin/env python").
 * Identifiers are those editors use, so that a filter `lang:typescriptreact` means what people expect.
 */

/** The language identifier of a file, "plaintext" where nothing is known. `firstLine` is looked at only where the name says nothing. */
export function languageOf(path: string, firstLine = ''): string {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  return (
    languageByName.get(name) ??
    byNamePattern(name) ??
    byExtension(name) ??
    byFirstLine(firstLine) ??
    'plaintext'
  );
}

/** Every identifier that `languageOf` can give, sorted. */
export function knownLanguages(): string[] {
  const ids = new Set([...languageByName.values(), ...languageByExtension.values(), 'plaintext']);
  return [...ids].sort();
}

/** "api.d.ts" is asked as "d.ts", then "ts": the longest extension that is known wins. */
function byExtension(name: string): string | undefined {
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const language = languageByExtension.get(name.slice(dot + 1));
    if (language !== undefined) return language;
  }
  return undefined;
}

function byNamePattern(name: string): string | undefined {
  if (/^(?:dockerfile|containerfile)[.-]/.test(name)) return 'dockerfile';
  if (/^makefile[.-]/.test(name)) return 'makefile';
  if (/^\.env(?:\.|$)/.test(name)) return 'properties';
  if (/^[tj]sconfig\..+\.json$/.test(name)) return 'jsonc';
  return undefined;
}

/** Longest first line looked at, in characters: an interpreter line is short, a minified file's line is not. */
const FIRST_LINE_LIMIT = 200;

function byFirstLine(firstLine: string): string | undefined {
  const line = firstLine.slice(0, FIRST_LINE_LIMIT);
  if (line.startsWith('#!')) return byInterpreter(line.slice(2));
  if (line.startsWith('<?xml')) return 'xml';
  if (line.startsWith('<?php')) return 'php';
  if (/^<!doctype html/i.test(line)) return 'html';
  const modeline = /-\*-\s*(?:mode:\s*)?([\w+#-]+)\s*(?:;|-\*-)/i.exec(line);
  return modeline ? languageByInterpreter.get(modeline[1]!.toLowerCase()) : undefined;
}

function byInterpreter(command: string): string | undefined {
  const words = command.trim().split(/\s+/);
  const isEnv = /(?:^|\/)env$/.test(words[0] ?? '');
  const program = isEnv
    ? words.slice(1).find((word) => !word.startsWith('-') && !word.includes('='))
    : words[0];
  const name = program?.slice(program.lastIndexOf('/') + 1).toLowerCase() ?? '';
  return languageByInterpreter.get(name) ?? languageByInterpreter.get(name.replace(/[\d.]+$/, ''));
}

/** Turns "id: a b c" lines into a map from each word to its identifier. */
function table(lines: string): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const line of lines.trim().split('\n')) {
    const [language, words] = line.trim().split(': ');
    for (const word of words!.split(' ')) map.set(word, language!);
  }
  return map;
}

const languageByExtension = table(`
  typescript: ts mts cts
  typescriptreact: tsx
  javascript: js mjs cjs es6
  javascriptreact: jsx
  python: py pyi pyw pyx pxd bzl bazel star
  go: go
  rust: rs
  java: java jav
  kotlin: kt kts
  groovy: groovy gradle gvy
  c: c h
  cpp: cpp cc cxx c++ hpp hh hxx h++ ipp inl tpp cppm ixx ino cu cuh
  csharp: cs csx cake
  fsharp: fs fsi fsx
  vb: vb bas vbs
  php: php php3 php4 php5 phtml
  ruby: rb rbi rake gemspec podspec ru erb
  swift: swift
  scala: scala sc sbt
  shellscript: sh bash zsh ksh ash bats fish ebuild
  powershell: ps1 psm1 psd1
  bat: bat cmd
  lua: lua luau rockspec
  zig: zig zon
  elixir: ex exs eex heex leex
  erlang: erl hrl escript
  haskell: hs lhs hsc
  ocaml: ml mli mll mly
  clojure: clj cljs cljc edn
  lisp: lisp lsp cl el
  scheme: scm ss rkt
  sql: sql ddl dml pgsql plsql psql mysql
  css: css pcss postcss
  scss: scss
  sass: sass
  less: less
  html: html htm xhtml shtml
  pdf: pdf
  docx: docx
  epub: epub
  handlebars: hbs handlebars mustache
  jinja: j2 jinja jinja2
  pug: pug jade
  yaml: yaml yml
  toml: toml
  json: json geojson webmanifest har ndjson jsonl avsc topojson
  jsonc: jsonc json5 code-workspace code-snippets hujson
  markdown: md markdown mdown mkd mdx mdc qmd rmd
  restructuredtext: rst rest
  asciidoc: adoc asciidoc asc
  latex: tex ltx sty cls bib
  org: org
  jupyter: ipynb
  dockerfile: dockerfile containerfile
  makefile: mk mak make
  cmake: cmake
  perl: pl pm pod t
  r: r
  julia: jl
  dart: dart
  proto: proto
  thrift: thrift
  graphql: graphql gql graphqls
  vue: vue
  svelte: svelte
  astro: astro
  xml: xml xsd xsl xslt svg plist csproj vbproj fsproj props targets wsdl xaml pom nuspec resx storyboard xib
  ini: ini cfg conf editorconfig gitconfig desktop service
  properties: properties env
  terraform: tf tfvars hcl nomad
  nix: nix
  objective-c: m
  objective-cpp: mm
  glsl: glsl vert frag geom comp tesc tese
  hlsl: hlsl fx
  wgsl: wgsl
  verilog: v vh
  systemverilog: sv svh
  vhdl: vhd vhdl
  asm: asm s
  solidity: sol
  nim: nim nims
  crystal: cr
  d: d
  pascal: pas pp dpr
  fortran: f f90 f95 f03 f08 for
  ada: adb ads
  tcl: tcl
  viml: vim
  coffeescript: coffee
  prisma: prisma
  bicep: bicep
  starlark: bzlmod
  rego: rego
  cue: cue
  jsonnet: jsonnet libsonnet
  diff: diff patch
  csv: csv tsv
  log: log
  plaintext: txt text
`);

const languageByName = table(`
  dockerfile: dockerfile containerfile
  makefile: makefile gnumakefile bsdmakefile justfile
  cmake: cmakelists.txt
  ruby: gemfile rakefile podfile fastfile vagrantfile brewfile guardfile capfile
  groovy: jenkinsfile
  python: sconstruct sconscript wscript build workspace snakefile
  toml: cargo.lock poetry.lock pipfile uv.lock pdm.lock
  json: .babelrc composer.lock flake.lock pipfile.lock .prettierrc .stylelintrc .jscsrc package-lock.json .watchmanconfig
  jsonc: tsconfig.json jsconfig.json .eslintrc .eslintrc.json .jshintrc .swcrc devcontainer.json
  yaml: .clang-format .clang-tidy yarn.lock .gemrc
  ini: .editorconfig .gitconfig .gitmodules .npmrc .flake8 .pylintrc .coveragerc setup.cfg tox.ini
  ignore: .gitignore .dockerignore .npmignore .nearmissignore .prettierignore .eslintignore .vscodeignore .gitattributes
  shellscript: .bashrc .bash_profile .zshrc .zprofile .profile pkgbuild apkbuild .envrc
  go: go.mod go.sum go.work
  elixir: mix.lock
  viml: .vimrc
  markdown: readme contributing changelog
  plaintext: license copying notice authors requirements.txt robots.txt
`);

const languageByInterpreter = table(`
  python: python python2 python3 pypy pypy3 uv
  javascript: node nodejs deno bun
  typescript: ts-node tsx
  shellscript: sh bash zsh ksh dash ash fish bats shell-script
  ruby: ruby jruby
  perl: perl
  php: php
  lua: lua luajit
  r: rscript r
  julia: julia
  elixir: elixir
  erlang: escript
  haskell: runhaskell runghc stack
  groovy: groovy
  scala: scala
  kotlin: kotlin kotlinc
  swift: swift
  powershell: pwsh powershell
  makefile: make
  tcl: tclsh wish
  dart: dart
  go: go
  cpp: c++
  c: c
  lisp: sbcl emacs-lisp
  awk: awk gawk
`);
