// THIRD_PARTY_NOTICES.txt: every package whose code or binary is in a package of ours, at the version of the lock,
// with its licence's text. A package without one, or under a licence that we do not ship, is an error.
import * as fs from 'node:fs';
import * as path from 'node:path';

/** What may be shipped; codicons are CC-BY-4.0. */
const shippable = /^(MIT|MIT-0|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|CC-BY-4\.0)$/;
const licenceFile = /^(licen[cs]e|copying|notice|third.?party.?notices)([-.].*)?$/i;

export function thirdPartyNotices(root, names) {
  const packages = [...new Set(names)].sort(byName).map((name) => noticeOf(root, name));
  const list = packages.map(({ title, licence }) => `- ${title}, ${licence}`);
  const texts = packages.map(
    ({ title, licence, text }) => `${'='.repeat(78)}\n${title}\n${licence}\n\n${text}\n`,
  );
  return `Nearmiss holds code or binaries of these packages.\n\n${list.join('\n')}\n\n${texts.join('\n')}`;
}

const byName = (a, b) => (a < b ? -1 : 1);

function noticeOf(root, name) {
  const folder = path.join(root, 'node_modules', name);
  const installed = fs.existsSync(folder) ? folder : substituteFor(root, name);
  const manifest = JSON.parse(fs.readFileSync(path.join(installed, 'package.json'), 'utf8'));
  const title = `${name} ${manifest.version}`;
  const licence = readLicences[name] ?? String(manifest.license ?? '');
  const parts = licence.replaceAll(/[()]/g, '').split(/ (?:AND|OR) /);
  if (!parts.every((part) => shippable.test(part)))
    throw new Error(`${title} is under "${licence}", which may not be shipped`);
  const texts = fs
    .readdirSync(installed)
    .filter((file) => licenceFile.test(file))
    .map((file) => fs.readFileSync(path.join(installed, file), 'utf8').trim());
  const text =
    texts.join('\n\n') ||
    standardText(root, parts, path.relative(path.join(root, 'node_modules'), installed));
  return { title, licence, text };
}

/** A binary for another platform has the licence of the package it belongs to. */
function substituteFor(root, name) {
  const owner = name.replace(/-(linux|darwin|win32)-.*$/, '');
  return path.join(root, 'node_modules', owner);
}

/** What a licence file says where the manifest is vague. */
const readLicences = { duck: 'BSD-2-Clause' };

/** Packages that name their licence and leave its text out, and who holds the copyright. */
const holders = {
  'onnxruntime-node': 'Microsoft Corporation',
  'onnxruntime-common': 'Microsoft Corporation',
  '@bufbuild/protobuf': '2021-2026 Buf Technologies, Inc.; of src/wire/varint.ts 2008 Google Inc.',
};

/** The texts that everybody knows; Apache's is that of our own LICENSE. */
function standardText(root, parts, name) {
  if (!holders[name]) throw new Error(`${name} comes without a text of its licence`);
  const texts = { MIT: mit, 'BSD-3-Clause': bsd3 };
  const known = parts.map(
    (part) => texts[part] ?? fs.readFileSync(path.join(root, 'LICENSE'), 'utf8').trim(),
  );
  return [`Copyright (c) ${holders[name]}`, ...known].join('\n\n');
}

const mit = `MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction, including
without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the
following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED
TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL
THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF
CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
DEALINGS IN THE SOFTWARE.`;

const bsd3 = `Redistribution and use in source and binary forms, with or without modification, are permitted provided that the
following conditions are met:
1. Redistributions of source code must retain the above copyright notice, this list of conditions and the
   following disclaimer.
2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the
   following disclaimer in the documentation and/or other materials provided with the distribution.
3. Neither the name of the copyright holder nor the names of its contributors may be used to endorse or promote
   products derived from this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES,
INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL,
SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY,
WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.`;
