/**
 * Lines of an indexed file, for clients that may see what the index holds and nothing else. A file must be in the
 * index and still pass the rules of the walk: an ignore rule or a secret that came since then counts at once.
 */
import { NearmissError } from '../base/errors';
import type { SpanText } from '../protocol/types';
import { formatOf } from './documents/convert/converted';
import type { Document, Span } from './documents/document';
import { examinePath } from './documents/explain';
import { isSkipped, readDocument } from './documents/read';
import type { WalkOptions } from './documents/walk';
import { textOfSpan } from './search/pack';
import type { Snapshot } from './store/types';

/** Lines that one call gives at most. */
const mostLines = 200_000;

export interface SpanRequest {
  readonly root: string;
  /** As the index writes it. */
  readonly relative: string;
  readonly span: Span;
  readonly rules: WalkOptions;
  readonly snapshot: Snapshot;
}

/** The lines that exist of the span; throws when the file is not in the index, or has fewer lines than `start`. */
export async function readIndexedSpan(request: SpanRequest): Promise<SpanText> {
  const { root, relative, span, rules, snapshot } = request;
  if (span.end <= span.start)
    throw new NearmissError('usage', 'The last line comes before the first');
  const isWanted = examinePath(root, relative, rules).kind === 'file';
  if (!isWanted || !snapshot.document(relative)) throw notIndexed(relative);
  const { text, language } = formatOf(relative)
    ? convertedText(snapshot, relative)
    : await writtenText(request);
  const lines = text.split('\n');
  if (span.start >= lines.length)
    throw new NearmissError('usage', `${relative} has ${lines.length} lines`, 'Name lines it has');
  const end = Math.min(span.end, lines.length, span.start + mostLines);
  return {
    path: relative,
    start: span.start,
    end,
    language,
    lineCount: lines.length,
    text: lines.slice(span.start, end).join('\n'),
  };
}

async function writtenText({ root, relative, rules }: SpanRequest): Promise<TextAndLanguage> {
  const document = await readDocument(root, relative, rules);
  if (isSkipped(document)) throw notIndexed(relative);
  return document;
}

/** A document's text as the index holds it: converting it anew would take seconds. */
function convertedText(snapshot: Snapshot, relative: string): TextAndLanguage {
  const chunks = snapshot.chunksAt(relative, 0, Number.MAX_SAFE_INTEGER);
  const span = { start: 0, end: chunks.at(-1)?.span.end ?? 1 };
  return { text: textOfSpan(chunks, span), language: snapshot.document(relative)!.language };
}

type TextAndLanguage = Pick<Document, 'text' | 'language'>;

function notIndexed(relative: string): NearmissError {
  return new NearmissError(
    'notFound',
    `${relative} is not in the index`,
    `nearmiss why ${relative} says why`,
  );
}
