/** `npm run distill`: makes models/static-encoder from models/bi-encoder. Half a minute on two cores; users never run it. */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { installationRoot } from '../base/installation';
import { readCheckpoint } from '../engine/encoders/checkpoint';
import { createSession } from '../engine/encoders/session';
import {
  type StaticSettings,
  joinTable,
  staticFingerprint,
} from '../engine/encoders/staticEncoder';
import { loadTokenizer } from '../engine/encoders/tokenizer';
import { encodeProjection, projectRows, quantizeRows, tokenStates } from './distillation';
import { principalAxes } from './principalAxes';

/** The bundled vocabulary: markers to 998, marks and letters to 1995, then words by frequency ("the" first). */
const firstToken = 999;
const firstWord = 1996;
const dimension = 256;

async function distill(root: string): Promise<void> {
  const checkpoint = await readCheckpoint(path.join(root, 'models/bi-encoder'));
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const model = await fs.readFile(checkpoint.modelFile);
  const session = await createSession(model, { threads: os.availableParallelism() });
  const ids = Array.from(
    { length: tokenizer.vocabularySize - firstToken },
    (_, index) => index + firstToken,
  );
  const states = await tokenStates(session, tokenizer, ids);
  session.dispose();
  const projection = principalAxes(states, checkpoint.dimension, dimension);
  const table = quantizeRows(projectRows(states, projection), dimension);
  const settings: StaticSettings = {
    dimension,
    vocabularySize: tokenizer.vocabularySize,
    firstToken,
    firstWord,
    weighting: { kind: 'inverseFrequency', coefficient: 1e-3 },
    source: crypto.createHash('sha256').update(model).digest('hex'),
  };
  const config = { ...settings, fingerprint: staticFingerprint(settings, table) };
  const folder = path.join(root, 'models/static-encoder');
  await fs.mkdir(folder, { recursive: true });
  await fs.writeFile(path.join(folder, 'table.bin'), joinTable(table));
  await fs.writeFile(path.join(folder, 'projection.bin'), encodeProjection(projection));
  await fs.writeFile(path.join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  const kept = (100 * projection.keptVariance).toFixed(1);
  console.log(`${ids.length} tokens, ${dimension} axes keep ${kept} % of the variance`);
}

void distill(installationRoot());
