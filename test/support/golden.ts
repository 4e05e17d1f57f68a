/** Golden texts: what a person has read once and found right. `UPDATE_GOLDEN=1` writes them anew. */
import * as assert from 'node:assert';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';

/** Fails unless `actual` is the text of test/golden/NAME; writes it when UPDATE_GOLDEN is set. */
export function checkGolden(name: string, actual: string): void {
  const file = path.join(installationRoot(), 'test/golden', name);
  if (process.env.UPDATE_GOLDEN === '1') {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, actual);
  }
  const expected = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  assert.strictEqual(actual, expected, `test/golden/${name} differs; UPDATE_GOLDEN=1 rewrites it`);
}
