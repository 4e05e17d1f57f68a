/**
 * The tool `#nearmiss` for agents in the editor: the window's folders, unsaved text included, answered as the MCP server
 * answers. Its hits go along as references, so that a chat can show and open them.
 */
import * as vscode from 'vscode';
import { messageOf, NearmissError } from '../../base/errors';
import {
  answerText,
  buildingSentence,
  DEFAULT_AGENT_LIMIT,
  DEFAULT_BUDGET_TOKENS,
  LEAST_BUDGET_TOKENS,
  LONGEST_INPUT,
  MOST_AGENT_LIMIT,
  MOST_BUDGET_TOKENS,
} from '../agentAnswer';
import { signalOf } from './cancellation';
import type { WorkspaceHit } from './multiRoot';
import { uriOf } from './reveal';
import type { Services } from './services';

/** As package.json declares it. */
const toolName = 'nearmiss_search';

/** What a model may ask; the editor checks kinds by the schema in package.json, ranges are checked here. */
interface ToolInput {
  readonly query: string;
  readonly paths?: readonly string[];
  readonly languages?: readonly string[];
  readonly limit?: number;
  readonly budget?: number;
}

export function registerAgentTool(services: Services): vscode.Disposable {
  return vscode.lm.registerTool<ToolInput>(toolName, {
    prepareInvocation: ({ input }) => prepared(services, input),
    invoke: ({ input }, token) => invoke(services, input, token),
  });
}

function prepared({ workspace }: Services, input: ToolInput): vscode.PreparedToolInvocation {
  const { t } = vscode.l10n;
  const query = shortened(input.query);
  const folders = workspace.indexed.map(({ name }) => name).join(', ');
  return {
    invocationMessage: t('Searching for "{0}"', query),
    confirmationMessages: {
      title: t('Search this workspace by meaning?'),
      message: t(
        'Nearmiss searches {0} for "{1}" on this machine. The passages it finds go to the language model of this chat.',
        folders,
        query,
      ),
    },
  };
}

async function invoke(
  { searching, workspace }: Services,
  input: ToolInput,
  token: vscode.CancellationToken,
): Promise<vscode.LanguageModelToolResult> {
  const { query, paths, languages } = checked(input);
  const folders = workspace.indexed;
  if (folders.length === 0)
    throw new NearmissError('notFound', 'No folder of this window is indexed', 'Open a folder');
  const { signal, dispose } = signalOf(token);
  try {
    const limit = between(input.limit, DEFAULT_AGENT_LIMIT, 1, MOST_AGENT_LIMIT);
    const budget = between(
      input.budget,
      DEFAULT_BUDGET_TOKENS,
      LEAST_BUDGET_TOKENS,
      MOST_BUDGET_TOKENS,
    );
    // Which folder has the better hits is known only afterwards: each gets its share.
    const budgetTokens = Math.max(50, Math.floor(budget / folders.length));
    const asked = { query, paths, languages, limit, rerank: true, budgetTokens };
    const result = await searching.search(asked, signal);
    const hits = result.hits.map((hit) => ({ ...hit, path: uriOf(hit).fsPath }));
    const building = folders.flatMap(({ status }) => (status && buildingSentence(status)) ?? []);
    return new vscode.LanguageModelToolResult([
      new vscode.LanguageModelTextPart(answerText({ ...result, hits }, building)),
      referencesTo(result.hits),
    ]);
  } catch (error) {
    if (token.isCancellationRequested) throw new vscode.CancellationError();
    throw new Error(messageOf(error), { cause: error });
  } finally {
    dispose();
  }
}

/**
 * A part without text that only names places: prompt elements carry references, and this is how one is written down
 * (`PieceJSON` of @vscode/prompt-tsx).
 */
function referencesTo(hits: readonly WorkspaceHit[]): vscode.LanguageModelPromptTsxPart {
  const references = hits.map((hit) => ({
    anchor: new vscode.Location(uriOf(hit), new vscode.Range(hit.start, 0, hit.end, 0)),
  }));
  return new vscode.LanguageModelPromptTsxPart({
    node: { type: 1, ctor: 2, ctorName: 'Hits', props: {}, children: [], references },
  });
}

function checked(input: ToolInput): ToolInput {
  const { query, paths = [], languages = [] } = input;
  const areTexts = [query, ...paths, ...languages].every(
    (text) => typeof text === 'string' && text.length <= LONGEST_INPUT,
  );
  if (areTexts && query.trim() !== '') return input;
  throw new NearmissError('usage', 'The query is empty or too long', 'Ask in a sentence');
}

function between(value: unknown, usual: number, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return usual;
  return Math.min(most, Math.max(least, Math.round(value)));
}

/** What a model wrote is shown to a person before it runs: one line of it, without tricks. */
function shortened(query: unknown): string {
  const line = String(query)
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  return line.length <= 200 ? line : `${line.slice(0, 199)}…`;
}
