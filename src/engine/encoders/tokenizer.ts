/**
 * Text to token ids, for any tokenizer in the hub's `tokenizer.json`. The tokenizing is the library's; a word
 * cache in front of it makes BERT's WordPiece fast enough for whole repositories. Imported are the tokenizers
 * alone, which the large library itself uses: they load in 7 ms, all of it takes 100 and brings its own runtime.
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import * as z from 'zod';
import { NearmissError, messageOf } from '../../base/errors';
import type { Tokenizer } from './types';
import { WordCache } from './wordCache';

/** How a checkpoint frames one text and a pair: special tokens around, and the type of the second text. */
export interface Frame {
  readonly single: { readonly before: readonly number[]; readonly after: readonly number[] };
  readonly pair: {
    readonly before: readonly number[];
    readonly between: readonly number[];
    readonly after: readonly number[];
    /** Token type of the second text and of what follows it; the first text's is 0. */
    readonly secondType: number;
  };
}

/** What the encoders of this room need beside the ids. */
export interface FramedTokenizer extends Tokenizer {
  readonly frame: Frame;
}

const ADVICE = 'Take the tokenizer.json that was published with the model';

/** Reads `tokenizer.json` in the folder. Throws a NearmissError('model') when it is missing or damaged. */
export async function loadTokenizer(folder: string): Promise<FramedTokenizer> {
  const file = path.join(folder, 'tokenizer.json');
  try {
    return makeTokenizer(JSON.parse(await fs.readFile(file, 'utf8')));
  } catch (error) {
    if (error instanceof NearmissError) throw error;
    const message = `The tokenizer ${file} cannot be read: ${messageOf(error)}`;
    throw new NearmissError('model', message, ADVICE, { cause: error });
  }
}

const addedToken = z.looseObject({ id: z.int(), content: z.string(), special: z.boolean() });
const templateEntry = z.looseObject({ id: z.string(), type_id: z.int() });
const templatePart = z.union([
  z.object({ SpecialToken: templateEntry }),
  z.object({ Sequence: templateEntry }),
]);
type TemplatePart = z.infer<typeof templatePart>;

const definitionSchema = z.looseObject({
  added_tokens: z.array(addedToken).default([]),
  normalizer: z.looseObject({ type: z.string() }).nullish(),
  pre_tokenizer: z.looseObject({ type: z.string() }).nullish(),
  post_processor: z.looseObject({ type: z.string() }).nullish(),
  model: z.looseObject({
    type: z.string().optional(),
    vocab: z.union([z.record(z.string(), z.int()), z.array(z.tuple([z.string(), z.number()]))]),
    unk_token: z.string().nullish(),
    unk_id: z.int().nullish(),
  }),
});
type Definition = z.infer<typeof definitionSchema>;

/** A tokenizer from the parsed content of a `tokenizer.json`. */
export function makeTokenizer(content: unknown): FramedTokenizer {
  const definition = checkDefinition(content);
  const idOf = idLookup(definition);
  const frame = readFrame(definition, idOf);
  const encodePiece = pieceEncoder(definition);
  const walk = isCacheable(definition) ? cachedWalk(encodePiece) : wholeWalk(encodePiece);
  const unknownId = definition.model.unk_id ?? idOf(definition.model.unk_token ?? '') ?? -1;
  return {
    frame,
    clsId: frame.single.before[0] ?? -1,
    sepId: frame.single.after[0] ?? -1,
    padId: idOf('[PAD]') ?? idOf('<pad>') ?? 0,
    vocabularySize: vocabularySize(definition),
    encode(text) {
      const all: number[] = [];
      walk(text, (ids) => {
        for (let i = 0; i < ids.length; i++) all.push(ids[i]!);
      });
      return all;
    },
    countTokens(text) {
      let count = 0;
      walk(text, (ids) => (count += ids.length));
      return count;
    },
    unknownShare(text) {
      let count = 0;
      let unknownCount = 0;
      walk(text, (ids) => {
        count += ids.length;
        for (const id of ids) if (id === unknownId) unknownCount++;
      });
      return count === 0 ? 0 : unknownCount / count;
    },
  };
}

type Walk = (text: string, visit: (ids: readonly number[]) => void) => void;

function cachedWalk(encodePiece: (piece: string) => readonly number[]): Walk {
  const cache = new WordCache(encodePiece);
  return (text, visit) => cache.walk(text, visit);
}

function wholeWalk(encodePiece: (piece: string) => readonly number[]): Walk {
  return (text, visit) => visit(encodePiece(text));
}

function checkDefinition(content: unknown): Definition {
  const checked = definitionSchema.safeParse(content);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  const where = issue ? ` at ${issue.path.join('.')}: ${issue.message}` : '';
  throw new NearmissError('model', `The tokenizer is not in the known form${where}`, ADVICE);
}

/** The library without special tokens: "[SEP]" in a program is text and must not end a sequence. */
function pieceEncoder(definition: Definition): (piece: string) => readonly number[] {
  const plain = {
    ...definition,
    added_tokens: definition.added_tokens.filter((token) => !token.special),
  };
  const library = new LibraryTokenizer(plain, {});
  return (piece) => library.encode(piece, { add_special_tokens: false }).ids;
}

/** The word cache knows BERT's rules and no others. */
function isCacheable({ normalizer, pre_tokenizer, model, added_tokens }: Definition): boolean {
  return (
    normalizer?.type === 'BertNormalizer' &&
    pre_tokenizer?.type === 'BertPreTokenizer' &&
    model.type === 'WordPiece' &&
    added_tokens.every((token) => token.special)
  );
}

function idLookup(definition: Definition): (token: string) => number | undefined {
  const added = new Map(definition.added_tokens.map((token) => [token.content, token.id]));
  const vocabulary = definition.model.vocab;
  const inVocabulary = Array.isArray(vocabulary)
    ? new Map(vocabulary.map(([token], index) => [token, index]))
    : new Map(Object.entries(vocabulary));
  return (token) => added.get(token) ?? inVocabulary.get(token);
}

function vocabularySize(definition: Definition): number {
  const vocabulary = definition.model.vocab;
  const last = definition.added_tokens.reduce((most, token) => Math.max(most, token.id + 1), 0);
  return Math.max(
    last,
    Array.isArray(vocabulary) ? vocabulary.length : Object.keys(vocabulary).length,
  );
}

/** The frame as the post-processor describes it; BERT's where it does not. */
function readFrame(definition: Definition, idOf: (token: string) => number | undefined): Frame {
  const processor = definition.post_processor;
  if (processor?.type === 'TemplateProcessing') return frameFromTemplate(processor, idOf);
  const [cls, sep] = framingTokens(processor, idOf);
  const isRoberta = processor?.type === 'RobertaProcessing';
  return {
    single: { before: [cls], after: [sep] },
    pair: {
      before: [cls],
      between: isRoberta ? [sep, sep] : [sep],
      after: [sep],
      secondType: isRoberta ? 0 : 1,
    },
  };
}

const framingSchema = z.looseObject({
  cls: z.tuple([z.string(), z.int()]),
  sep: z.tuple([z.string(), z.int()]),
});

function framingTokens(
  processor: unknown,
  idOf: (token: string) => number | undefined,
): [number, number] {
  const framing = framingSchema.safeParse(processor);
  if (framing.success) return [framing.data.cls[1], framing.data.sep[1]];
  const cls = idOf('[CLS]') ?? idOf('<s>');
  const sep = idOf('[SEP]') ?? idOf('</s>');
  if (cls !== undefined && sep !== undefined) return [cls, sep];
  throw new NearmissError('model', 'The tokenizer has no [CLS] and [SEP] tokens', ADVICE);
}

const templateSchema = z.looseObject({
  single: z.array(templatePart),
  pair: z.array(templatePart),
});

function frameFromTemplate(processor: unknown, idOf: (token: string) => number | undefined): Frame {
  const { single, pair } = templateSchema.parse(processor);
  const idsOf = (parts: readonly TemplatePart[]): number[] =>
    parts.flatMap((part) => {
      const token = 'SpecialToken' in part ? idOf(part.SpecialToken.id) : undefined;
      return token === undefined ? [] : [token];
    });
  const isText = (part: TemplatePart): boolean => 'Sequence' in part;
  const only = single.findIndex(isText);
  const first = pair.findIndex(isText);
  const second = pair.findLastIndex(isText);
  const secondPart = pair[second];
  return {
    single: { before: idsOf(single.slice(0, only)), after: idsOf(single.slice(only + 1)) },
    pair: {
      before: idsOf(pair.slice(0, first)),
      between: idsOf(pair.slice(first + 1, second)),
      after: idsOf(pair.slice(second + 1)),
      secondType: secondPart && 'Sequence' in secondPart ? secondPart.Sequence.type_id : 0,
    },
  };
}
