/** How a report writes numbers: the same everywhere, so that a chart, its table and the JSON can be held against each other. */
import type { Translate } from '../../base/translate';

/** ".525", "1.000": metrics from 0 to 1. */
export function metric(value: number): string {
  return value
    .toFixed(3)
    .replace(/^(-?)0\./u, '$1.')
    .replace('-', '−');
}

/** "+.073": a difference of metrics. */
export function difference(value: number): string {
  return value > 0 ? `+${metric(value)}` : metric(value);
}

/** "12", "1,204". */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** "1 mark" or "3 marks". */
export function counted(value: number, one: string, many: (count: string) => string): string {
  return value === 1 ? one : many(count(value));
}

/** "48 s", "3.2 min", "1.4 h". */
export function duration(seconds: number, t: Translate): string {
  if (seconds < 90) return t('{0} s', seconds.toFixed(seconds < 10 ? 1 : 0));
  return seconds < 5400
    ? t('{0} min', (seconds / 60).toFixed(1))
    : t('{0} h', (seconds / 3600).toFixed(1));
}

/** "900 B", "42 kB", "0.4 MB", "23 MB". */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 100_000) return `${Math.round(bytes / 1000)} kB`;
  const value = bytes / 1e6;
  return `${value.toFixed(value < 10 ? 1 : 0)} MB`;
}

/** "2026-11-25 17:04": the reader's own clock would make two readers see two reports. */
export function moment(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
