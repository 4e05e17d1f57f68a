import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { installationRoot, productVersion } from '../../src/base/installation';
import { temporaryFolder, writeFiles } from '../support/temporaryFolder';

const folder = temporaryFolder(after);

test('finds the folder of our manifest above the running bundle', () => {
  const root = installationRoot();
  assert.ok(fs.existsSync(path.join(root, 'models/bi-encoder/model.onnx')));
  const manifest = fs.readFileSync(path.join(root, 'package.json'), 'utf8');
  assert.equal(productVersion(), (JSON.parse(manifest) as { version: string }).version);
});

test('passes by the manifests of others and damaged ones on its way up', () => {
  writeFiles(folder, {
    'app/package.json': '{"name":"nearmiss","version":"9.8.7"}',
    'app/dist/package.json': '{"name":"somebody-else"}',
    'app/dist/deep/package.json': '{ damaged',
  });
  const root = installationRoot(path.join(folder, 'app/dist/deep'));
  assert.equal(root, path.join(folder, 'app'));
  assert.equal(productVersion(root), '9.8.7');
});

test('stays where it is when there is no manifest of ours', () => {
  const lost = path.join(folder, 'lost');
  fs.mkdirSync(lost);
  assert.equal(installationRoot(lost), lost);
  assert.equal(productVersion(lost), '0.0.0');
});
