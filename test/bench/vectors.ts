/** Synthetic embeddings that lie in clusters, as real ones do: uniformly random ones would all be equally far apart. */
import { normalize } from '../../src/base/vector';
import { type Random, seededRandom } from '../../src/base/random';

/** Length of the noise beside a centre of length 1. */
const spread = 0.7;

/** Draws embeddings of one space, one after the other. */
export function clusteredEmbeddings(
  dimension: number,
  clusterCount: number,
  seed: number,
): () => Float32Array {
  const random = seededRandom(seed);
  const centres = Array.from({ length: clusterCount }, () =>
    normalize(gaussian(dimension, 1, random)),
  );
  const scale = spread / Math.sqrt(dimension);
  return () => {
    const centre = centres[Math.floor(random() * clusterCount)]!;
    const vector = gaussian(dimension, scale, random);
    for (let i = 0; i < dimension; i++) vector[i]! += centre[i]!;
    return normalize(vector);
  };
}

/** Independent normal numbers (Box and Muller's transform, both halves of each pair). */
function gaussian(count: number, deviation: number, random: Random): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < count) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}
