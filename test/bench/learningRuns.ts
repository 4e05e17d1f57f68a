/** Whole runs, gate and all, as `nearmiss learn` and `nearmiss adapt` make them, and what came of them on unseen queries. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { DisposableStore } from '../../src/base/lifecycle';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import type { KeptMark } from '../../src/engine/feedback/marks';
import { adapt } from '../../src/engine/learning/adapt';
import { contestantOf } from '../../src/engine/learning/beside';
import {
  learn,
  type Learned,
  type LearnMeans,
  type LearnOrder,
} from '../../src/engine/learning/learn';
import { loadVersion } from '../../src/engine/learning/learnedVersion';
import type { LearningTier } from '../../src/engine/learning/report';
import { VersionStore } from '../../src/engine/learning/versionStore';
import { mean } from '../../src/engine/training/metrics';
import { figuresOf, type Gains, Yardstick } from './learningMeasures';
import { learnMeans, shuffledLabels, simulate, withWrongMarks, type World } from './learningWorld';
import { benchOption, type Figure, note } from './report';

interface RunOptions {
  readonly levels: readonly number[];
  readonly seeds: readonly number[];
  readonly wrongShare: number;
}

/** Gain on all unseen queries from which on a run should be promoted. */
const TRUE_GAIN = 0.08;

/** Learning from marks as they are, or with right and wrong drawn anew. */
export function measureGate(
  world: World,
  { levels, seeds, wrongShare }: RunOptions,
): Promise<Figure[]> {
  const tiers = (benchOption('tiers') ?? 'words,fusion,head').split(',') as LearningTier[];
  const [level] = levels;
  const marksOf = async (seed: number): Promise<readonly KeptMark[]> => {
    const marks = await simulate(world, level!, seed);
    return process.argv.includes('--shuffled')
      ? shuffledLabels(marks, seed)
      : withWrongMarks(marks, wrongShare, seed);
  };
  return measureRuns(world, {
    seeds,
    label: `${level} marks`,
    marksOf,
    run: (order, means) => learn({ ...order, tiers }, means),
  });
}

export function measureAdapt(world: World, seeds: readonly number[]): Promise<Figure[]> {
  return measureRuns(world, {
    seeds,
    label: 'no mark',
    marksOf: () => Promise.resolve([]),
    run: adapt,
  });
}

async function measureRuns(
  world: World,
  given: {
    readonly seeds: readonly number[];
    readonly label: string;
    readonly marksOf: (seed: number) => Promise<readonly KeptMark[]>;
    readonly run: (order: LearnOrder, means: LearnMeans) => Promise<Learned>;
  },
): Promise<Figure[]> {
  const yardstick = await Yardstick.make(world);
  const root = installationRoot();
  const base = {
    biEncoder: (await readBundledCheckpoint(root, 'bi-encoder')).fingerprint,
    crossEncoder: (await readBundledCheckpoint(root, 'cross-encoder')).fingerprint,
  };
  const { seeds, label, marksOf, run } = given;
  const runs: Gains[] = [];
  const seconds: number[] = [];
  let promotedCount = 0;
  for (const seed of seeds) {
    const marks = await marksOf(seed);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-bench-'));
    const store = new VersionStore(folder);
    const means = learnMeans(world, seed);
    const order = { store, marks, base, rerankCount: 30, resume: false };
    const { report: made, version } = await run(order, means);
    note(`${world.name} seed ${seed}: ${made.verdict} (${made.seconds.toFixed(0)} s)`);
    for (const { tier, sentence, seconds: own } of made.tiers)
      note(`  ${tier} (${own.toFixed(0)} s): ${sentence}`);
    const owned = new DisposableStore();
    const learned = version === undefined ? undefined : await loadVersion(store, version, base);
    const ranker = learned ? await contestantOf(learned, { means, owned, texts: [] }) : {};
    const gains = await yardstick.gainsOf(ranker);
    owned.dispose();
    const gained = mean(gains.reciprocal);
    note(
      `  unseen: MRR ${gained.toFixed(4)}${gained > TRUE_GAIN ? ', a true gain' : ''}, accuracy ${mean(gains.accuracy).toFixed(4)}, guard ${mean(gains.guard).toFixed(4)}`,
    );
    fs.rmSync(folder, { recursive: true, force: true });
    if (version !== undefined) promotedCount++;
    runs.push(gains);
    seconds.push(made.seconds);
  }
  return [
    ...yardstick.baseFigures(),
    { label: `promoted of ${seeds.length}, ${label}`, value: promotedCount, digits: 0 },
    ...figuresOf('whole runs, 0 where nothing was promoted', runs),
    { label: 'seconds a run', value: mean(seconds), unit: 's' },
  ];
}
