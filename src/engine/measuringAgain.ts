/**
 * Measures the version that answers again, by itself, once much of its folder is other than when it was measured last:
 * when nobody has asked for a while, everything is indexed, nothing is paused and the machine is on mains. One that does
 * not hold gives way to the base, with a sentence that says so; else nothing moves. Once for each state of a folder:
 * whatever comes of it, the folder as it is then is what the next change is counted from.
 */
import { isAbort, messageOf } from '../base/errors';
import type { Disposable } from '../base/lifecycle';
import type { Logger } from '../base/log';
import type { FolderRecord } from './dataFolder';
import type { Learning } from './learning';
import type { Versions } from './versions';

/** How often it looks whether something is due. */
const LOOK_EVERY_MS = 60_000;

export interface MeasuringAgainParts {
  readonly log: Logger;
  /** So long it must have been quiet; 0: nothing is ever measured again by itself. */
  readonly afterMs: number;
  readonly versions: Pick<Versions, 'learnedIn'>;
  readonly learning: Pick<Learning, 'learn' | 'isWorking'>;
  /** Folders with nothing left to do. */
  readonly settled: () => readonly FolderRecord[];
  /** So long nobody has asked, nor has anything been indexed. */
  readonly quietForMs: () => number;
  readonly isOnBattery: () => Promise<boolean>;
}

export class MeasuringAgain implements Disposable {
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly ending = new AbortController();
  /** Versions whose measuring failed or was cancelled: not again while this engine runs. */
  private readonly givenUp = new Set<string>();
  private isLooking = false;

  constructor(private readonly parts: MeasuringAgainParts) {
    const { afterMs } = parts;
    if (afterMs <= 0) return;
    this.timer = setInterval(() => void this.look(), Math.min(LOOK_EVERY_MS, afterMs));
    this.timer.unref();
  }

  dispose(): void {
    clearInterval(this.timer);
    this.ending.abort();
  }

  /** Measures what is due, if now is the time; settles when that is done. Never throws. */
  async look(): Promise<void> {
    const { afterMs, learning, quietForMs, isOnBattery, settled } = this.parts;
    if (afterMs <= 0 || this.isLooking || learning.isWorking || quietForMs() < afterMs) return;
    this.isLooking = true;
    try {
      if (await isOnBattery()) return;
      for (const record of settled())
        if (quietForMs() >= afterMs && !learning.isWorking) await this.measure(record);
    } catch (error) {
      this.parts.log.error('looking for versions to measure again', error);
    } finally {
      this.isLooking = false;
    }
  }

  private async measure(record: FolderRecord): Promise<void> {
    const { versions, learning, log } = this.parts;
    const learned = await versions.learnedIn(record.id);
    const key = `${record.id} ${learned?.version}`;
    if (!learned?.isDue || this.givenUp.has(key)) return;
    const { folder } = record;
    const params = { folder, kind: 'check', version: learned.version, isUnasked: true } as const;
    try {
      log.info('measuring a version again', { version: learned.version, folder });
      const { report } = await learning.learn(record, params, this.ending.signal);
      log.info('measured again', { version: learned.version, verdict: report.verdict });
    } catch (error) {
      this.givenUp.add(key);
      if (!isAbort(error)) log.warn('measuring again', { folder, reason: messageOf(error) });
    }
  }
}
