/** Embeddings by a bi-encoder as it stands in training. */
import { frameText } from '../../src/engine/encoders/biEncoder';
import type { Checkpoint } from '../../src/engine/encoders/checkpoint';
import type { FramedTokenizer } from '../../src/engine/encoders/tokenizer';
import { chunkInputs, cutChunks } from '../../src/engine/training/chunks';
import type { TrainableEncoder } from '../../src/engine/training/trainableEncoder';

export interface EmbeddingAs {
  readonly tokenizer: FramedTokenizer;
  readonly checkpoint: Checkpoint;
  readonly role: 'query' | 'document';
}

export async function embedWith(
  encoder: TrainableEncoder,
  { tokenizer, checkpoint, role }: EmbeddingAs,
  texts: readonly string[],
): Promise<Float32Array[]> {
  const { dimension } = checkpoint;
  const sequences = texts.map((text) =>
    frameText({ tokenizer, checkpoint }, checkpoint.templates[role] + text),
  );
  const out: Float32Array[] = [];
  const { masks } = encoder;
  const options = { padId: tokenizer.padId, tokenBudget: 1024, masks, dropout: 0, seed: 0 };
  for (const places of cutChunks(sequences, options.tokenBudget)) {
    const own = places.map((place) => sequences[place]!);
    const values = await encoder.encode(chunkInputs(own, options, undefined));
    places.forEach(
      (place, row) => (out[place] = values.slice(row * dimension, (row + 1) * dimension)),
    );
  }
  return out;
}
