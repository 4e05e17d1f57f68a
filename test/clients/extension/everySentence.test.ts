/**
 * That every sentence which can reach a person in the editor is known by its words, and that nothing is known which nobody
 * says: all literals that read like words are collected from the sources that the editor's engine, its processes and the
 * clients beneath the extension are made of. What is left out stands below with its reason.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { knownSentences, localised } from '../../../src/clients/extension/engineSentences';
import type { Translate } from '../../../src/base/translate';
import { importedModules } from '../../support/imports';
import { type SaidSentence, SentenceReader } from '../../support/sentences';

const root = path.join(installationRoot(), 'src');

/** What runs for the editor. The trainer's own orders (train, mine, merge, evaluate) are the command line's. */
const ENTRIES = [
  'engine/main.ts',
  'engine/indexerProcess.ts',
  'engine/probeProcess.ts',
  'engine/converterProcess.ts',
  'engine/learnInFolder.ts',
  'engine/trainingIndex.ts',
  'clients/hub/main.ts',
  'clients/extension/extension.ts',
];

/** Texts of their own, translated where they are written: `texts.test.ts` watches over them. */
const OWN = /^clients\/(extension|panel|report)\/|^protocol\/panelStrings\.ts$/;

/** Files whose words no person reads in the editor. */
const SILENT: Readonly<Record<string, string>> = {
  'base/memoryGuard.ts': 'a program',
  'clients/agentAnswer.ts': 'is read by language models',
  'engine/documents/codeLanguages.ts': 'queries of grammars',
  'engine/documents/convert/htmlText.ts': 'names of elements',
  'engine/documents/entropy.ts': 'pairs of letters',
  'engine/documents/language.ts': 'names of languages',
  'engine/documents/lines.ts': 'a text that grammars are tried on',
  'engine/encoders/sampleTexts.ts': 'texts that models are tried on',
  'engine/store/stem.ts': 'words',
  'engine/store/terms.ts': 'words',
  'engine/training/device.ts': 'notes on a run, which `nearmiss train` alone shows',
  'engine/training/encoderMeans.ts': 'notes on a run, which `nearmiss train` alone shows',
  'engine/training/memoryPlan.ts': 'notes on a run, which `nearmiss train` alone shows',
};

/** What a literal is given to where no person in the editor reads it. */
const UNHEARD: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)log\.\w+$|^log$/, 'the log stays English: it is for reports of issues'],
  [/^(BugError|AggregateError)$/, 'a fault of ours, told as it is'],
  [/\.(prepare|exec|all|get|run|pragma)$/, 'SQL'],
  [/^(seedFor|create|hash\.update)$/, 'names a seed, a node or a blob'],
  [/^(reranker\.score|problem\.includes|this\.inputsOf|chunks\.map)$/, 'is no text for anybody'],
  [/^this\.leave$|\.onCompare$/, 'a reason that the log holds'],
  [/(^|\.)(tell|note|onNote|onNews|gather)$|^notes\.push$/, 'news of `nearmiss train`'],
];

/** Pieces that are put together: whole sentences as the engine then says them. */
const COMPOSED: Readonly<Record<string, readonly string[]>> = {
  // The engine's start
  'did not start within {} s': ['The engine did not start within 20 s'],
  'could not be started': ['The engine could not be started'],
  'ended while starting ({})': ['The engine ended while starting (code 3)'],
  '; the last it wrote:\n{}': [
    'The engine did not start within 20 s; the last it wrote:\na line',
    'The engine could not be started; the last it wrote:\na line',
    'The engine ended while starting (SIGKILL); the last it wrote:\na line',
  ],
  'The engine {}{}': ['The engine could not be started'],
  '{} {} your home folder': ['/home/a is your home folder', '/home holds your home folder'],
  '{} to {} {}': ['/d/settings.json: idleMs must be 0 to 86400000 ms'],
  'one of {}': ['/d/settings.json: logLevel must be one of error, warn'],
  '{}: {} must be {}': ['/d/settings.json: idleMs must be 0 to 86400000 ms'],
  // Doctor
  'The lock is of a process that is gone{}': ['The lock is of a process that is gone; removed'],
  '; --fix removes it, so does the next engine': [
    'The lock is of a process that is gone; --fix removes it, so does the next engine',
  ],
  // Why a file is not found
  'it is {}': ['it is PostScript', 'it is a PDF'],
  'an RTF document': ['it is an RTF document'],
  'the indexed folder: ': ['a.ts is not indexed: the indexed folder: it is too large'],
  'its folder {}: ': ['b/a.ts is not indexed: its folder b: an ignore rule leaves it out'],
  '{} is not indexed: {}{}{}': [
    'a.ts is not indexed: an ignore rule leaves it out (.gitignore line 3: *.ts); the line !/a.ts in a .nearmissignore at the top would let it in',
    'a.docx is not indexed: no text could be got out of it (it is encrypted)',
  ],
  'A mark in {} is left out': ['A mark in ../a is left out: that is no path inside the folder'],
  '{}: that is no path inside the folder': [
    'A mark in ../a is left out: that is no path inside the folder',
  ],
  '{}: that file is not to be indexed': [
    'A mark in .env is left out: that file is not to be indexed',
  ],
  '{} has no indexed text at lines {}-{}': ['a.ts has no indexed text at lines 3-9'],
  // Why a hit stands where it stands
  'cosine {}{}': ['cosine 0.83', 'cosine 0.83, rank 4'],
  ', rank {}': ['BM25 7.31, rank 2', 'cosine 0.83, rank 4'],
  'counts less: {}': ['counts less: generated', 'counts less: a test'],
  'counts less: the file already has a better hit': [
    'counts less: the file already has a better hit',
  ],
  'opened it': [
    'you opened it for “parse” on 2026-11-25',
    'you opened it for “parse” on 2026-11-25, which is close to this (cosine 0.97)',
  ],
  'marked it {}relevant': [
    'you marked it relevant for “parse” on 2026-11-25',
    'you marked it not relevant for “parse” on 2026-11-25',
  ],
  ', which is close to this (cosine {})': [
    'you marked it relevant for “parse” on 2026-11-25, which is close to this (cosine 0.97)',
    'you marked it not relevant for “parse” on 2026-11-25, which is close to this (cosine 0.97)',
  ],
  'you {} for {} on {}{}': ['you opened it for “parse” on 2026-11-25'],
  // Learning
  'learning a map of embeddings': ['learning a map of embeddings'],
  'measuring a map of embeddings': ['measuring a map of embeddings'],
  '; the last it wrote: {}': [
    'Learning ended before it was done (SIGKILL); the last it wrote: a line',
  ],
  'Learning ended before it was done ({}){}': ['Learning ended before it was done (code 1)'],
  'The {} chunk went from {} to {}{}': [
    'The right chunk went from beyond the hits looked at to rank 2',
    'The wrong chunk went from rank 1 to rank 4',
    'The right chunk went from rank 2 to rank 1 (words +.1, meaning −.02)',
    'The wrong chunk went from rank 1 to rank 2 (meaning (static) +.1, re-ranker +.3)',
    'The right chunk went from rank 1 to rank 2 (file support +.1, path words +.1, asked path +.1)',
    'The right chunk went from rank 1 to rank 2 (definition +.1, same file −.1, your marks +.1)',
    'The right chunk went from rank 1 to rank 2 (isTest +.1, isExample +.1, isLegacy −.1)',
    'The right chunk went from rank 1 to rank 2 (isReexport +.1, isDeclaration +.1, isGenerated −.1)',
    'The right chunk went from rank 1 to rank 2 (isMinified +.1, isVendored +.1)',
    'The right chunk went from rank 1 to rank 2 (isChangelog +.1, isLockFile −.1)',
  ],
  '{} of {} queries of the folder improved, {} got worse; MRR by embeddings {} → {}, 95 % interval {} to {}':
    [
      'Not promoted (near the base): 9 of 12 queries of the folder improved, 0 got worse; MRR by embeddings .2 → .6, 95 % interval +.1 to +.5',
    ],
  'Promoted: {} of {} unseen queries improved, {} got worse; {}': [
    'Promoted: 9 of 12 unseen queries improved, 0 got worse; near-miss accuracy .2 → .6, 95 % interval +.1 to +.5; the right answer stands higher for 3 of 14, lower for 1: MRR@10 .5 → .6, 95 % interval −.1 to +.2',
  ],
  'Not promoted ({}): {} of {} unseen queries improved, {} got worse; {}': [
    'Not promoted (guard queries, enough queries): 3 of 12 unseen queries improved, 4 got worse; near-miss accuracy .2 → .3, 95 % interval −.1 to +.2',
  ],
  'Not promoted': ['Not promoted (guard queries): there was no query to measure it on'],
  'Not kept': [
    'Not kept (guard queries): 3 of 12 unseen queries improved, 4 got worse; near-miss accuracy .2 → .3, 95 % interval −.1 to +.2',
    'Kept: 9 of 12 unseen queries improved, 0 got worse; near-miss accuracy .2 → .6, 95 % interval +.1 to +.5',
  ],
  // Versions
  'The version {} was learned on the {} {}, and {} is in use': [
    'The version v1 was learned on the model 0f, and a0 is in use',
    'The version v1 was learned on the re-ranker 0f, and a0 is in use',
  ],
  'was measured; `nearmiss learn --recheck` measures it again': [
    "41 % of the folder's text has changed since v1 was measured; `nearmiss learn --recheck` measures it again",
  ],
  "{} % of the folder's text has changed since {} {}": [
    "41 % of the folder's text has changed since v1 was measured; `nearmiss learn --recheck` measures it again",
  ],
  'the base model answers': ['The model has no output; the base model answers'],
  'it is not compared': ['The model has no output; it is not compared'],
  // Models and training
  ' at {}: {}': ['The tokenizer is not in the known form at model.vocab: Required'],
  'The tokenizer is not in the known form{}': ['The tokenizer is not in the known form'],
  'is wrong{}: {}': [
    'Line 3 of /r.jsonl is wrong: Required',
    'Line 3 of /r.jsonl is wrong at query: Required',
  ],
  ' at {}': ['Line 3 of /r.jsonl is wrong at query: Required'],
  'The recipe {} is wrong{}: {}': [
    'The recipe /r.json is wrong: Required',
    'The recipe /r.json is wrong at query: Required',
  ],
};

/** Single literals that no person reads in the editor. */
const NOT_SHOWN: Readonly<Record<string, string>> = {
  'Represent this sentence for searching relevant passages: ': 'is read by a model',
  'bytes {}-': 'a header',
  'Bearer {}': 'a header',
  'page {}': 'said by the panel in its own words',
  '{} and {} by ignore rules': 'counted by the command line',
  '{} by include or exclude globs': 'counted by the command line',
  '{} beyond the limit of {}': 'counted by the command line',
  'int8-token: {}': 'a figure that the command line shows',
  'cosine to fp32: median {}, worst {}': 'a figure that the command line shows',
  'fp32: {} tokens/s': 'a figure that the command line shows',
  'int8-token: {} tokens/s, {}': 'a figure that the command line shows',
  '{} tokens/s (CPU fp32: {})': 'a figure that the command line shows',
  'worst cosine {}': 'a figure that the command line shows',
  'onnxruntime {}': 'part of a key',
  'probe: memory limit': 'a word between processes',
  'how are settings read from a file': 'a text that models are tried on',
  'absent of {}': 'an id',
  // Names of parts of a score, which the panel and `ruleLabel` say in words of their own
  'file support': 'a name',
  'path words': 'a name',
  'asked path': 'a name',
  'same file': 'a name',
  'your marks': 'a name',
  'meaning (static)': 'a name',
  '{} text eol=lf merge=union\n': 'a line for git',
  'id, path, language, sizeBytes, mtimeMs, hash, tier': 'SQL',
  'embeddedAt = 0 AND chunkId > ?1': 'SQL',
  '+rowid IN (SELECT rowid FROM words WHERE words MATCH ?)': 'SQL',
  "ascii tokenchars ''_''": 'SQL',
  'Short read at {}': 'caught, and the file is written anew',
  'mix {}': 'names a seed',
  'least comes first': 'is said of a file that was written for `nearmiss train`',
  '{} queries were made of what the texts say': 'a note of `nearmiss train`',
  ' and {} more': 'a note of `nearmiss train`',
  'the same text is marked relevant for the same query': 'a note of `nearmiss train`',
  'what says nearly the same as a text marked relevant may be the answer too':
    'a note of `nearmiss train`',
  'what is closer to a text marked relevant than to the query may be the answer too':
    'a note of `nearmiss train`',
  'mean of nDCG@10 and Spearman': 'a figure of `nearmiss train`',
  'it is missing': 'is said of a file that was written for `nearmiss train`',
  'it must be "ir" or "sts"': 'is said of a file that was written for `nearmiss train`',
  'in 32-bit floats': 'the card of a trained model',
  'in 32-bit floats where it was trained, else as the base has them': 'the card of a trained model',
  'as the base has them': 'the card of a trained model',
  '# {}, trained with Nearmiss': 'the card of a trained model',
  '- **Base.** The checkpoint {}; its licence and its card hold for this one too.':
    'the card of a trained model',
  '- **Data.** {} records; their hash, the recipe and the seed are in `training.json`.':
    'the card of a trained model',
  '- **Trained.** {}, the state after {} steps; weights {}.': 'the card of a trained model',
  '- **Held out.** {} before, {} after.': 'the card of a trained model',
};

/** What the extension says to others than a person. */
const OF_EXTENSION: readonly (readonly [RegExp, string])[] = [
  [/agentTool\.ts: /, 'is read by language models'],
  [/panelHtml\.ts: /, 'markup'],
  [/engineSentences\.ts: /, 'names of rules, as the engine has them'],
  [/failure\.ts: Nearmiss: \{\}$/, 'a name'],
  [/hitTexts\.ts: # Query: \{\}$/, 'the form of a search editor'],
  [/reveal\.ts: 1px dashed$/, 'style'],
];

let reader: SentenceReader;
before(async () => {
  reader = await SentenceReader.open();
});
after(() => reader.dispose());

test('knows every sentence that can reach a person in the editor', async () => {
  const known = new Set(knownSentences().map(({ english }) => skeleton(english)));
  const unknown = (await saidSentences()).filter(
    ({ text }) => !known.has(text) && !(text in COMPOSED) && !(text in NOT_SHOWN),
  );
  const list = unknown.map(({ text, file, line }) => `${file}:${line}  ${text}`).join('\n');
  const what =
    'Give each a line in a table of src/clients/extension/sentences and in both bundles of l10n, or a reason above';
  assert.equal(list, '', `${what}:\n${list}`);
});

test('says what is put together of pieces in the language of the reader throughout', () => {
  const english = Object.values(COMPOSED)
    .flat()
    .filter((sentence) => /[a-z]{3,}/.test(leftOver(localised(sentence, marked))));
  assert.deepEqual(english, []);
});

test('says nothing in the extension but by its language', async () => {
  const files = reachableFiles().filter((file) => file.startsWith('clients/extension/'));
  // Thrown as the engine's are, and translated where they are shown.
  const known = new Set(knownSentences().map(({ english }) => skeleton(english)));
  const found: string[] = [];
  for (const file of files.filter((one) => !one.startsWith('clients/extension/sentences/'))) {
    const sentences = await reader.sentencesOf(fs.readFileSync(path.join(root, file), 'utf8'));
    const bare = sentences
      .filter(isHeard)
      .filter(({ text, callees }) => !callees.some(isTranslation) && !known.has(text));
    found.push(...bare.map(({ text }) => `${file}: ${text}`));
  }
  assert.deepEqual(
    found.filter((one) => !OF_EXTENSION.some(([pattern]) => pattern.test(one))),
    [],
  );
});

test('knows nothing that nobody says, and leaves out nothing that is not there', async () => {
  const said = new Set((await saidSentences()).map(({ text }) => text));
  const sources = reachableFiles().map((file) => fs.readFileSync(path.join(root, file), 'utf8'));
  const examples = Object.values(COMPOSED).flat();
  const isSaid = (english: string): boolean =>
    said.has(skeleton(english)) ||
    sources.some((source) => source.includes(`'${english}'`)) ||
    examples.some((example) => usedBy(example).has(english));
  assert.deepEqual(
    {
      known: knownSentences().filter(({ english }) => !isSaid(english)),
      composed: Object.keys(COMPOSED).filter((text) => !said.has(text)),
      notShown: Object.keys(NOT_SHOWN).filter((text) => !said.has(text)),
      silent: Object.keys(SILENT).filter((file) => !reachableFiles().includes(file)),
    },
    { known: [], composed: [], notShown: [], silent: [] },
  );
});

test('finds a sentence that is new, in each form of literal', async () => {
  const source = `throw new NearmissError('usage', \`The folder \${name} is new\`, "Look at it");
    log.info('looking at it'); const sql = 'word'; tell({ what: 'How it is', text: 'It\\'s so' });`;
  assert.deepEqual(await reader.sentencesOf(source), [
    { text: 'The folder {} is new', line: 1, callees: ['NearmissError'] },
    { text: 'Look at it', line: 1, callees: ['NearmissError'] },
    { text: 'looking at it', line: 2, callees: ['log.info'] },
    { text: 'How it is', line: 2, callees: ['tell'], key: 'what' },
    { text: "It's so", line: 2, callees: ['tell'], key: 'text' },
  ]);
});

/** A language in which every known word is a mark, so that what was left in English stands out. */
const marked: Translate = (message, ...args) =>
  message
    .split(/(\{\d+\})/u)
    .map((piece, at) => (at % 2 === 1 ? String(args[Number(piece.slice(1, -1))]) : '※'))
    .join('');

/** Without what stands in places on purpose: quoted words, paths, names, figures, the last lines of a log. */
function leftOver(text: string): string {
  return text
    .replaceAll(/“[^”]*”|\/[\w./]+|\b[\w./*]+\.(?:ts|docx|gitignore)\b|\.(?:gitignore|env)\b/gu, '')
    .replaceAll(
      /a line|idleMs|logLevel|error, warn|SIGKILL|model\.vocab|Required|query|\bms\b/gu,
      '',
    );
}

/** Which known sentences a sentence is made of. */
function usedBy(sentence: string): ReadonlySet<string> {
  const byMessage = new Map(knownSentences().map(({ english, message }) => [message, english]));
  const used = new Set<string>();
  localised(sentence, (message, ...args) => {
    const english = byMessage.get(message);
    if (english !== undefined) used.add(english);
    return message.replaceAll(/\{(\d+)\}/g, (_, at: string) => String(args[Number(at)]));
  });
  return used;
}

interface Said extends SaidSentence {
  readonly file: string;
}

async function saidSentences(): Promise<Said[]> {
  const found: Said[] = [];
  for (const file of reachableFiles()) {
    if (OWN.test(file) || file in SILENT) continue;
    const sentences = await reader.sentencesOf(fs.readFileSync(path.join(root, file), 'utf8'));
    found.push(...sentences.filter(isHeard).map((sentence) => ({ file, ...sentence })));
  }
  return found;
}

function isHeard({ text, callees, key }: SaidSentence): boolean {
  if (key === 'what') return false;
  if (/^\s*(SELECT|INSERT|CREATE|UPDATE|DELETE|WITH|ALTER|DROP|PRAGMA) /.test(text)) return false;
  return !callees.some((callee) => UNHEARD.some(([pattern]) => pattern.test(callee)));
}

function isTranslation(callee: string): boolean {
  return /^(this\.|vscode\.l10n\.)?t$/.test(callee);
}

/** Every source that an entry imports, itself or by others; what is imported as a type alone says nothing. */
function reachableFiles(): string[] {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    const source = fs.readFileSync(path.join(root, file), 'utf8');
    for (const name of importedModules(source.replaceAll(/^import type [^;]*;/gmu, ''))) {
      const target = path.posix.join(path.posix.dirname(file), `${name}.ts`);
      if (name.startsWith('.') && fs.existsSync(path.join(root, target))) visit(target);
    }
  };
  ENTRIES.forEach(visit);
  return [...reached].sort();
}

function skeleton(english: string): string {
  return english.replaceAll(/\{(?:word|…|…, …|…; …)\}/gu, '{}');
}
