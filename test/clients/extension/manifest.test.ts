/** What the manifest promises to the editor is what the code does: commands, settings, files. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { type Setting, settingsTable } from '../../../src/clients/extension/settingsTable';

interface Property {
  readonly type: string;
  readonly default: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  readonly scope: string;
  readonly order: number;
  readonly markdownDescription?: string;
  readonly description?: string;
}

interface Keybinding {
  readonly command: string;
  readonly key: string;
  readonly mac?: string;
  readonly when?: string;
}

interface Manifest {
  readonly main: string;
  readonly engines: { readonly vscode: string };
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly capabilities: {
    readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] };
  };
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, Property>> };
    readonly menus: Readonly<
      Record<string, readonly { readonly command: string; readonly when?: string }[]>
    >;
    readonly keybindings: readonly Keybinding[];
    readonly walkthroughs: readonly {
      readonly steps: readonly { readonly media: { readonly svg: string } }[];
    }[];
  };
}

const root = installationRoot();
const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as Manifest;
const { contributes } = manifest;
const declared = contributes.commands.map(({ command }) => command).sort();

/** Read as text: the module itself wants an editor around it. */
function commandIds(): string[] {
  const folder = path.join(root, 'src/clients/extension');
  const text = fs.readFileSync(path.join(folder, 'commands.ts'), 'utf8');
  return [...text.matchAll(/^ {2}'(nearmiss\.\w+)'[:(]/gm)].map(([, id]) => id!).sort();
}

test('declares every command that is registered and no other', () => {
  assert.deepEqual(commandIds(), declared);
});

test('puts only declared commands into menus and on keys', () => {
  const used = [...Object.values(contributes.menus).flat(), ...contributes.keybindings].map(
    ({ command }) => command,
  );
  assert.deepEqual(
    used.filter((id) => id?.startsWith('nearmiss.') && !declared.includes(id)),
    [],
  );
});

test('gives every setting the kind, default and range that the code checks', () => {
  const types = {
    number: 'number',
    choice: 'string',
    boolean: 'boolean',
    text: 'string',
    list: 'array',
  };
  const expected = Object.entries<Setting>(settingsTable).map(([name, setting]) => [
    `nearmiss.${name}`,
    {
      type: types[setting.kind],
      default: setting.initial,
      minimum: setting.kind === 'number' ? setting.min : undefined,
      maximum: setting.kind === 'number' ? setting.max : undefined,
      enum: setting.kind === 'choice' ? setting.choices : undefined,
    },
  ]);
  const declaredSettings = Object.entries(contributes.configuration.properties).map(
    ([name, property]) => [
      name,
      {
        type: property.type,
        default: property.default,
        minimum: property.minimum,
        maximum: property.maximum,
        enum: property.enum,
      },
    ],
  );
  assert.deepEqual(Object.fromEntries(declaredSettings), Object.fromEntries(expected));
});

test('describes every setting and says where it may be set', () => {
  const scopes = new Set(['machine', 'machine-overridable', 'window', 'resource', 'application']);
  const poor = Object.entries(contributes.configuration.properties)
    .filter(([, { scope, order, description, markdownDescription }]) => {
      const isDescribed = (description ?? markdownDescription)?.startsWith('%') ?? false;
      return !scopes.has(scope) || typeof order !== 'number' || !isDescribed;
    })
    .map(([name]) => name);
  assert.deepEqual(poor, []);
});

test('keeps what a folder could misuse to the machine and away from untrusted folders', () => {
  const guarded = ['nearmiss.dataFolder', 'nearmiss.model', 'nearmiss.provider'];
  const scopes = guarded.map((name) => contributes.configuration.properties[name]!.scope);
  assert.deepEqual(scopes, ['machine', 'machine', 'machine']);
  assert.deepEqual(
    [...manifest.capabilities.untrustedWorkspaces.restrictedConfigurations].sort(),
    guarded,
  );
});

test('types against the oldest editor it says it runs in', () => {
  const oldest = manifest.engines.vscode.replace(/^\^(\d+\.\d+)\..*$/, '$1');
  assert.equal(manifest.devDependencies['@types/vscode']!.replace(/\.\d+$/, ''), oldest);
});

test('names only pictures and files that are there', () => {
  const text = JSON.stringify(contributes);
  const files = [...text.matchAll(/"(media\/[^"]+)"/g)].map(([, file]) => file!);
  assert.deepEqual(
    [...new Set(files)].filter((file) => !fs.existsSync(path.join(root, file))),
    [],
  );
  assert.ok(files.length > 0);
});

type Platform = 'linux' | 'mac' | 'windows';
type DefaultKeys = Readonly<Record<Platform, readonly string[]>> & {
  readonly onlyOnDesktop: Readonly<Record<Platform, readonly string[]>>;
};

/** Bindings that take a key of the editor's, or the first part of one, on some platform. */
function collisions(bindings: readonly Keybinding[], defaults: DefaultKeys): string[] {
  return (['linux', 'mac', 'windows'] as const).flatMap((platform) => {
    const taken = [...defaults[platform], ...defaults.onlyOnDesktop[platform]].map(
      (key) => key.split(' ')[0],
    );
    return bindings
      .map((binding) => (platform === 'mac' && binding.mac ? binding.mac : binding.key))
      .filter((key) => taken.includes(key.split(' ')[0]))
      .map((key) => `${key} on ${platform}`);
  });
}

function defaultKeys(): DefaultKeys {
  const file = path.join(root, 'test/fixtures/editor/defaultKeys.json');
  return JSON.parse(fs.readFileSync(file, 'utf8')) as DefaultKeys;
}

test('takes no key of the editor on any platform, but for F4 while hits of ours are shown', () => {
  const [own, shared] = [/^f4$|^shift\+f4$/, 'nearmiss.hasHits'];
  const always = contributes.keybindings.filter(({ key }) => !own.test(key));
  assert.deepEqual(collisions(always, defaultKeys()), []);
  assert.ok(always.length > 0);
  for (const { key, when } of contributes.keybindings)
    if (own.test(key)) assert.match(when ?? '', new RegExp(`^${shared} && .*!searchViewletFocus`));
});

test('reports a key that is taken on one platform only, and the first part of a chord', () => {
  const seeded = ['shift+alt+r', 'ctrl+k', 'shift+alt+s'].map((key) => ({ command: 'x', key }));
  assert.deepEqual(collisions(seeded, defaultKeys()), [
    'ctrl+k on linux',
    'ctrl+k on mac',
    'shift+alt+r on windows',
    'ctrl+k on windows',
  ]);
});

test('asks in when clauses only for context keys that the code sets', () => {
  const folder = path.join(root, 'src/clients/extension');
  const text = fs
    .readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => fs.readFileSync(path.join(folder, file), 'utf8'))
    .join('\n');
  const set = [...text.matchAll(/setContextKey\(\s*'([\w.]+)'/g)].map(([, key]) => key!);
  const clauses = [...Object.values(contributes.menus).flat(), ...contributes.keybindings];
  const asked = clauses.flatMap(({ when = '' }) =>
    [...when.matchAll(/nearmiss\.(?!panel)\w+/g)].map(([key]) => key),
  );
  assert.deepEqual([...new Set(asked)].sort(), [...new Set(set)].sort());
});

test('has the pictures of the walkthrough in both languages', () => {
  for (const file of ['package.nls.json', 'package.nls.ja.json']) {
    const texts = JSON.parse(fs.readFileSync(path.join(root, file), 'utf8')) as Record<
      string,
      string
    >;
    const said = (text: string): string =>
      text.replace(/^%(.*)%$/, (_, key: string) => texts[key]!);
    const steps = contributes.walkthroughs.flatMap((one) => one.steps);
    const pictures = steps.map(({ media }) => said(media.svg));
    assert.equal(pictures.length, 3);
    for (const picture of pictures) assert.ok(fs.existsSync(path.join(root, picture)), picture);
  }
});
