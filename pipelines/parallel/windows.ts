import { OptionError, requireInteger, requireNumber } from 'millrace';

export interface WindowsOptions {
  /** Values in a window; 1 to 1,000,000. */
  readonly size: number;
  /** From the beginning of one window to that of the next; 1 to `size`. @defaultValue `size`: none overlap */
  readonly step?: number;
  /** The last window, where it is not full: left out, or given as it is. @defaultValue 'keep' */
  readonly rest?: 'keep' | 'drop';
}

/** Windows over a series, each `step` values after the one before. Holds one window. */
export async function* windows<T>(
  source: AsyncIterable<T> | Iterable<T>,
  { size, step = size, rest = 'keep' }: WindowsOptions,
): AsyncGenerator<readonly T[], void, undefined> {
  requireInteger('windows.size', size, 1, 1_000_000);
  requireInteger('windows.step', step, 1, size);
  let held: T[] = [];
  let fresh = 0; // values that no window had
  for await (const value of source) {
    held.push(value);
    fresh += 1;
    if (held.length < size) continue;
    yield held;
    held = held.slice(step);
    fresh = 0;
  }
  if (fresh > 0 && rest === 'keep') yield held;
}

export interface TextWindow {
  readonly text: string;
  /** Its place in the whole, in UTF-16 units. */
  readonly start: number;
}

/**
 * Windows over a text, `size` characters wide, `step` apart; no grapheme is cut in two (so a window may be a little narrower, and one whose grapheme is wider than `size` is that grapheme). For windows in a model's tokens, at the ends of sentences,
 * split the text.
 */
export function* textWindows(text: string, { size, step = size, rest = 'keep' }: WindowsOptions): Generator<TextWindow, void, undefined> {
  requireInteger('textWindows.size', size, 1, 1_000_000);
  requireInteger('textWindows.step', step, 1, size);
  const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text);
  const edge = (at: number): number => (at >= text.length ? text.length : (graphemes.containing(at)?.index ?? text.length));
  let start = 0;
  while (start < text.length) {
    let end = edge(start + size);
    if (end <= start) end = start + (graphemes.containing(start)?.segment.length ?? 1);
    if (end === text.length && rest === 'drop' && end - start < size) return;
    yield { text: text.slice(start, end), start };
    if (end === text.length) return;
    start = Math.max(edge(start + step), start + (graphemes.containing(start)?.segment.length ?? 1));
  }
}

export interface TimeWindowsOptions<T> {
  /** When a value was measured, in ms. */
  readonly timeOf: (value: T) => number;
  readonly lengthMs: number;
  /** From the beginning of one window to that of the next; above 0, at most `lengthMs`. @defaultValue `lengthMs` */
  readonly everyMs?: number;
  /** Most values of one window. @defaultValue 1,000,000 */
  readonly maxValues?: number;
}

export interface TimeWindow<T> {
  /** From `startMs`, before `startMs + lengthMs`. */
  readonly startMs: number;
  readonly values: readonly T[];
}

/**
 * Windows over a time series, which begin at multiples of `everyMs`. Values must come in the order of their time: one that is earlier than the one before is an error. Windows with nothing in them are left out.
 * Holds the values of one window.
 */
export async function* timeWindows<T>(
  source: AsyncIterable<T> | Iterable<T>,
  options: TimeWindowsOptions<T>,
): AsyncGenerator<TimeWindow<T>, void, undefined> {
  const { timeOf, lengthMs, everyMs = lengthMs, maxValues = 1_000_000 } = options;
  requireNumber('timeWindows.lengthMs', lengthMs, 1e-3);
  requireNumber('timeWindows.everyMs', everyMs, 1e-3, lengthMs);
  requireInteger('timeWindows.maxValues', maxValues, 1);
  const held: { readonly atMs: number; readonly value: T }[] = [];
  let startMs = -Infinity;
  let lastMs = -Infinity;
  const window = (): TimeWindow<T> => ({ startMs, values: held.filter(({ atMs }) => atMs < startMs + lengthMs).map(({ value }) => value) });
  const forget = (): void => {
    const first = held.findIndex(({ atMs }) => atMs >= startMs);
    held.splice(0, first < 0 ? held.length : first);
  };
  /** The first window that `atMs` is in. */
  const firstWith = (atMs: number): number => (Math.floor((atMs - lengthMs) / everyMs) + 1) * everyMs;
  for await (const value of source) {
    const atMs = timeOf(value);
    if (!(atMs >= lastMs))
      throw new OptionError(`timeWindows expects values in the order of their time, got ${String(atMs)} after ${String(lastMs)}`);
    lastMs = atMs;
    while (held.length > 0 && atMs >= startMs + lengthMs) {
      yield window();
      startMs += everyMs;
      forget();
    }
    if (held.length === 0) startMs = Math.max(startMs, firstWith(atMs));
    held.push({ atMs, value });
    if (held.length > maxValues)
      throw new OptionError(`timeWindows expects at most ${String(maxValues)} values in a window: shorten lengthMs, or raise maxValues`);
  }
  while (held.length > 0) {
    yield window();
    startMs += everyMs;
    forget();
  }
}
