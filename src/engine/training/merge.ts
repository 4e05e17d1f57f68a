/**
 * Several checkpoints of one base made one (CoDiEmb's idea, arXiv 2508.11442; the formulas are ours). Each tensor by
 * itself, with Δ_k = θ_k − θ₀:
 *   deviation   θ₀ + Σ w_k Δ_k,  w_k = |Δ_k| / Σ|Δ|: who moved far there has more to say
 *   average     θ₀ + mean Δ_k
 *   slerp       along the arc between two Δ, so that what both learned keeps its length
 * The pull to the base goes back a part of the way: θ₀ + a(θ − θ₀).
 */
import { BugError } from '../../base/errors';

export type MergeMethod = 'deviation' | 'slerp' | 'average';

type Numbers = Float32Array | Float64Array;

/** Weights by tensor name. */
export type NamedTensors<N extends Numbers = Float32Array> = ReadonlyMap<string, N>;

/** All checkpoints as one. Every tensor of the base must be in each of them, of the same size. */
export function mergeCheckpoints<N extends Numbers>(
  base: NamedTensors<N>,
  checkpoints: readonly NamedTensors<N>[],
  how: MergeMethod,
  pull = 1,
): Map<string, N> {
  return new Map(
    [...base].map(([name, weights]) => {
      const others = checkpoints.map((checkpoint) => tensorOf(checkpoint, name, weights.length));
      return [name, mergeTensors(weights, others, how, pull)];
    }),
  );
}

function tensorOf<N extends Numbers>(from: NamedTensors<N>, name: string, size: number): N {
  const tensor = from.get(name);
  if (tensor?.length === size) return tensor;
  throw new BugError(`${name} has ${tensor?.length ?? 'no'} numbers where the base has ${size}`);
}

/** One tensor. `pull` is a: 1 leaves the merged weights, 0 gives the base. */
export function mergeTensors<N extends Numbers>(
  base: N,
  checkpoints: readonly N[],
  how: MergeMethod,
  pull = 1,
): N {
  const deltas = checkpoints.map((tensor) => deviation(tensor, base));
  const merged = mergeDeviations(deltas, how);
  // In 64 bits to the end: identical checkpoints come out as they went in.
  return base.map((value, i) => value + pull * (merged[i] ?? 0)) as N;
}

function deviation(tensor: Numbers, base: Numbers): Float64Array {
  return Float64Array.from(tensor, (value, i) => value - base[i]!);
}

function mergeDeviations(deltas: readonly Float64Array[], how: MergeMethod): Float64Array {
  if (how === 'slerp')
    return deltas.reduce((merged, delta, k) =>
      k === 0 ? delta : slerp(merged, delta, 1 / (k + 1)),
    );
  const weights =
    how === 'deviation' ? deviationWeights(deltas) : deltas.map(() => 1 / deltas.length);
  return deltas[0]!.map((_, i) =>
    deltas.reduce((sum, delta, k) => sum + weights[k]! * delta[i]!, 0),
  );
}

/** |Δ_k| / Σ|Δ|; equal where nothing moved. */
export function deviationWeights(deltas: readonly Float64Array[]): number[] {
  const norms = deltas.map(normOf);
  const total = norms.reduce((sum, norm) => sum + norm, 0);
  return norms.map((norm) => (total === 0 ? 1 / norms.length : norm / total));
}

/** Angles with a cosine this near to ±1 have no stable arc: a straight line then. */
const STRAIGHT = 1e-6;

/** The point at `u` (0 to 1) on the arc from a to b; the ends are exact. */
export function slerp(a: Float64Array, b: Float64Array, u: number): Float64Array {
  if (u === 0) return a;
  if (u === 1) return b;
  const norms = normOf(a) * normOf(b);
  const cosine = norms === 0 ? 1 : a.reduce((sum, value, i) => sum + value * b[i]!, 0) / norms;
  const [shareA, shareB] = shares(Math.min(Math.max(cosine, -1), 1), u);
  return a.map((value, i) => shareA * value + shareB * b[i]!);
}

function shares(cosine: number, u: number): [number, number] {
  if (1 - Math.abs(cosine) < STRAIGHT) return [1 - u, u];
  const angle = Math.acos(cosine);
  return [Math.sin((1 - u) * angle) / Math.sin(angle), Math.sin(u * angle) / Math.sin(angle)];
}

function normOf(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
