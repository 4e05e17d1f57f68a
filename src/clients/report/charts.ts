/**
 * The report's pictures as plain SVG: no script, so the page needs none, prints well and opens anywhere. Every chart
 * stands above or inside a table with the same numbers, which is what a screen reader gets.
 */
import type { Translate } from '../../base/translate';
import type { ComparedFigure, CurvePoint } from '../../protocol/learning';
import { count, difference, metric } from './figures';
import { html, type Markup } from './markup';

const ROW_WIDTH = 220;
const ROW_HEIGHT = 22;
const CURVE = { width: 640, height: 220, left: 48, right: 16, top: 12, bottom: 32 };

/** The interval of a difference around zero, all rows of a table on one scale of plus and minus `reach`. */
export function intervalPicture(
  { difference: value, low, high }: ComparedFigure,
  reach: number,
): Markup {
  const at = (x: number): number => round(ROW_WIDTH / 2 + (x / reach) * (ROW_WIDTH / 2 - 6));
  const tone = low > 0 ? 'better' : high < 0 ? 'worse' : 'open';
  const y = ROW_HEIGHT / 2;
  return html`<svg
    class="interval ${tone}"
    viewBox="0 0 ${ROW_WIDTH} ${ROW_HEIGHT}"
    aria-hidden="true"
  >
    <line class="zero" x1="${at(0)}" x2="${at(0)}" y1="0" y2="${ROW_HEIGHT}" />
    <line class="range" x1="${at(low)}" x2="${at(high)}" y1="${y}" y2="${y}" />
    <circle class="value" cx="${at(value)}" cy="${y}" r="4.5" />
  </svg>`;
}

/** The largest number that an interval of these figures reaches, at least .05. */
export function reachOf(figures: readonly ComparedFigure[]): number {
  const ends = figures.flatMap(({ low, high, difference: value }) => [low, high, value]);
  return Math.max(0.05, ...ends.map(Math.abs));
}

export interface Share {
  readonly tone: 'better' | 'open' | 'worse';
  readonly count: number;
}

/** One bar cut into shares. */
export function sharesPicture(shares: readonly Share[]): Markup {
  const total = shares.reduce((sum, share) => sum + share.count, 0);
  let x = 0;
  const pieces = shares.map(({ tone, count: part }) => {
    const width = total === 0 ? 0 : (part / total) * 640;
    const piece = html`<rect
      class="${tone}"
      x="${round(x)}"
      width="${round(width)}"
      y="0"
      height="18"
    />`;
    x += width;
    return piece;
  });
  return html`<svg
    class="shares"
    viewBox="0 0 640 18"
    preserveAspectRatio="none"
    aria-hidden="true"
  >
    ${pieces}
  </svg>`;
}

/** A figure by the number of marks, with its interval as whiskers. */
export function curvePicture(points: readonly CurvePoint[], name: string, t: Translate): Markup {
  const { width, height, left, right, top, bottom } = CURVE;
  const marks = points.map(({ markCount }) => markCount);
  const [first, last] = [Math.min(...marks), Math.max(...marks)];
  const values = points.flatMap(({ low, high }) => [low, high]);
  const [floor, ceiling] = niceRange(Math.min(...values), Math.max(...values));
  const x = (value: number): number =>
    round(
      left + (last === first ? 0.5 : (value - first) / (last - first)) * (width - left - right),
    );
  const y = (value: number): number =>
    round(height - bottom - ((value - floor) / (ceiling - floor)) * (height - top - bottom));
  const ticks = [0, 1, 2, 3, 4].map((step) => floor + ((ceiling - floor) * step) / 4);
  const line = points.map((point) => `${x(point.markCount)},${y(point.value)}`).join(' ');
  return html`<svg
    class="curve"
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="${t('{0} by number of marks; the table beneath holds the numbers', name)}"
  >
    ${ticks.map((tick) => html`<line class="grid" x1="${left}" x2="${width - right}" y1="${y(tick)}" y2="${y(tick)}" /><text class="tick" x="${left - 8}" y="${y(tick) + 4}" text-anchor="end">${metric(tick)}</text>`)}
    <polyline class="line" points="${line}" />
    ${points.map(
      (point) =>
        html`<line
            class="range"
            x1="${x(point.markCount)}"
            x2="${x(point.markCount)}"
            y1="${y(point.low)}"
            y2="${y(point.high)}"
          />
          <circle class="value" cx="${x(point.markCount)}" cy="${y(point.value)}" r="4.5"
            ><title>
              ${t('marks: {0}', count(point.markCount))}, ${metric(point.value)}
            </title></circle
          >
          <text class="tick" x="${x(point.markCount)}" y="${height - 10}" text-anchor="middle"
            >${count(point.markCount)}</text
          >`,
    )}
  </svg>`;
}

/** Bars side by side, one a label, with its value above. */
export function barsPicture(
  bars: readonly { readonly label: string; readonly value: number }[],
  name: string,
  t: Translate,
): Markup {
  const { width, height, left, right, top, bottom } = CURVE;
  const most = Math.max(1e-9, ...bars.map(({ value }) => value));
  const step = (width - left - right) / Math.max(1, bars.length);
  return html`<svg
    class="bars"
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="${t('{0}; the table beneath holds the numbers', name)}"
  >
    <line
      class="grid"
      x1="${left}"
      x2="${width - right}"
      y1="${height - bottom}"
      y2="${height - bottom}"
    />
    ${bars.map(({ label, value }, index) => {
      const tall = (value / most) * (height - top - bottom - 16);
      const middle = round(left + step * (index + 0.5));
      const wide = round(Math.min(48, step * 0.7));
      return html`<rect
          class="bar"
          x="${round(middle - wide / 2)}"
          width="${wide}"
          y="${round(height - bottom - tall)}"
          height="${round(tall)}"
        />
        <text
          class="tick"
          x="${middle}"
          y="${round(height - bottom - tall - 5)}"
          text-anchor="middle"
          >${shortNumber(value)}</text
        >
        <text class="tick" x="${middle}" y="${height - 10}" text-anchor="middle">${label}</text>`;
    })}
  </svg>`;
}

/** "+.073 [+.010, +.140]". */
export function intervalText({ difference: value, low, high }: ComparedFigure): string {
  return `${difference(value)} [${difference(low)}, ${difference(high)}]`;
}

function niceRange(low: number, high: number): [number, number] {
  const floor = Math.floor(low * 20) / 20;
  const ceiling = Math.ceil(high * 20) / 20;
  return ceiling > floor ? [floor, ceiling] : [floor, floor + 0.05];
}

function shortNumber(value: number): string {
  return Number.isInteger(value) ? count(value) : value.toFixed(1);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
