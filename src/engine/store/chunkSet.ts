/** A set of chunk ids as bits, for filters: what `has` costs decides what a filtered scan costs. */

export class ChunkSet {
  private readonly bits: Uint32Array;
  private memberCount = 0;

  /** A set for ids up to but not including `endId`. */
  constructor(private readonly endId: number) {
    this.bits = new Uint32Array(Math.ceil(endId / 32));
  }

  get size(): number {
    return this.memberCount;
  }

  has(id: number): boolean {
    return id < this.endId && ((this.bits[id >>> 5]! >>> (id & 31)) & 1) === 1;
  }

  add(id: number): void {
    if (id >= this.endId || this.has(id)) return;
    this.bits[id >>> 5]! |= 1 << (id & 31);
    this.memberCount++;
  }

  /** Adds `first` up to but not including `end`. */
  addRange(first: number, end: number): void {
    for (let id = first; id < end; id++) this.add(id);
  }
}
