/**
 * What the code splitter knows of each language: its grammar and the patterns that find its definitions.
 *
 * In a pattern `@scope` marks what holds other definitions, `@within` the same where it only continues what
 * is defined elsewhere (an impl block, a namespace), `@callable` what holds statements, `@value` the rest.
 * `@name` is its name, `@declarator` a C declarator to look for the name in, `@owner` a name in front.
 */

export interface CodeLanguage {
  /** Name of the grammar file without "tree-sitter-" and ".wasm". */
  readonly grammar: string;
  /** Tree-sitter query. */
  readonly definitions: string;
  /** Node types that belong to what follows them, besides comments. */
  readonly leading?: readonly string[];
  /** Text at which a leading node of those types begins, where the type alone does not tell. */
  readonly leadingText?: RegExp;
  /** Recognises a comment row, where the grammar puts a comment into the node before it. */
  readonly strayComment?: RegExp;
}

const ecmaScript = `
  (function_declaration name: (_) @name) @callable
  (generator_function_declaration name: (_) @name) @callable
  (class_declaration name: (_) @name) @scope
  (method_definition name: (_) @name) @callable
  (variable_declarator name: (identifier) @name
    value: [(arrow_function) (function_expression) (generator_function)]) @callable
  (variable_declarator name: (identifier) @name value: (class)) @scope
  (pair key: (property_identifier) @name
    value: [(arrow_function) (function_expression) (generator_function)]) @callable
  (assignment_expression left: (member_expression object: (_) @owner property: (_) @name)
    right: [(arrow_function) (function_expression) (generator_function) (class)]) @callable
  (program (lexical_declaration (variable_declarator name: (identifier) @name)) @value)
  (program (variable_declaration (variable_declarator name: (identifier) @name)) @value)
  (program (export_statement
    declaration: (lexical_declaration (variable_declarator name: (identifier) @name)) @value))`;

const javascript = `${ecmaScript}
  (field_definition property: (_) @name value: [(arrow_function) (function_expression)]) @callable`;

const typescript = `${ecmaScript}
  (public_field_definition name: (_) @name value: [(arrow_function) (function_expression)]) @callable
  (function_signature name: (_) @name) @callable
  (abstract_method_signature name: (_) @name) @callable
  (abstract_class_declaration name: (_) @name) @scope
  (interface_declaration name: (_) @name) @scope
  (internal_module name: (_) @name) @scope
  (module name: (_) @name) @scope
  (enum_declaration name: (_) @name) @value
  (type_alias_declaration name: (_) @name) @value`;

const c = `
  (function_definition declarator: (_) @declarator) @callable
  (struct_specifier name: (_) @name body: (_)) @value
  (union_specifier name: (_) @name body: (_)) @value
  (enum_specifier name: (_) @name body: (_)) @value
  (type_definition declarator: (_) @declarator) @value
  (preproc_def name: (_) @name) @value
  (preproc_function_def name: (_) @name) @value
  (translation_unit (declaration declarator: (init_declarator declarator: (_) @declarator)) @value)`;

const cpp = `
  (function_definition declarator: (_) @declarator) @callable
  (class_specifier name: (_) @name body: (_)) @scope
  (struct_specifier name: (_) @name body: (_)) @scope
  (union_specifier name: (_) @name body: (_)) @value
  (enum_specifier name: (_) @name body: (_)) @value
  (namespace_definition name: (_) @name) @within
  (concept_definition name: (_) @name) @value
  (alias_declaration name: (_) @name) @value
  (type_definition declarator: (_) @declarator) @value
  (preproc_def name: (_) @name) @value
  (preproc_function_def name: (_) @name) @value
  (translation_unit (declaration declarator: (init_declarator declarator: (_) @declarator)) @value)`;

const typescriptLeading = ['decorator'];

const languages: Readonly<Record<string, CodeLanguage>> = {
  typescript: { grammar: 'typescript', definitions: typescript, leading: typescriptLeading },
  typescriptreact: { grammar: 'tsx', definitions: typescript, leading: typescriptLeading },
  javascript: { grammar: 'javascript', definitions: javascript, leading: typescriptLeading },
  javascriptreact: { grammar: 'javascript', definitions: javascript, leading: typescriptLeading },
  python: {
    grammar: 'python',
    leading: ['decorator'],
    definitions: `
      (class_definition name: (_) @name) @scope
      (function_definition name: (_) @name) @callable
      (type_alias_statement left: (_) @name) @value
      (module (expression_statement (assignment left: (identifier) @name)) @value)`,
  },
  go: {
    grammar: 'go',
    definitions: `
      (function_declaration name: (_) @name) @callable
      (method_declaration receiver: (parameter_list (parameter_declaration type: (_) @owner))
        name: (_) @name) @callable
      (type_spec name: (_) @name) @value
      (type_alias name: (_) @name) @value
      (source_file (const_declaration (const_spec name: (_) @name) @value))
      (source_file (var_declaration (var_spec name: (_) @name) @value))
      (source_file (var_declaration (var_spec_list (var_spec name: (_) @name) @value)))`,
  },
  rust: {
    grammar: 'rust',
    leading: ['attribute_item', 'inner_attribute_item'],
    definitions: `
      (function_item name: (_) @name) @callable
      (function_signature_item name: (_) @name) @value
      (struct_item name: (_) @name) @value
      (enum_item name: (_) @name) @value
      (union_item name: (_) @name) @value
      (trait_item name: (_) @name) @scope
      (impl_item type: (_) @name) @within
      (mod_item name: (_) @name body: (_)) @scope
      (const_item name: (_) @name) @value
      (static_item name: (_) @name) @value
      (type_item name: (_) @name) @value
      (macro_definition name: (_) @name) @callable`,
  },
  java: {
    grammar: 'java',
    definitions: `
      (class_declaration name: (_) @name) @scope
      (interface_declaration name: (_) @name) @scope
      (enum_declaration name: (_) @name) @scope
      (record_declaration name: (_) @name) @scope
      (annotation_type_declaration name: (_) @name) @scope
      (method_declaration name: (_) @name) @callable
      (constructor_declaration name: (_) @name) @callable
      (compact_constructor_declaration name: (_) @name) @callable
      (field_declaration (modifiers "static" "final")
        declarator: (variable_declarator name: (_) @name)) @value`,
  },
  kotlin: {
    grammar: 'kotlin',
    definitions: `
      (class_declaration name: (_) @name) @scope
      (object_declaration name: (_) @name) @scope
      (companion_object name: (_) @name) @scope
      (function_declaration name: (_) @name) @callable
      (type_alias type: (identifier) @name) @value
      (source_file (property_declaration (variable_declaration (identifier) @name)) @value)`,
  },
  c: { grammar: 'c', definitions: c },
  cpp: {
    grammar: 'cpp',
    definitions: cpp,
    leading: ['template_parameter_list', 'access_specifier'],
  },
  csharp: {
    grammar: 'c-sharp',
    definitions: `
      (namespace_declaration name: (_) @name) @within
      (class_declaration name: (_) @name) @scope
      (struct_declaration name: (_) @name) @scope
      (interface_declaration name: (_) @name) @scope
      (record_declaration name: (_) @name) @scope
      (enum_declaration name: (_) @name) @value
      (delegate_declaration name: (_) @name) @value
      (method_declaration name: (_) @name) @callable
      (constructor_declaration name: (_) @name) @callable
      (destructor_declaration name: (_) @name) @callable
      (local_function_statement name: (_) @name) @callable
      (property_declaration name: (_) @name) @value
      (event_field_declaration (variable_declaration (variable_declarator name: (_) @name))) @value`,
  },
  php: {
    grammar: 'php',
    leading: ['attribute_list'],
    definitions: `
      (namespace_definition name: (_) @name body: (_)) @within
      (class_declaration name: (_) @name) @scope
      (interface_declaration name: (_) @name) @scope
      (trait_declaration name: (_) @name) @scope
      (enum_declaration name: (_) @name) @scope
      (function_definition name: (_) @name) @callable
      (method_declaration name: (_) @name) @callable
      (const_declaration (const_element . (name) @name)) @value`,
  },
  ruby: {
    grammar: 'ruby',
    definitions: `
      (module name: (_) @name) @scope
      (class name: (_) @name) @scope
      (method name: (_) @name) @callable
      (singleton_method name: (_) @name) @callable
      (assignment left: (constant) @name) @value`,
  },
  scala: {
    grammar: 'scala',
    leading: ['annotation'],
    strayComment: /^\s*(?:\/\/|\/\*|\*)/,
    definitions: `
      (class_definition name: (_) @name) @scope
      (trait_definition name: (_) @name) @scope
      (object_definition name: (_) @name) @scope
      (enum_definition name: (_) @name) @scope
      (package_object name: (_) @name) @scope
      (function_definition name: (_) @name) @callable
      (function_declaration name: (_) @name) @value
      (type_definition name: (_) @name) @value
      (template_body (val_definition pattern: (identifier) @name) @value)
      (compilation_unit (val_definition pattern: (identifier) @name) @value)
      (given_definition name: (_) @name) @scope`,
  },
  shellscript: {
    grammar: 'bash',
    definitions: `
      (function_definition name: (_) @name) @callable
      (program (variable_assignment name: (_) @name) @value)
      (program (declaration_command (variable_assignment name: (_) @name)) @value)`,
  },
  lua: {
    grammar: 'lua',
    definitions: `
      (function_declaration name: (_) @name) @callable
      (assignment_statement (variable_list . name: (_) @name)
        (expression_list . value: (function_definition))) @callable
      (field name: (_) @name value: (function_definition)) @callable
      (chunk (variable_declaration
        (assignment_statement (variable_list . name: (_) @name))) @value)`,
  },
  zig: {
    grammar: 'zig',
    definitions: `
      (function_declaration name: (_) @name) @callable
      (test_declaration (string (string_content) @name)) @callable
      (variable_declaration (identifier) @name
        [(struct_declaration) (union_declaration) (opaque_declaration)]) @scope
      (variable_declaration (identifier) @name
        [(enum_declaration) (error_set_declaration)]) @value
      (source_file (variable_declaration . (_)? . (identifier) @name) @value)`,
  },
  elixir: {
    grammar: 'elixir',
    leading: ['unary_operator'],
    leadingText: /^@(?:doc|typedoc|spec|impl|deprecated|since|tag|moduledoc false)\b/,
    definitions: `
      (call target: (identifier) @keyword (arguments . (alias) @name)
        (#any-of? @keyword "defmodule" "defprotocol")) @scope
      (call target: (identifier) @keyword (arguments . (alias) @name)
        (#eq? @keyword "defimpl")) @within
      (call target: (identifier) @keyword (arguments . (call target: (identifier) @name))
        (#any-of? @keyword "def" "defp" "defmacro" "defmacrop" "defguard" "defdelegate")) @callable
      (call target: (identifier) @keyword (arguments . (identifier) @name)
        (#any-of? @keyword "def" "defp" "defmacro" "defmacrop")) @callable
      (call target: (identifier) @keyword
        (arguments . (binary_operator left: (call target: (identifier) @name)))
        (#any-of? @keyword "def" "defp" "defmacro" "defmacrop" "defguard")) @callable`,
  },
  haskell: {
    grammar: 'haskell',
    leading: ['signature', 'haddock', 'pragma'],
    strayComment: /^\s*(?:--|\{-)/,
    definitions: `
      (data_type name: (_) @name) @value
      (newtype name: (_) @name) @value
      (type_synomym name: (_) @name) @value
      (class name: (_) @name) @scope
      (instance name: (_) @name) @within
      (declarations (function name: (_) @name) @callable)
      (declarations (bind name: (_) @name) @callable)
      (declarations (signature name: (_) @name) @callable)
      (class_declarations (signature name: (_) @name) @value)`,
  },
  css: {
    grammar: 'css',
    definitions: `
      (rule_set (selectors) @name) @value
      (media_statement . (_) @name) @scope
      (keyframes_statement (keyframes_name) @name) @value`,
  },
  yaml: {
    grammar: 'yaml',
    strayComment: /^\s*#/,
    definitions: `
      (block_mapping_pair key: (flow_node) @name) @scope`,
  },
  json: { grammar: 'json', definitions: '(pair key: (string (string_content) @name)) @scope' },
  toml: {
    grammar: 'toml',
    strayComment: /^\s*#/,
    definitions: `
      (table . [(bare_key) (dotted_key) (quoted_key)] @name) @scope
      (table_array_element . [(bare_key) (dotted_key) (quoted_key)] @name) @scope`,
  },
  html: {
    grammar: 'html',
    definitions: `
      (element (start_tag (attribute (attribute_name) @keyword
        (quoted_attribute_value (attribute_value) @name))) (#eq? @keyword "id")) @scope`,
  },
};

/** Further identifiers whose text the same grammar reads. */
const aliases: Readonly<Record<string, string>> = {
  jsonc: 'json',
};

/** Languages in which names are keys or selectors: they make a symbol path but define nothing. */
const NAMING_ONLY = new Set(['yaml', 'json', 'jsonc', 'toml', 'html']);

/** What is known of a language; undefined where there is no grammar. */
export function codeLanguage(language: string): CodeLanguage | undefined {
  const id = Object.hasOwn(aliases, language) ? aliases[language]! : language;
  return Object.hasOwn(languages, id) ? languages[id] : undefined;
}

/** A C header may be C++: what its text says decides which grammar reads it. */
export function grammarLanguage(language: string, text: string): string {
  return language === 'c' && CPP_ROW.test(text) ? 'cpp' : language;
}

const CPP_ROW =
  /^[ \t]*(?:namespace(?:[ \t]+\w+)?|class[ \t]+\w+[^;]*$|template[ \t]*<|using[ \t]+\w+|(?:public|private|protected):)/m;

/** True where named parts count as definitions of their names. */
export function hasDefinitions(language: string): boolean {
  return !NAMING_ONLY.has(language);
}

/** Identifiers of all languages that are split by their syntax, sorted. */
export function languagesWithGrammar(): string[] {
  return [...Object.keys(languages), ...Object.keys(aliases)].sort();
}
