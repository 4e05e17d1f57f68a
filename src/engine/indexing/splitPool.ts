/**
 * Splitting threads as one splitter. A second thread is started only when documents wait for the first: an
 * edit needs one, a first pass over a folder two, for one alone takes longer to cut than the writer to write.
 * A thread that ends before its time costs the documents it had; another takes its place with the next.
 */
import type { Document } from '../documents/document';
import type { NewChunk } from '../store/types';
import type { Splitter } from './rooms';

/** A splitter in a thread of its own. */
export type ThreadSplitter = Splitter & { readonly ended: Promise<void> };

/** Documents given to a thread before another one is worth its start. */
const ENOUGH_FOR_ONE = 2;

class Slot {
  waitingCount = 0;
  private thread: Promise<ThreadSplitter> | undefined;

  constructor(private readonly open: () => Promise<ThreadSplitter>) {}

  async split(document: Document): Promise<NewChunk[]> {
    this.waitingCount++;
    try {
      return await (await this.opened()).split(document);
    } finally {
      this.waitingCount--;
    }
  }

  opened(): Promise<ThreadSplitter> {
    if (this.thread) return this.thread;
    const opening = this.open();
    const forget = (): void => {
      if (this.thread === opening) this.thread = undefined;
    };
    opening.then(({ ended }) => ended.then(forget), forget);
    this.thread = opening;
    return opening;
  }

  dispose(): void {
    this.thread?.then((splitter) => splitter.dispose()).catch(() => undefined);
    this.thread = undefined;
  }
}

/** Up to `threadCount` threads, the first of which is started at once; rejects when that fails. */
export async function openSplitPool(
  threadCount: number,
  open: () => Promise<ThreadSplitter>,
): Promise<Splitter> {
  const slots = Array.from({ length: threadCount }, () => new Slot(open));
  await slots[0]!.opened();
  return {
    split: (document) => freest(slots).split(document),
    dispose: () => slots.forEach((slot) => slot.dispose()),
  };
}

/** The first one with little to do, or the one with least. */
function freest(slots: readonly Slot[]): Slot {
  const free = slots.find(({ waitingCount }) => waitingCount < ENOUGH_FOR_ONE);
  return free ?? slots.reduce((a, b) => (b.waitingCount < a.waitingCount ? b : a));
}
