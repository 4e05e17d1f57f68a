/** A real workbench with the packed extension on a folder that is large enough to measure in. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { makeCorpus } from './corpus';
import { indexWithSyntheticEmbeddings } from './largeIndex';
import { benchCache } from './quality';
import { note } from './report';
import { installEditor } from '../support/editor/install';
import { copyEmbeddings, copySample } from '../support/editor/sample';
import { World, type WorldOptions } from '../support/editor/world';
import { packedVsix } from '../support/vsix';

export async function withWorld<T>(
  options: WorldOptions,
  use: (world: World) => Promise<T>,
): Promise<T> {
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'editor-bench-'));
  const world = new World(folder, options);
  try {
    await world.start(installEditor(), await packedVsix());
    return await use(world);
  } finally {
    await world.stop();
  }
}

/** The sample, whose answers are known, among so many files of other code. */
export async function fillFiles(
  { workspace, dataFolder }: { workspace: string; dataFolder: string },
  moreFiles: number,
): Promise<void> {
  copySample(workspace);
  for (const { path: name, text } of makeCorpus(moreFiles, moreFiles * 6000)) {
    const file = path.join(workspace, 'more', name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
  fs.mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
}

/** That folder with its index, kept below .cache. The embeddings of the other code are synthetic. */
export async function indexedFolder(
  moreFiles: number,
): Promise<{ readonly dataFolder: string; readonly folder: string }> {
  const cache = benchCache(`editor-${moreFiles}`);
  const [dataFolder, folder] = [path.join(cache, 'data'), path.join(cache, 'files')];
  const marker = `${cache}.done`;
  if (fs.existsSync(marker)) return { dataFolder, folder };
  note('making the index, once');
  fs.rmSync(cache, { recursive: true, force: true });
  await fillFiles({ workspace: folder, dataFolder }, moreFiles);
  await copyEmbeddings(dataFolder);
  await indexWithSyntheticEmbeddings(dataFolder, folder);
  fs.writeFileSync(marker, '');
  return { dataFolder, folder };
}

/** Chunks that the editor's engine has embedded. */
export async function chunkCount(world: World): Promise<number> {
  const { stdout } = await world.cli('status', '--folder', world.workspace, '--json');
  const { folders } = JSON.parse(stdout) as { folders: { embeddedCount: number }[] };
  return folders[0]?.embeddedCount ?? NaN;
}
