/** What the checks of `nearmiss doctor` are given, and how they tell what they found. */
import type { Finding } from '../protocol/engineLock';

export interface DoctorOptions {
  readonly dataFolder: string;
  /** Repairs what is a cache. */
  readonly fix: boolean;
}

export type Tell = (finding: Finding) => Promise<void>;
