import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownLanguages, languageOf } from '../../../src/engine/documents/language';

function check(expected: Readonly<Record<string, string>>): void {
  const actual = Object.fromEntries(Object.keys(expected).map((file) => [file, languageOf(file)]));
  assert.deepEqual(actual, expected);
}

test('knows languages by extension, the longest known one, in any case', () => {
  check({
    'a.ts': 'typescript',
    'a.d.ts': 'typescript',
    'A.TSX': 'typescriptreact',
    'a.mjs': 'javascript',
    'a.jsx': 'javascriptreact',
    'src/x.py': 'python',
    'a.go': 'go',
    'a.rs': 'rust',
    'A.java': 'java',
    'a.kt': 'kotlin',
    'a.h': 'c',
    'a.hpp': 'cpp',
    'a.cs': 'csharp',
    'a.php': 'php',
    'a.rb': 'ruby',
    'a.swift': 'swift',
    'a.scala': 'scala',
    'a.sh': 'shellscript',
    'a.lua': 'lua',
    'a.zig': 'zig',
    'a.exs': 'elixir',
    'a.hs': 'haskell',
    'a.sql': 'sql',
    'a.css': 'css',
    'a.yml': 'yaml',
    'a.toml': 'toml',
    'a.json': 'json',
    'a.md': 'markdown',
    'a.rst': 'restructuredtext',
    'a.adoc': 'asciidoc',
    'a.ipynb': 'jupyter',
    'a.bin': 'plaintext',
    'a.min.js': 'javascript',
    '.eslintrc.json': 'jsonc',
  });
});

test('knows languages by file name', () => {
  check({
    Makefile: 'makefile',
    Dockerfile: 'dockerfile',
    'Dockerfile.dev': 'dockerfile',
    'CMakeLists.txt': 'cmake',
    Gemfile: 'ruby',
    'tsconfig.json': 'jsonc',
    'tsconfig.build.json': 'jsonc',
    'package.json': 'json',
    'Cargo.lock': 'toml',
    '.gitignore': 'ignore',
    'requirements.txt': 'plaintext',
    LICENSE: 'plaintext',
    README: 'markdown',
    '.bashrc': 'shellscript',
    'go.mod': 'go',
  });
});

test('knows scripts by their first line, and only where the name says nothing', () => {
  assert.equal(languageOf('run', '#!/bin/bash -e'), 'shellscript');
  assert.equal(languageOf('run', '#!/usr/bin/env -S node --no-warnings'), 'javascript');
  assert.equal(languageOf('run', '#!/usr/bin/python3.12'), 'python');
  assert.equal(languageOf('run', '#! /usr/bin/env FOO=1 ruby'), 'ruby');
  assert.equal(languageOf('page', '<!DOCTYPE html>'), 'html');
  assert.equal(languageOf('feed', '<?xml version="1.0"?>'), 'xml');
  assert.equal(languageOf('tool', '-- -*- mode: lua -*-'), 'lua');
  assert.equal(languageOf('a.ts', '#!/usr/bin/env python'), 'typescript');
  assert.equal(languageOf('run', '#!'), 'plaintext');
});

test('does not take a folder or a whole name for an extension', () => {
  check({
    'a.py/readable': 'plaintext',
    ts: 'plaintext',
    '.ts': 'typescript',
    'x.': 'plaintext',
    '': 'plaintext',
  });
});

test('names each language in one spelling', () => {
  const languages = knownLanguages();
  assert.ok(languages.length > 80);
  assert.deepEqual(
    languages.filter((id) => !/^[a-z][a-z-]*$/.test(id)),
    [],
  );
});
