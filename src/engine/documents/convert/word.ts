/** Word documents: headings, paragraphs, lists and tables as `mammoth` finds them, from an archive unpacked by our rules. */
import * as mammoth from 'mammoth';
import { unpack } from './archive';
import { type Converted, type ConversionLimits, NotConvertible } from './converted';
import { appendHtml } from './htmlText';
import { TextBuilder } from './textBuilder';

/** What the text of a document needs; pictures, fonts, macros and embedded files stay packed. */
const MEMBER = /^(?:\[Content_Types\]\.xml|_rels\/.*|word\/(?:_rels\/.*|[^/]+\.xml))$/i;

export async function convertWord(bytes: Uint8Array, limits: ConversionLimits): Promise<Converted> {
  const members = unpack(bytes, (name) => MEMBER.test(name), limits);
  if (members.size === 0) throw new NotConvertible('it is no Word document');
  for (const [name, member] of members)
    if (hasEntities(member)) throw new NotConvertible(`its part ${name} declares XML entities`);
  const { value } = await mammoth.convertToHtml(archiveOf(members), {
    styleMap: ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => p:fresh"],
    convertImage: mammoth.images.imgElement(() => Promise.resolve({ src: '' })),
    externalFileAccess: false,
  });
  const builder = new TextBuilder(limits);
  appendHtml(builder, value);
  return builder.finish();
}

/** The library takes an archive that is open already (its types do not say so): it unpacks nothing itself. */
function archiveOf(members: ReadonlyMap<string, Uint8Array>): { buffer: Buffer } {
  const file = {
    exists: (name: string): boolean => members.has(name),
    read(name: string, encoding?: string): Promise<string | Uint8Array> {
      const bytes = members.get(name);
      if (!bytes) return Promise.reject(new NotConvertible(`its part ${name} is missing`));
      if (encoding === undefined) return Promise.resolve(bytes);
      if (encoding === 'base64') return Promise.resolve(Buffer.from(bytes).toString('base64'));
      return Promise.resolve(new TextDecoder(encoding).decode(bytes));
    },
  };
  return { file } as unknown as { buffer: Buffer };
}

/** No office program writes a document type; those who do mean harm by it. */
function hasEntities(member: Uint8Array): boolean {
  return Buffer.from(member.subarray(0, 4096)).includes('<!DOCTYPE');
}
