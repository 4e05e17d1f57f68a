/** The probe extension as a package, and a way to ask it: what an agent in the editor sees and gets. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../../src/base/installation';
import { zipOf } from '../zip';
import type { World } from './world';
import { eventually } from './workbench';

/** Writes the package to a folder and returns its path. */
export function packProbe(folder: string): string {
  const source = path.join(installationRoot(), 'test/support/editor/probe');
  const read = (name: string): Buffer => fs.readFileSync(path.join(source, name));
  const file = path.join(folder, 'probe.vsix');
  fs.writeFileSync(
    file,
    zipOf([
      { name: 'extension.vsixmanifest', content: vsixManifest },
      { name: '[Content_Types].xml', content: contentTypes },
      { name: 'extension/package.json', content: read('package.json') },
      { name: 'extension/extension.js', content: read('extension.js') },
    ]),
  );
  return file;
}

/** Names of all tools that models of this window can use. */
export async function toolNames(world: World): Promise<string[]> {
  const tools = (await ask(world, 'Probe: List Tools')) as { name: string }[];
  return tools.map(({ name }) => name);
}

/** Begins to invoke a tool, as an agent would; `answer` waits for what comes back, after dialogs were answered. */
export async function invokeTool(
  world: World,
  name: string,
  input: unknown,
): Promise<{ answer: () => Promise<{ content?: unknown[]; error?: string }> }> {
  fs.writeFileSync(path.join(world.folder, 'probe-request.json'), JSON.stringify({ name, input }));
  fs.rmSync(resultOf(world), { force: true });
  await world.window.command('Probe: Invoke Tool');
  return { answer: () => readAnswer(world) as Promise<{ content?: unknown[]; error?: string }> };
}

async function ask(world: World, command: string): Promise<unknown> {
  fs.rmSync(resultOf(world), { force: true });
  await world.window.command(command);
  return readAnswer(world);
}

async function readAnswer(world: World): Promise<unknown> {
  await eventually(
    () => Promise.resolve(fs.existsSync(resultOf(world))),
    (isThere) => isThere,
  );
  return JSON.parse(fs.readFileSync(resultOf(world), 'utf8'));
}

function resultOf(world: World): string {
  return path.join(world.folder, 'probe-result.json');
}

const vsixManifest = `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="probe" Version="1.0.0" Publisher="nearmiss-test" />
    <DisplayName>Probe</DisplayName>
    <Description>Asks for tools in tests</Description>
    <Properties><Property Id="Microsoft.VisualStudio.Code.Engine" Value="^1.104.0" /></Properties>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code" /></Installation>
  <Dependencies />
  <Assets><Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" /></Assets>
</PackageManifest>
`;
const contentTypes = `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension=".json" ContentType="application/json" /><Default Extension=".js" ContentType="application/javascript" /><Default Extension=".vsixmanifest" ContentType="text/xml" /></Types>
`;
