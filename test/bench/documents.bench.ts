/**
 * `npm run bench -- documents`: chunk sizes and heading prefixes on long documents and on short ones. Long: the chapters
 * of Debian's policy manual (GPL; fetched with `apt-get download debian-policy`, or `--source` names a folder with
 * such pages). Every sentence there that refers to another section asks for that section, without the reference
 * itself; the chunk that the sentence stands in does not count. Short: READMEs, see readmes.ts.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { search } from '../../src/engine/search/search';
import type { SearchContext } from '../../src/engine/search/types';
import type { ChunkRow, Snapshot } from '../../src/engine/store/types';
import { DEFAULT_VARIANT, indexFolders, indexSet, type Lab, type LabVariant, openLab } from './lab';
import { benchCache, evaluate, type QualitySet } from './quality';
import { loadReadmes } from './readmes';
import { benchOption, type Figure, note, report } from './report';

// An overlap would make neighbours of a section count as its own; `ranking-chunks` measures it.
const variants: readonly LabVariant[] = [
  DEFAULT_VARIANT,
  { ...DEFAULT_VARIANT, hasHeadings: false },
  { maxTokens: 160, overlapLines: 0 },
  { maxTokens: 110, overlapLines: 0 },
  { maxTokens: 110, overlapLines: 0, hasHeadings: false },
];

/** A sentence that asks for a section: what to search, what answers, and what stands aside. */
interface Reference {
  readonly text: string;
  readonly file: string;
  readonly targetFile: string;
  readonly title: string;
}

interface Place {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** A reference whose section was found, once or in several pieces. */
interface Question {
  readonly text: string;
  readonly targets: readonly Place[];
  readonly aside: readonly Place[];
}

const LEAST_WORDS = 6;
const RANKS = 10;

async function main(): Promise<void> {
  const lab = await openLab();
  const figures: Figure[] = [];
  try {
    const manual = { name: 'manual', folders: [{ scope: '', dir: policyPages() }] };
    const references = readReferences(manual.folders[0]!.dir);
    const [whole] = (await indexFolders(lab, manual, DEFAULT_VARIANT)).values();
    const questions = findQuestions(whole!.snapshot(), references);
    note(`${references.length} references, ${questions.length} of them to a section that is there`);
    whole!.dispose();
    const readmes = await loadReadmes();
    for (const variant of variants) {
      const label = labelOf(variant);
      figures.push(
        {
          label: `${label}: long, MRR@10`,
          value: await scoreLong(lab, manual, variant, questions),
        },
        { label: `${label}: short, nDCG@10`, value: await scoreShort(lab, readmes, variant) },
      );
      note(
        figures
          .slice(-2)
          .map((figure) => `${figure.label} ${figure.value.toFixed(4)}`)
          .join('; '),
      );
    }
    report('documents', [
      { label: 'questions to long documents', value: questions.length, digits: 0 },
      { label: 'questions to short documents', value: readmes.queries.length, digits: 0 },
      ...figures,
    ]);
  } finally {
    lab.close();
  }
}

function labelOf({ maxTokens, hasHeadings }: LabVariant): string {
  return `${maxTokens} tokens${hasHeadings === false ? ', without headings' : ''}`;
}

async function scoreLong(
  lab: Lab,
  manual: Parameters<typeof indexFolders>[1],
  variant: LabVariant,
  questions: readonly Question[],
): Promise<number> {
  const [reader] = (await indexFolders(lab, manual, variant)).values();
  const snapshot = reader!.snapshot();
  let sum = 0;
  for (const { text, targets, aside } of questions) {
    const { hits } = await search(contextOf(lab, snapshot), {
      query: text,
      limit: 20,
      rerank: true,
    });
    const places = hits
      .map(({ path: file, span }) => ({ path: file, ...span }))
      .filter((place) => !aside.some((other) => overlaps(place, other)));
    const rank = places
      .slice(0, RANKS)
      .findIndex((place) => targets.some((t) => overlaps(place, t)));
    if (rank >= 0) sum += 1 / (rank + 1);
  }
  snapshot.dispose();
  reader!.dispose();
  return sum / questions.length;
}

async function scoreShort(lab: Lab, set: QualitySet, variant: LabVariant): Promise<number> {
  const [reader] = (await indexSet(lab, set, variant)).values();
  const snapshot = reader!.snapshot();
  const { ndcg } = await evaluate(set, async (_scope, query) => {
    const request = { query: query.text, limit: 10, rerank: true };
    const { hits } = await search(contextOf(lab, snapshot), request);
    return hits.map(({ path: file, span, score }) => ({
      path: file,
      start: span.start + 1,
      end: span.end,
      score,
    }));
  });
  snapshot.dispose();
  reader!.dispose();
  return ndcg;
}

function contextOf({ encoders, embedder, reranker }: Lab, snapshot: Snapshot): SearchContext {
  return { snapshot, tokenizer: encoders.tokenizer, embedder, reranker };
}

function overlaps(a: Place, b: Place): boolean {
  return a.path === b.path && a.start < b.end && b.start < a.end;
}

/** Lines of the sections asked for, and of the sentences that ask, whatever the chunks of a variant are. */
function findQuestions(snapshot: Snapshot, references: readonly Reference[]): Question[] {
  const chunksOf = (file: string): ChunkRow[] =>
    snapshot.chunksAt(file, 0, Number.MAX_SAFE_INTEGER);
  const toPlace = ({ path: file, span }: ChunkRow): Place => ({ path: file, ...span });
  return references.flatMap(({ text, file, targetFile, title }) => {
    const isAsked = ({ symbol }: ChunkRow): boolean =>
      plain(symbol.split(' > ').at(-1) ?? '').endsWith(plain(title));
    const targets = chunksOf(targetFile).filter(isAsked).map(toPlace);
    const said = plain(text).slice(0, 40);
    const aside = chunksOf(file)
      .filter((chunk) => plain(chunk.text).includes(said))
      .map(toPlace);
    return targets.length === 0 || aside.length === 0 ? [] : [{ text, targets, aside }];
  });
}

/** Sentences of a page that link to a section by its title. */
function readReferences(folder: string): Reference[] {
  const found = new Map<string, Reference>();
  for (const file of fs.readdirSync(folder).sort()) {
    const html = fs.readFileSync(path.join(folder, file), 'utf8');
    for (const [, paragraph = ''] of html.matchAll(/<p>([\s\S]*?)<\/p>/g)) {
      const links: { href: string; title: string }[] = [];
      const marked = paragraph.replace(
        /<a class="reference internal" href="([^"]*)"><span class="std std-ref">([\s\S]*?)<\/span><\/a>/g,
        (_, href: string, title: string) => ` ⟦${links.push({ href, title: textOf(title) }) - 1}⟧ `,
      );
      for (const sentence of textOf(marked).split(/(?<=[.!?])\s+/)) {
        const link = links[Number(/⟦(\d+)⟧/.exec(sentence)?.[1] ?? -1)];
        const text = sentence
          .replaceAll(/⟦\d+⟧/g, ' ')
          .replaceAll(/\(?\b[Ss]ee\b|\bfor (?:more )?(?:details|information)\b|[()]/g, ' ')
          .replaceAll(/\s+/g, ' ')
          .trim();
        if (!link || text.split(' ').length < LEAST_WORDS) continue;
        const targetFile = link.href.split('#')[0] || file;
        found.set(`${text} ${link.title}`, { text, file, targetFile, title: link.title });
      }
    }
  }
  return [...found.values()];
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  nbsp: ' ',
};

function textOf(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll(/&(\w+);/g, (entity, name: string) => ENTITIES[name] ?? entity)
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function plain(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '');
}

/** The manual's chapters in a folder of their own, without its lists of contents. */
function policyPages(): string {
  const given = benchOption('source');
  if (given) return path.resolve(given);
  const pages = benchCache('documents', 'policy');
  if (fs.existsSync(pages)) return pages;
  const parts = `${pages}.parts`;
  fs.mkdirSync(parts, { recursive: true });
  execFileSync('apt-get', ['download', 'debian-policy'], { cwd: parts, stdio: 'ignore' });
  const archive = fs.readdirSync(parts).find((name) => name.endsWith('.deb'))!;
  execFileSync('dpkg', ['-x', archive, 'files'], { cwd: parts });
  const from = path.join(parts, 'files/usr/share/doc/debian-policy/policy.html');
  fs.mkdirSync(pages);
  for (const name of fs.readdirSync(from).filter((file) => /^(?:ch|ap)-.*\.html$/.test(file)))
    fs.copyFileSync(path.join(from, name), path.join(pages, name));
  return pages;
}

void main();
