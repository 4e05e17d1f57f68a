/**
 * Keeps a row where it is on the screen while rows above it change: by scrolling, and where there is nothing to
 * scroll by room above or below the list.
 */

/** Row, scroller and spacers of one panel. */
export class Stillness {
  private roomAbove = 0;
  private roomBelow = 0;

  constructor(private readonly root: HTMLElement) {}

  /** Paints, and holds the row with this key still; without a key (or without that row) just paints. */
  paint(heldKey: string | undefined, paint: () => void): void {
    const before = this.top(heldKey);
    paint();
    const after = this.top(heldKey);
    if (before !== undefined && after !== undefined) this.shift(after - before);
  }

  /** A new list starts at its top, without a spacer. */
  reset(): void {
    this.setRoom(0, 0);
    if (this.scroller) this.scroller.scrollTop = 0;
  }

  private top(key: string | undefined): number | undefined {
    return key === undefined ? undefined : rowWith(this.root, key)?.getBoundingClientRect().top;
  }

  /** The held row has moved down by so many pixels: takes the page back by as many. */
  private shift(distance: number): void {
    // Pages scroll by whole pixels, rows lie at parts of one: the rest is room above.
    const left = distance - this.scroll(Math.ceil(distance));
    // Moved up while the list stood at its top: room above. Moved down in a list too short to scroll: room below.
    if (left < 0) this.setRoom(this.roomAbove - left, this.roomBelow);
    if (left <= 0) return;
    const taken = Math.min(left, this.roomAbove);
    const below = Math.ceil(left - taken);
    this.setRoom(this.roomAbove - taken, this.roomBelow + below);
    const rest = left - taken - this.scroll(below);
    if (rest < 0) this.setRoom(this.roomAbove - rest, this.roomBelow);
  }

  /** Scrolls by so many pixels and says by how many it went. */
  private scroll(distance: number): number {
    const { scroller } = this;
    if (!scroller) return distance;
    const before = scroller.scrollTop;
    scroller.scrollTop = before + distance;
    return scroller.scrollTop - before;
  }

  private setRoom(above: number, below: number): void {
    this.roomAbove = above;
    this.roomBelow = below;
    this.setHeight('.spacer.above', above);
    // A list shorter than the page scrolls only when it has grown to the end of the page and further.
    this.setHeight('.spacer.below', below === 0 ? 0 : below + this.unfilled());
  }

  /** Pixels of the page that the list leaves empty at its end. */
  private unfilled(): number {
    const { scroller } = this;
    const last = scroller?.querySelector('.spacer.below');
    if (!scroller || !last) return 0;
    const end = last.getBoundingClientRect().top;
    return Math.max(0, scroller.getBoundingClientRect().bottom - end);
  }

  private setHeight(selector: string, pixels: number): void {
    const spacer = this.root.querySelector<HTMLElement>(selector);
    if (spacer) spacer.style.height = `${pixels}px`;
  }

  private get scroller(): HTMLElement | null {
    return this.root.querySelector<HTMLElement>('#scroller');
  }
}

/** The row of a key. */
export function rowWith(root: ParentNode, key: string): HTMLElement | undefined {
  const rows = root.querySelectorAll<HTMLElement>('.row');
  return [...rows].find((row) => row.dataset.key === key);
}
