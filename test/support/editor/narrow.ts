/** Windows and views as narrow as people have them, and what has to be so there. */
import assert from 'node:assert/strict';
import type { Frame, Locator } from 'playwright-core';
import { eventually, type Workbench } from './workbench';

const wide = { width: 1280, height: 800 };

/** Does something in a window of that width. */
export async function whileNarrow(
  window: Workbench,
  width: number,
  walk: () => Promise<void>,
): Promise<void> {
  await window.page.setViewportSize({ ...wide, width });
  await walk();
  await window.page.setViewportSize(wide);
}

/** Drags the edge of the side bar. */
export async function narrowSideBar(window: Workbench, width: number): Promise<void> {
  const bar = window.page.locator('.part.sidebar');
  const box = (): Promise<{ x: number; width: number }> =>
    bar.boundingBox().then((found) => found ?? { x: NaN, width: NaN });
  await window.insist(`the side bar is ${width} wide`, {
    act: async () => {
      const { x, width: now } = await box();
      const { mouse } = window.page;
      await mouse.move(x + now, 400);
      await mouse.down();
      await mouse.move(x + width, 400, { steps: 8 });
      await mouse.up();
      // Away from the edge, whose mark of being under the mouse would stay.
      await mouse.move(x + width + 200, 400);
    },
    isDone: async () => Math.abs((await box()).width - width) < 8,
  });
}

/** The list that is open lies in the window, with the row in focus in sight and marked as such. */
export async function checkListFits(window: Workbench): Promise<void> {
  const widget = window.page.locator('.quick-input-widget:visible');
  const row = widget.locator('.monaco-list-row.focused');
  await eventually(
    async () => [await isInside(window, widget), await isInside(window, row)],
    ([list, focused]) => list === true && focused === true,
  );
  const look = await row.evaluateAll((rows) =>
    rows.map((one) => {
      const { getComputedStyle } = globalThis as unknown as {
        getComputedStyle: (of: unknown) => { backgroundColor: string; outlineStyle: string };
      };
      const { backgroundColor, outlineStyle } = getComputedStyle(one);
      return outlineStyle !== 'none' || backgroundColor !== 'rgba(0, 0, 0, 0)';
    }),
  );
  assert.deepEqual(look, [true], 'the row in focus looks like any other');
}

/** A page of ours is so narrow and is not moved sideways. */
export async function checkPageFits(page: Frame, mostWidth: number): Promise<void> {
  const [inner, content] = await eventually(
    () => page.evaluate<[number, number]>('[innerWidth, document.documentElement.scrollWidth]'),
    ([width]) => width <= mostWidth,
  );
  assert.ok(content <= inner, `${content} in a page ${inner} wide`);
}

async function isInside({ page }: Workbench, what: Locator): Promise<boolean> {
  const size = page.viewportSize() ?? wide;
  const box = await what.first().boundingBox();
  return (
    box !== null &&
    box.x >= 0 &&
    box.y >= 0 &&
    box.x + box.width <= size.width &&
    box.y + box.height <= size.height
  );
}
