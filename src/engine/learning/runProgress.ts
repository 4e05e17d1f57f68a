/** How far a run is: planned pieces of work with a rough weight each. The fraction never falls; time left is by what has passed. */
export interface Piece {
  readonly stage: string;
  /** Rough seconds. */
  readonly weight: number;
}

export interface RunNews {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  readonly fraction: number;
  readonly secondsLeft?: number;
}

/** The share of a run after which its pace says something about the rest. */
const GUESSED_FROM = 0.05;

export class RunProgress {
  private readonly startMs = performance.now();
  private doneWeight = 0;
  private current: Piece | undefined;
  private last = 0;

  constructor(
    private totalWeight: number,
    private readonly tell: (news: RunNews) => void,
  ) {}

  /** Begins a piece; the one before is over. */
  begin(piece: Piece): void {
    this.end();
    this.current = piece;
    this.at(0, 1);
  }

  at(done: number, total: number): void {
    const piece = this.current;
    if (!piece) return;
    const share = total > 0 ? Math.min(1, done / total) : 1;
    const fraction = (this.doneWeight + share * piece.weight) / Math.max(1e-9, this.totalWeight);
    this.last = Math.min(1, Math.max(this.last, fraction));
    const seconds = (performance.now() - this.startMs) / 1000;
    const secondsLeft =
      this.last > GUESSED_FROM ? (seconds / this.last) * (1 - this.last) : undefined;
    this.tell({ stage: piece.stage, done, total, fraction: this.last, secondsLeft });
  }

  end(): void {
    if (this.current) this.doneWeight += this.current.weight;
    this.current = undefined;
  }
}
