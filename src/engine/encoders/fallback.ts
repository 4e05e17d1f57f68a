/**
 * A session that survives the loss of its device. When a run on the GPU fails, or gives what no run can give, the
 * same inputs run again on the CPU, and everything after them too.
 */
import { messageOf } from '../../base/errors';
import { isFiniteVector } from '../../base/vector';
import type { Session } from './session';

/** What is called for once the device is lost. */
export interface Fallback {
  /** Makes the session on the CPU. */
  readonly open: () => Promise<Session>;
  /** Told once, with the reason in a few words. */
  readonly onLost: (reason: string) => void;
}

/** Takes over the session and disposes it, and the one that may replace it. */
export function withCpuFallback(primary: Session, { open, onLost }: Fallback): Session {
  let replacement: Promise<Session> | undefined;
  let isDisposed = false;
  const replace = (reason: string): Promise<Session> => {
    replacement ??= (() => {
      onLost(reason);
      primary.dispose();
      return open();
    })();
    return replacement;
  };
  return {
    inputNames: primary.inputNames,
    outputNames: primary.outputNames,
    async run(inputs, output) {
      if (replacement) return (await replacement).run(inputs, output);
      let reason: string;
      try {
        const result = await primary.run(inputs, output);
        // A device that was reset under way may answer with whatever is in its memory.
        if (isFiniteVector(result.data) && result.data.some((value) => value !== 0)) return result;
        reason = 'it gave numbers that are not finite, or only zeros';
      } catch (error) {
        reason = messageOf(error);
      }
      if (isDisposed) throw new Error(reason);
      return (await replace(reason)).run(inputs, output);
    },
    dispose() {
      if (isDisposed) return;
      isDisposed = true;
      primary.dispose();
      void replacement?.then(
        (session) => session.dispose(),
        () => undefined,
      );
    },
  };
}
