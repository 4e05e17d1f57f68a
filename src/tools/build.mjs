// `npm run build`: bundles every entry into dist/, copies the grammars beside them, builds the optional addon.
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleEntries } from './bundle.mjs';
import { copyGrammars } from './grammars.mjs';
import { buildNative } from './native.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
await bundleEntries(root);
copyGrammars(root);
buildNative(root);
