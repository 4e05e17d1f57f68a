import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  activeCheckpoint,
  addCheckpoint,
  findCheckpoint,
  listCheckpoints,
  setActiveCheckpoint,
  verifyCheckpoints,
} from '../../../src/engine/encoders/modelStore';
import { spaceOf } from '../../../src/engine/encoders/biEncoder';
import { readCheckpoint } from '../../../src/engine/encoders/checkpoint';
import { openEmbedder } from '../../../src/engine/encoders/openEncoder';
import {
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
} from '../../../src/engine/onnx/generated/onnx_pb';
import { type Model, makeNode } from '../../../src/engine/onnx/model';
import { bundleProbe } from '../../support/probeBundle';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';
import { type ToyOptions, writeToyCheckpoint } from '../../support/toyCheckpoint';

const scratch = temporaryFolder(after);
let probeFile: string;
before(async () => {
  probeFile = await bundleProbe('modelStore');
});

let count = 0;
/** A toy checkpoint in a folder of that name. */
function toy(name: string, options?: ToyOptions): string {
  return writeToyCheckpoint(path.join(scratch, String(count++), name), options);
}

/** An empty `<data>/models`. */
function newModels(): string {
  return path.join(scratch, String(count++), 'models');
}

describe('adding a checkpoint', () => {
  test('keeps a copy that is listed, verified and embeds', async () => {
    const modelsFolder = newModels();
    assert.deepEqual(await listCheckpoints(modelsFolder), []);
    const source = toy('little');
    const added = await addCheckpoint(source, { modelsFolder, probeFile });
    fs.rmSync(source, { recursive: true });
    assert.deepEqual(
      { ...added, fingerprint: 64, folder: 0, sizeBytes: 0 },
      {
        fingerprint: 64,
        name: 'little',
        folder: 0,
        kind: 'bi-encoder',
        dimension: 8,
        sizeBytes: 0,
      },
    );
    assert.equal(path.basename(added.folder), added.fingerprint);
    assert.deepEqual(await listCheckpoints(modelsFolder), [added]);
    assert.deepEqual(await verifyCheckpoints(modelsFolder), [added]);
    assert.deepEqual(fs.readdirSync(modelsFolder), [added.fingerprint]);
    const choice = { arithmetic: 'fp32', provider: 'cpu' } as const;
    const embedder = await openEmbedder(await readCheckpoint(added.folder), { choice });
    const embeddings = await embedder.embedDocuments(['read the file', 'a class']);
    embedder.dispose();
    assert.equal(embeddings.length, 16);
  });

  test('changes nothing the second time, and keeps two checkpoints apart', async () => {
    const modelsFolder = newModels();
    const source = toy('one');
    const first = await addCheckpoint(source, { modelsFolder, probeFile });
    const { ino } = fs.statSync(first.folder);
    assert.deepEqual(await addCheckpoint(source, { modelsFolder, probeFile }), first);
    assert.equal(fs.statSync(first.folder).ino, ino);
    const second = await addCheckpoint(toy('two', { seed: 2 }), { modelsFolder, probeFile });
    assert.deepEqual(await listCheckpoints(modelsFolder), [first, second]);
    const spaces = await Promise.all(
      [first, second].map(async ({ folder }) => spaceOf(await readCheckpoint(folder), 'fp32').id),
    );
    assert.notEqual(spaces[0], spaces[1]);
  });

  test('takes text templates from the checkpoint or from the user', async () => {
    const modelsFolder = newModels();
    const source = toy('templates');
    const prompts = { query: 'query: ', document: 'passage: ' };
    const file = 'config_sentence_transformers.json';
    writeFiles(source, { [file]: JSON.stringify({ prompts }) });
    const own = await addCheckpoint(source, { modelsFolder, probeFile });
    assert.deepEqual((await readCheckpoint(own.folder)).templates, prompts);
    const templates = { query: 'find: ' };
    const given = await addCheckpoint(source, { modelsFolder, probeFile, templates });
    const expected = { query: 'find: ', document: 'passage: ' };
    assert.deepEqual((await readCheckpoint(given.folder)).templates, expected);
    assert.notEqual(given.fingerprint, own.fingerprint);
  });

  test('takes weights in a file beside the model into the copy', async () => {
    const modelsFolder = newModels();
    const plain = await addCheckpoint(toy('plain'), { modelsFolder, probeFile });
    let bytes: Buffer = Buffer.alloc(0);
    const source = toy('external', {
      change: (model) => (bytes = moveOut(model, 'weights.bin')),
    });
    writeFiles(source, { 'onnx/weights.bin': bytes });
    const added = await addCheckpoint(source, { modelsFolder, probeFile });
    assert.equal(added.fingerprint, plain.fingerprint);
  });

  test('lets in a cross-encoder, which cannot become the one that embeds', async () => {
    const modelsFolder = newModels();
    const source = toy('judge', { kind: 'cross-encoder' });
    const added = await addCheckpoint(source, { modelsFolder, probeFile });
    assert.equal(added.kind, 'cross-encoder');
    await assert.rejects(setActiveCheckpoint(modelsFolder, added.fingerprint), {
      code: 'model',
      message: 'judge cannot embed: it scores pairs and embeds nothing',
    });
  });
});

describe('a checkpoint that is not let in', () => {
  test('has operators from elsewhere', async () => {
    const source = toy('custom', {
      change: (model) =>
        void (model.graph!.node[0] = makeNode({
          op: 'RunShell',
          domain: 'com.example',
          inputs: [...model.graph!.node[0]!.input],
          outputs: [...model.graph!.node[0]!.output],
        })),
    });
    await checkRefused(source, /its operator com\.example\.RunShell is not a standard one/);
  });

  test('reads a file outside its folder, by name or by link', async () => {
    let bytes: Buffer = Buffer.alloc(0);
    const outside = toy('outside', {
      change: (model) => (bytes = moveOut(model, '../../secret')),
    });
    writeFiles(outside, { '../secret': bytes });
    await checkRefused(outside, /wants to read \.\.\/\.\.\/secret, which is outside its folder/);
    const linked = toy('linked', { change: (model) => void moveOut(model, 'weights.bin') });
    fs.symlinkSync(path.join(outside, '../secret'), path.join(linked, 'onnx/weights.bin'));
    await checkRefused(linked, /wants to read weights\.bin, which is outside its folder/);
  });

  test('asks for more bytes than the file beside it has', async () => {
    let bytes: Buffer = Buffer.alloc(0);
    const source = toy('short', { change: (model) => (bytes = moveOut(model, 'weights.bin')) });
    writeFiles(source, { 'onnx/weights.bin': bytes.subarray(0, 40) });
    await checkRefused(source, /ends beyond the end of weights\.bin/);
  });

  test('asks for an input that is not a text', async () => {
    const source = toy('picture', {
      change: (model) => {
        const [ids] = model.graph!.input;
        model.graph!.input.push({ ...ids!, name: 'pixel_values' });
      },
    });
    await checkRefused(source, /it asks for the input pixel_values/);
  });

  test('has a step after the pooling that would be left out', async () => {
    const source = toy('dense');
    const types = ['Transformer', 'Pooling', 'Dense'];
    const modules = types.map((type) => ({ type: `sentence_transformers.models.${type}` }));
    writeFiles(source, { 'modules.json': JSON.stringify(modules) });
    await checkRefused(source, /its step sentence_transformers\.models\.Dense is not supported/);
  });

  test('gives numbers that are not finite, is cut short, is not there', async () => {
    const broken = toy('broken', {
      change: (model) => {
        const weight = model.graph!.initializer.find(({ name }) => name === 'word')!;
        new Float32Array(weight.rawData.buffer).fill(NaN);
      },
    });
    await checkRefused(broken, /not finite numbers/);
    const cut = toy('cut');
    const file = path.join(cut, 'onnx/model.onnx');
    fs.truncateSync(file, fs.statSync(file).size - 100);
    await checkRefused(cut, /damaged or not an ONNX model/);
    await checkRefused(path.join(scratch, 'nowhere'), /has no .*config\.json/);
  });

  test('takes more memory than it may', async () => {
    const memoryBytes = 20 * 2 ** 20;
    await checkRefused(toy('greedy'), /it took more than 20 MB of memory/, {
      timeoutMs: 20_000,
      memoryBytes,
    });
  });

  test('takes more time than it may', async () => {
    const limits = { timeoutMs: 1, memoryBytes: 2 ** 32 };
    await checkRefused(toy('slow'), /it gave no answer in 0 s/, limits);
  });

  async function checkRefused(
    source: string,
    message: RegExp,
    limits?: { timeoutMs: number; memoryBytes: number },
  ): Promise<void> {
    const modelsFolder = newModels();
    const adding = addCheckpoint(source, { modelsFolder, probeFile, limits });
    await assert.rejects(adding, { name: 'NearmissError', code: 'model', message });
    // Nothing of it stays, not even a draft.
    assert.deepEqual(fs.readdirSync(modelsFolder), []);
  }
});

describe('the checkpoint in use', () => {
  test('is the bundled one until another is chosen, and again after', async () => {
    const modelsFolder = newModels();
    assert.equal(await activeCheckpoint(modelsFolder), undefined);
    const added = await addCheckpoint(toy('mine'), { modelsFolder, probeFile });
    await setActiveCheckpoint(modelsFolder, 'mine');
    assert.equal((await activeCheckpoint(modelsFolder))?.fingerprint, added.fingerprint);
    await setActiveCheckpoint(modelsFolder, undefined);
    assert.equal(await activeCheckpoint(modelsFolder), undefined);
    await assert.rejects(setActiveCheckpoint(modelsFolder, 'yours'), { code: 'notFound' });
  });

  test('is refused with a sentence when one bit of it is flipped', async () => {
    const modelsFolder = newModels();
    const added = await addCheckpoint(toy('flipped'), { modelsFolder, probeFile });
    await setActiveCheckpoint(modelsFolder, added.fingerprint.slice(0, 12));
    const file = path.join(added.folder, 'model.onnx');
    const bytes = fs.readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    fs.writeFileSync(file, bytes);
    await assert.rejects(activeCheckpoint(modelsFolder), { code: 'model', message: /is damaged/ });
    const problem = 'its sha256 is not the one recorded for it';
    assert.deepEqual(await verifyCheckpoints(modelsFolder), [{ ...added, problem }]);
    const sound = toy('flipped');
    assert.deepEqual(await addCheckpoint(sound, { modelsFolder, probeFile }), added);
    assert.deepEqual(await verifyCheckpoints(modelsFolder), [added]);
  });

  test('goes by its name or by the start of its fingerprint', async () => {
    const modelsFolder = newModels();
    const first = await addCheckpoint(toy('same'), { modelsFolder, probeFile });
    assert.deepEqual(await findCheckpoint(modelsFolder, 'same'), first);
    await addCheckpoint(toy('same', { seed: 3 }), { modelsFolder, probeFile });
    assert.deepEqual(await findCheckpoint(modelsFolder, first.fingerprint.slice(0, 8)), first);
    await assert.rejects(findCheckpoint(modelsFolder, 'same'), /same stands for 2 models/);
  });
});

/** Makes the word table external and returns its bytes. */
function moveOut(model: Model, location: string): Buffer {
  const tensor = model.graph!.initializer.find(({ name }) => name === 'word')!;
  const bytes = Buffer.from(tensor.rawData);
  const entries = { location, offset: '0', length: String(bytes.length) };
  tensor.rawData = new Uint8Array();
  tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
  tensor.externalData = Object.entries(entries).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
  return bytes;
}
