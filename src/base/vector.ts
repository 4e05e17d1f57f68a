/** Arithmetic on embeddings. Rows of a matrix lie one after the other in one Float32Array. */

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Cosine of the angle, 0 when either vector is zero. */
export function cosine(a: Float32Array, b: Float32Array): number {
  const norms = Math.sqrt(dot(a, a) * dot(b, b));
  return norms === 0 ? 0 : dot(a, b) / norms;
}

/** Scales to norm 1 in place and returns the same array; a zero vector stays zero. */
export function normalize(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(dot(vector, vector));
  if (norm > 0) for (let i = 0; i < vector.length; i++) vector[i]! /= norm;
  return vector;
}

/** True when every component is a finite number. */
export function isFiniteVector(vector: Float32Array): boolean {
  for (let i = 0; i < vector.length; i++) if (!Number.isFinite(vector[i])) return false;
  return true;
}

/** Keeps the `k` best of a stream of (index, score). Equal scores order by the smaller index. */
export class TopK {
  private readonly indexes: number[] = [];
  private readonly scores: number[] = [];

  constructor(private readonly k: number) {}

  /** The score a newcomer must beat; -Infinity while there is room. */
  get threshold(): number {
    return this.scores.length < this.k
      ? -Infinity
      : (this.scores[this.scores.length - 1] ?? Infinity);
  }

  offer(index: number, score: number): void {
    if (this.k <= 0 || score < this.threshold || Number.isNaN(score)) return;
    let at = this.scores.length;
    while (at > 0 && isBefore(score, index, this.scores[at - 1]!, this.indexes[at - 1]!)) at--;
    if (at >= this.k) return;
    this.scores.splice(at, 0, score);
    this.indexes.splice(at, 0, index);
    if (this.scores.length > this.k) {
      this.scores.pop();
      this.indexes.pop();
    }
  }

  /** Best first. */
  results(): { index: number; score: number }[] {
    return this.indexes.map((index, i) => ({ index, score: this.scores[i]! }));
  }
}

function isBefore(score: number, index: number, otherScore: number, otherIndex: number): boolean {
  return score > otherScore || (score === otherScore && index < otherIndex);
}
