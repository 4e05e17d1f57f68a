/**
 * A folder where marks have something to teach: every answer is a test, which the ranking puts below the code it is for.
 * Marks that say so are learned as the weight of tests; the models are toys, so that a run takes seconds.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { EngineClient } from '../../src/clients/engineClient';
import type { LearnParams, LearnResult } from '../../src/protocol/learning';
import type { MarkInfo, SearchHit } from '../../src/protocol/types';
import { makeWorld, type World } from '../badDays/world';
import { killEngine } from './product';
import { writeFiles } from './temporaryFolder';

const TOPICS = [
  ['upload', 'queue', 'retry'],
  ['session', 'token', 'expiry'],
  ['invoice', 'total', 'rounding'],
  ['parser', 'header', 'comma'],
  ['cache', 'entry', 'eviction'],
  ['image', 'border', 'crop'],
  ['socket', 'frame', 'masking'],
  ['report', 'column', 'sorting'],
  ['password', 'salt', 'hashing'],
  ['calendar', 'event', 'overlap'],
  ['basket', 'voucher', 'discount'],
  ['logger', 'level', 'filter'],
  ['router', 'path', 'matching'],
  ['camera', 'focus', 'distance'],
] as const;

/** What is asked about each topic; the first half of them may be marked. */
export const QUESTIONS: readonly string[] = TOPICS.map(([a, b, c]) => `${c} of ${b} in ${a}`);

export interface LearningWorld extends World {
  readonly client: EngineClient;
  readonly pathsOf: typeof pathsOf;
  /** Marks the test relevant and the code not relevant, or the other way round. */
  mark(topic: number, isSwapped?: boolean): Promise<MarkInfo[]>;
  unmarkAll(): Promise<void>;
  learn(params?: Partial<LearnParams>, signal?: AbortSignal): Promise<LearnResult>;
  /** The order of a search as paths with lines and scores: equal only where everything is. */
  order(query: string): Promise<string[]>;
  /** Kills the engine; resolves when the client knows. */
  kill(): Promise<void>;
  /** A client of its own, as another window has. */
  another(): EngineClient;
}

/** `hook` is node:test's `after`. To be prepared by `prepare` in `before`. */
export function makeLearningWorld(
  hook: (end: () => Promise<void> | void) => void,
): LearningWorld & { prepare(): Promise<void> } {
  const world = makeWorld(hook);
  const clients: EngineClient[] = [];
  hook(() => clients.forEach((client) => client.dispose()));
  const another = (): EngineClient => {
    const engineFile = path.join(world.root, 'dist/engine.js');
    const client = new EngineClient({ dataFolder: world.data, engineFile, client: 'test' });
    clients.push(client);
    return client;
  };
  let client: EngineClient;
  const folder = world.code;
  const search = async (query: string): Promise<readonly SearchHit[]> =>
    (await client.call('search', { folder, query, limit: 50, rerank: true })).hits;
  const markOne = (query: string, file: string, verdict: 'relevant' | 'notRelevant') =>
    client.call('addMark', { folder, query, path: file, start: 0, end: 1, verdict });
  return {
    ...world,
    get client() {
      return client;
    },
    another,
    pathsOf,
    async prepare() {
      fs.rmSync(folder, { recursive: true, force: true });
      fs.mkdirSync(folder);
      writeFiles(folder, topicFiles());
      await world.install();
      // On a busy machine a process that stands back would not come to its end.
      writeFiles(world.data, { 'settings.json': '{"learningNiceness":0}' });
      client = another();
      await client.call('index', { folder, waitFor: 'all' });
    },
    async mark(topic, isSwapped = false) {
      const { code, test } = pathsOf(topic);
      const query = QUESTIONS[topic]!;
      const [right, wrong] = isSwapped ? [code, test] : [test, code];
      return [await markOne(query, right, 'relevant'), await markOne(query, wrong, 'notRelevant')];
    },
    async unmarkAll() {
      const { marks } = await client.call('listMarks', { folder });
      for (const { id } of marks) await client.call('undoMark', { folder, id });
    },
    learn: (params = {}, signal) => client.call('learn', { folder, ...params }, signal),
    async kill() {
      const lost = new Promise<void>((resolve) => {
        const listening = client.onLost(() => {
          listening.dispose();
          resolve();
        });
      });
      await killEngine(world.data);
      await lost;
    },
    async order(query) {
      const hits = await search(query);
      return hits.map(({ path: file, start, end, score }) => `${file}:${start}-${end} ${score}`);
    },
  };
}

/** The paths of the code and of the test for a topic. */
export function pathsOf(topic: number): { readonly code: string; readonly test: string } {
  const [a] = TOPICS[topic]!;
  return { code: `src/${a}.ts`, test: `test/${a}.test.ts` };
}

export function topicFiles(): Record<string, string> {
  const files: Record<string, string> = {};
  for (const [a, b, c] of TOPICS) {
    files[`src/${a}.ts`] = `export const ${a} = ['${b}', '${c}', '${a}', 'of', 'in'];\n`;
    files[`test/${a}.test.ts`] = `check(${a}, '${c} of ${b} in ${a}', ['${b}', '${c}']);\n`;
  }
  return files;
}
