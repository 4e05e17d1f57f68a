/** How long a query head and a cross-encoder take to learn from a hundred marks. */
import { seededRandom } from '../../src/base/random';
import { RunControl } from '../../src/engine/training/control';
import { HeadLearner } from '../../src/engine/training/headLearner';
import { runLoop } from '../../src/engine/training/loop';
import { makePlan } from '../../src/engine/training/plan';
import { makeRecipe } from '../../src/engine/training/recipe';
import type { TrainingRecord } from '../../src/engine/training/recordFile';
import { RetrievalLossGraphs } from '../../src/engine/training/retrievalLossGraph';
import { makeCorpus } from './corpus';
import { openCross, threads } from './learnsParts';
import { benchOption, type Figure, report, timed } from './report';

export async function measureSpeed(): Promise<void> {
  const only = benchOption('only');
  const figures: Figure[] = [];
  const add = (label: string, { seconds, cpuSeconds }: Took, atMost: number): void => {
    figures.push({ label, value: seconds, unit: 's', atMost });
    // On a busy machine the processor's own time says more.
    figures.push({ label: '  of the processor', value: cpuSeconds, unit: 's' });
  };
  if (only !== 'cross') add('query head, 100 marks, 150 steps', await headTook(), 5);
  if (only !== 'head')
    add('LCE, 100 groups of 8 at 128 tokens, last 2 layers, one epoch', await crossTook(), 90);
  report('learns-speed', figures);
}

interface Took {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function took(action: () => Promise<unknown>): Promise<Took> {
  const start = process.cpuUsage();
  const { ms } = await timed(action);
  const { user, system } = process.cpuUsage(start);
  return { seconds: ms / 1000, cpuSeconds: (user + system) / 1e6 };
}

/** Over random embeddings: the arithmetic does not look at what they mean. */
async function headTook(): Promise<Took> {
  const plan = makePlan({ train: syntheticMarks(100), heldOutShare: 0.2, seed: 1 });
  const recipe = makeRecipe('query-head', 20, { steps: 150, patience: 1000 });
  const random = seededRandom(1);
  const dimension = 384;
  const vectors = Float32Array.from(
    { length: plan.texts.length * dimension },
    () => random() - 0.5,
  );
  const learner = new HeadLearner({
    kind: 'query-head',
    plan,
    vectors,
    dimension,
    base: '',
    recipe,
    seed: 1,
    losses: new RetrievalLossGraphs(dimension),
  });
  return took(() => runLoop({ learner, recipe, control: new RunControl() }));
}

async function crossTook(): Promise<Took> {
  const texts = makeCorpus(800, 800 * 700).map(({ text }) => text);
  const marks = syntheticMarks(100, (group, place) => texts[group * 8 + place]!);
  const plan = makePlan({ train: marks, heldOut: marks.slice(0, 1), heldOutShare: 0, seed: 1 });
  const changes = {
    maxTokens: 128,
    rows: 10,
    negatives: 7,
    steps: 10,
    evaluateEvery: 10,
    layers: 2,
  };
  const recipe = makeRecipe('cross-encoder', 100, { ...changes, chunkTokens: 1024, threads });
  const { encoder, learnerOf } = await openCross(plan, recipe);
  const learner = learnerOf(1);
  const result = await took(() => runLoop({ learner, recipe, control: new RunControl() }));
  encoder.dispose();
  return result;
}

function syntheticMarks(
  count: number,
  textAt: (group: number, place: number) => string = (group, place) => `text ${group} ${place}`,
): TrainingRecord[] {
  return Array.from({ length: count }, (_, group) => ({
    task: 'ir',
    query: `how is thing number ${group} done in this code`,
    positives: [textAt(group, 0)],
    negatives: Array.from({ length: 7 }, (_, place) => textAt(group, place + 1)),
    line: group + 1,
  }));
}
