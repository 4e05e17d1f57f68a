/** A learning run inside the training process: opens the folder's marks, versions and models, and lets the room work. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { NearmissError } from '../base/errors';
import type { LearnRequest, LearnTaskResult, TrainingProgress } from '../protocol/training';
import { folderId, learningFolder, markFolder, realFolder } from './dataFolder';
import { readCheckpoint } from './encoders/checkpoint';
import { FolderMarks } from './feedback/marks';
import { readPastQueries } from './feedback/pastQueries';
import { adapt } from './learning/adapt';
import { check } from './learning/check';
import { learn, type LearnMeans, type LearnOrder } from './learning/learn';
import { BASE, VersionStore } from './learning/versionStore';
import type { RunControl } from './training/control';
import { givenIdsIn } from './sharing';
import type { TrainingIndex } from './trainingIndex';

export interface LearnListener {
  readonly control: RunControl;
  readonly onNews: (progress: TrainingProgress) => void;
  readonly onLimits: LearnMeans['onLimits'];
}

/** Learns as asked. Throws a NearmissError('model') where nothing embeds. */
export async function learnInFolder(
  request: LearnRequest,
  index: TrainingIndex,
  { control, onNews, onLimits }: LearnListener,
): Promise<Omit<LearnTaskResult, 'kind'>> {
  const { dataFolder, seed, resume, isUnasked, learnKind, measuresMethods, scope } = request;
  const { biEncoder, crossEncoderFolder, context, rerankCount, niceness } = index;
  if (!biEncoder)
    throw new NearmissError(
      'model',
      'No model embeds, so there is nothing to learn on',
      'Run `nearmiss doctor` to see what is wrong',
    );
  const folder = realFolder(request.folder);
  const id = folderId(folder);
  const root = learningFolder(dataFolder, id);
  await becomeOnly(root);
  const journal = path.join(markFolder(dataFolder, id), 'journal.jsonl');
  const { fingerprint: crossEncoder } = await readCheckpoint(crossEncoderFolder);
  const order: LearnOrder = {
    store: new VersionStore(root),
    marks: (await FolderMarks.open(journal, folder)).list(),
    base: { biEncoder: biEncoder.fingerprint, crossEncoder },
    ...{ rerankCount, resume, isUnasked, niceness, measuresMethods, scope },
    pastQueries: await readPastQueries(markFolder(dataFolder, id)),
    givenIds: new Set(givenIdsIn(markFolder(dataFolder, id))),
  };
  const { openReranker, openEncoder } = index;
  const means: LearnMeans = {
    ...{ index: context, folder, dataFolder, crossEncoderFolder, control, seed },
    ...{ openReranker, openEncoder },
    ...{ biEncoderFolder: biEncoder.folder, onLimits, tellRun: onNews, onNews: () => undefined },
  };
  if (learnKind === 'check') return check(order, means, request.version ?? BASE);
  return learnKind === 'adapt' ? adapt(order, means) : learn(order, means);
}

/** A process whose engine was killed ends between two steps; until then it may still write. */
const waitsForOtherMs = 120_000;

/** Waits for an earlier run of the folder that has lost its engine, and notes that this process is the one now. */
async function becomeOnly(root: string): Promise<void> {
  const file = path.join(root, 'runner.pid');
  const deadline = performance.now() + waitsForOtherMs;
  while (isAlive(Number(readIfThere(file))) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 100));
  fs.mkdirSync(root, { recursive: true, mode: 0o700 });
  fs.writeFileSync(file, `${process.pid}`, { mode: 0o600 });
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    // Nobody has learned here yet.
    return '';
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
