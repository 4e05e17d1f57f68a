/** What the tools take and give, each field with the words that an agent reads. Lines count from 1, both ends included. */
import * as z from 'zod';
import {
  DEFAULT_AGENT_LIMIT,
  DEFAULT_BUDGET_TOKENS,
  LEAST_BUDGET_TOKENS,
  LONGEST_INPUT,
  MOST_AGENT_LIMIT,
  MOST_BUDGET_TOKENS,
} from '../agentAnswer';

/** Lines that one call of read_span may ask for. */
export const MOST_SPAN_LINES = 500;

const lineNumber = z.int().min(1).max(10_000_000);
const folder = z
  .string()
  .max(LONGEST_INPUT)
  .optional()
  .describe('Which of the served folders; not needed where there is one');
const filePath = z
  .string()
  .min(1)
  .max(LONGEST_INPUT)
  .describe('Path of an indexed file, as a hit names it or absolute');
const limit = z
  .int()
  .min(1)
  .max(MOST_AGENT_LIMIT)
  .default(DEFAULT_AGENT_LIMIT)
  .describe('Most hits');
const budget = z
  .int()
  .min(LEAST_BUDGET_TOKENS)
  .max(MOST_BUDGET_TOKENS)
  .default(DEFAULT_BUDGET_TOKENS)
  .describe('Most tokens of the whole answer; hits are packed into it, best first');

export const searchInput = z.object({
  query: z
    .string()
    .min(1)
    .max(LONGEST_INPUT)
    .describe('A question or description in words, a symbol, a path, or "an exact phrase"'),
  folder,
  paths: z
    .array(z.string().max(LONGEST_INPUT))
    .max(20)
    .optional()
    .describe('Only paths that match one of these globs, such as src/**'),
  languages: z.array(z.string().max(50)).max(20).optional().describe('Only these languages'),
  limit,
  budget,
});

export const similarInput = z.object({
  path: filePath,
  startLine: lineNumber,
  endLine: lineNumber,
  folder,
  limit,
  budget,
});

export const readInput = z.object({
  path: filePath,
  startLine: lineNumber.default(1),
  endLine: lineNumber.optional().describe('Last line, included; by default 100 lines are given'),
  folder,
});

export const folderInput = z.object({ folder });

export const markInput = z.object({
  query: z.string().min(1).max(LONGEST_INPUT).describe('The query that gave the hit, unchanged'),
  path: filePath,
  startLine: lineNumber,
  endLine: lineNumber,
  verdict: z.enum(['relevant', 'notRelevant']),
  folder,
});

const place = {
  path: z.string().describe('Relative to the folder'),
  absolutePath: z.string(),
  startLine: z.int(),
  endLine: z.int().describe('Included'),
};

const hit = z.object({
  ...place,
  symbol: z.string(),
  kind: z.string(),
  language: z.string(),
  page: z.int().optional().describe('Of a document that has pages'),
  text: z.string(),
});

const isComplete = z.boolean().describe('False while the index is still being built');

export const searchOutput = z.object({
  folder: z.string(),
  hits: z.array(hit),
  noGoodMatch: z.boolean().describe('True where none of the hits seems to answer'),
  isComplete,
  notes: z.array(z.string()),
});

export const readOutput = z.object({
  ...place,
  language: z.string(),
  lineCount: z.int().describe('Lines of the whole file'),
  text: z.string(),
});

export const statusOutput = z.object({
  folders: z.array(
    z.object({
      folder: z.string(),
      state: z.string(),
      isComplete,
      fileCount: z.int(),
      chunkCount: z.int(),
      embeddedCount: z.int(),
      skippedCount: z.int(),
      sentence: z.string(),
    }),
  ),
});

export const markOutput = z.object({ id: z.string(), ...place, verdict: z.string() });
