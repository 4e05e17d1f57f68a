import assert from 'node:assert/strict';
import * as crypto from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { installationRoot } from '../../../src/base/installation';
import { cosine, dot } from '../../../src/base/vector';
import { createSession } from '../../../src/engine/encoders/session';
import {
  type StaticSettings,
  loadStaticEncoder,
  makeStaticEncoder,
  quantizeStatic,
  readStaticTable,
} from '../../../src/engine/encoders/staticEncoder';
import { type FramedTokenizer, loadTokenizer } from '../../../src/engine/encoders/tokenizer';
import type { StaticEncoder } from '../../../src/engine/encoders/types';
import { temporaryFolder } from '../../support/temporaryFolder';
import { decodeProjection, projectRows, tokenStates } from '../../../src/tools/distillation';

const models = path.join(installationRoot(), 'models');
const staticFolder = path.join(models, 'static-encoder');

let tokenizer: FramedTokenizer;
let encoder: StaticEncoder;
const scratch = temporaryFolder(after);
before(async () => {
  tokenizer = await loadTokenizer(path.join(models, 'bi-encoder'));
  encoder = await loadStaticEncoder(staticFolder, tokenizer);
});

/** The candidate nearest to the text. */
function nearest(text: string, candidates: readonly string[]): string {
  const query = encoder.embed(text);
  const scores = candidates.map((candidate) => cosine(query, encoder.embed(candidate)));
  return candidates[scores.indexOf(Math.max(...scores))]!;
}

describe('static encoder', () => {
  test('puts words of like meaning together', () => {
    assert.equal(nearest('remove', ['delete', 'window', 'green', 'seven']), 'delete');
    assert.equal(nearest('car', ['banana', 'vehicle', 'music', 'function']), 'vehicle');
    assert.equal(nearest('error', ['failure', 'river', 'paint', 'doctor']), 'failure');
  });

  test('ranks the function that does what the question asks first', () => {
    const functions = [
      'function parseDate(text) { return new Date(Date.parse(text)); }',
      'function sendMail(to, subject, body) { return smtp.send({ to, subject, body }); }',
      'function readFileLines(path) { return fs.readFileSync(path).split(newline); }',
      'function randomColor() { return palette[Math.floor(Math.random() * palette.length)]; }',
    ];
    assert.equal(nearest('send an email message', functions), functions[1]);
    assert.equal(nearest('open a file and get its lines', functions), functions[2]);
    assert.equal(nearest('convert string to date', functions), functions[0]);
  });

  test('gives unit length to any text with a known token and zeros to any other', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const norm = Math.sqrt(dot(encoder.embed(text), encoder.embed(text)));
        const hasKnown = tokenizer.encode(text).some((id) => id >= 999);
        assert.ok(Math.abs(norm - (hasKnown ? 1 : 0)) < 1e-5, `${norm} for ${text}`);
      }),
    );
    assert.deepEqual(encoder.embed(''), new Float32Array(256));
  });

  test('weighs tokens as the settings say', () => {
    const settings: StaticSettings = {
      dimension: 2,
      vocabularySize: 4,
      firstToken: 1,
      firstWord: 2,
      weighting: { kind: 'none' },
      source: '0'.repeat(64),
    };
    // Tokens 1, 2 and 3 point to (1, 0), (0, 1) and (0, -0.5); 0 is a marker.
    const table = {
      scales: Float32Array.of(1 / 127, 1 / 127, 0.5 / 127),
      rows: Int8Array.of(127, 0, 0, 127, 0, -127),
    };
    const embed = (ids: number[], weighting: StaticSettings['weighting']): number[] => {
      const toy = makeStaticEncoder({ ...settings, weighting }, table, { encode: () => ids });
      return Array.from(toy.embed(''), (value) => Math.round(1e4 * value) / 1e4);
    };
    assert.deepEqual(embed([0, 9], { kind: 'none' }), [0, 0]);
    assert.deepEqual(embed([1, 1, 0], { kind: 'none' }), [1, 0]);
    assert.deepEqual(embed([1, 2, 3], { kind: 'none' }), [0.8944, 0.4472]);
    // Ranks 2 and 3: (ln 2, -0.5 ln 3), then 1/(1 + 1/20) against 0.5/(1 + 1/30).
    assert.deepEqual(embed([1, 3], { kind: 'logRank' }), [0.7837, -0.6211]);
    const inverse = { kind: 'inverseFrequency', coefficient: 1 } as const;
    assert.deepEqual(embed([1, 3], inverse), [0.8915, -0.453]);
  });

  test('scales to int8 with 127 for 1', () => {
    const scaled = quantizeStatic(Float32Array.of(1, -1, 0.5, -0.004, 0.0039, 1.0000001));
    assert.deepEqual(scaled, Int8Array.of(127, -127, 64, -1, 0, 127));
  });
});

describe('static table', () => {
  test('was distilled from the bundled bi-encoder', async () => {
    const model = await fs.readFile(path.join(models, 'bi-encoder/model.onnx'));
    const { settings } = await readStaticTable(staticFolder);
    assert.equal(settings.source, crypto.createHash('sha256').update(model).digest('hex'));
    const session = await createSession(model, { threads: 2 });
    const ids = Array.from({ length: 200 }, (_, index) => settings.firstToken + 147 * index);
    const states = await tokenStates(session, tokenizer, ids);
    session.dispose();
    const projection = decodeProjection(
      await fs.readFile(path.join(staticFolder, 'projection.bin')),
      384,
    );
    const again = projectRows(states, projection);
    const { table } = await readStaticTable(staticFolder);
    const cosines = ids.map((id, index) => {
      const row = (id - settings.firstToken) * settings.dimension;
      const stored = Float32Array.from(table.rows.subarray(row, row + settings.dimension));
      const start = index * settings.dimension;
      return cosine(stored, again.subarray(start, start + settings.dimension));
    });
    assert.ok(Math.min(...cosines) > 0.9995, `worst cosine ${Math.min(...cosines)}`);
  });

  test('is refused when cut short, when a bit is flipped, when a setting is changed', async () => {
    const table = await fs.readFile(path.join(staticFolder, 'table.bin'));
    const config = await fs.readFile(path.join(staticFolder, 'config.json'), 'utf8');
    const flipped = Buffer.from(table);
    flipped[5_000_000]! ^= 1;
    await checkRefused(table.subarray(0, -1), config, /damaged/);
    await checkRefused(flipped, config, /damaged/);
    await checkRefused(table, config.replace('0.001', '0.002'), /damaged/);
    await checkRefused(table, config.slice(0, 40), /cannot be read/);
    await assert.rejects(
      loadStaticEncoder(staticFolder, { ...tokenizer, vocabularySize: 30000 }),
      /is for 30522 tokens, the tokenizer has 30000/,
    );
  });

  async function checkRefused(table: Buffer, config: string, message: RegExp): Promise<void> {
    await fs.writeFile(path.join(scratch, 'table.bin'), table);
    await fs.writeFile(path.join(scratch, 'config.json'), config);
    await assert.rejects(loadStaticEncoder(scratch, tokenizer), { code: 'model', message });
  }
});
