/** EPUB: the chapters in reading order, each with its headings. Scripts, styles and pictures stay packed. */
import { Parser } from 'htmlparser2';
import * as path from 'node:path';
import { textOf, unpack } from './archive';
import { type Converted, type ConversionLimits, NotConvertible } from './converted';
import { appendHtml } from './htmlText';
import { TextBuilder } from './textBuilder';

const MEMBER = /^META-INF\/|\.(?:opf|xhtml|html?|xml)$/i;

export function convertEpub(bytes: Uint8Array, limits: ConversionLimits): Converted {
  const members = unpack(bytes, (name) => MEMBER.test(name), limits);
  const container = members.get('META-INF/container.xml');
  const packagePath = container && attributesOf(textOf(container), 'rootfile')[0]?.['full-path'];
  const packageFile = packagePath === undefined ? undefined : members.get(packagePath);
  if (packagePath === undefined || !packageFile) throw new NotConvertible('it is no EPUB book');
  const chapters = chaptersOf(textOf(packageFile), path.posix.dirname(packagePath));
  if (chapters.length > limits.maxPages)
    throw new NotConvertible(
      `it has ${chapters.length.toLocaleString('en')} parts, the limit is ${limits.maxPages.toLocaleString('en')}`,
    );
  const builder = new TextBuilder(limits);
  for (const name of chapters) {
    const member = members.get(name);
    if (member) appendHtml(builder, textOf(member));
    builder.blank();
  }
  return builder.finish();
}

/** Paths of the spine's documents within the archive. */
function chaptersOf(packageText: string, folder: string): string[] {
  const hrefs = new Map(
    attributesOf(packageText, 'item').map(({ id = '', href = '' }) => [id, href]),
  );
  return attributesOf(packageText, 'itemref').flatMap(({ idref = '' }) => {
    const href = hrefs.get(idref);
    if (href === undefined || href === '') return [];
    return [path.posix.normalize(path.posix.join(folder, decoded(href.split('#')[0]!)))];
  });
}

function decoded(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    // A stray percent sign is taken as it is.
    return href;
  }
}

function attributesOf(xml: string, element: string): Record<string, string>[] {
  const found: Record<string, string>[] = [];
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (name.slice(name.indexOf(':') + 1) === element) found.push(attributes);
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(xml);
  return found;
}
