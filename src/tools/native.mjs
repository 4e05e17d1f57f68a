// Builds hnswlib-node's addon where a compiler is there. Headers come from the running Node's own include
// folder, so nothing is downloaded; without headers or compiler the exact scan answers instead.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

export function buildNative(root) {
  const folder = path.join(root, 'node_modules/hnswlib-node');
  if (!fs.existsSync(folder) || fs.existsSync(path.join(folder, 'build/Release/addon.node')))
    return;
  const prefix = [
    path.resolve(path.dirname(fs.realpathSync(process.execPath)), '..'),
    process.env.npm_config_nodedir,
  ]
    .filter(Boolean)
    .find((candidate) => fs.existsSync(path.join(candidate, 'include/node/node_api.h')));
  if (!prefix) {
    console.log('hnswlib-node: no Node headers beside this Node, the exact scan will answer');
    return;
  }
  const env = { ...process.env, npm_config_nodedir: prefix, npm_config_ignore_scripts: 'false' };
  const result = spawnSync('npm', ['rebuild', 'hnswlib-node', '--ignore-scripts=false'], {
    cwd: root,
    env,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const isBuilt = fs.existsSync(path.join(folder, 'build/Release/addon.node'));
  console.log(
    isBuilt ? 'hnswlib-node: built' : 'hnswlib-node: not built, the exact scan will answer',
  );
  if (!isBuilt && process.env.NEARMISS_VERBOSE) console.log(result.stdout, result.stderr);
}
