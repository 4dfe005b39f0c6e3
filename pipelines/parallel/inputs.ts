import { requireInteger } from 'millrace';
import { cached } from './cached.ts';
import { iteratorOf, readAhead, type Source } from './read-ahead.ts';
import { windows } from './windows.ts';

/** What `map` does side by side: at most `concurrency` at once, 1 to 4,096. */
export interface MapOptions {
  readonly concurrency: number;
}

/** `work` for each value, up to `concurrency` at once; results in the order of the source. Holds so many. A failure ends it, and aborts what runs. */
function map<T, R>(
  source: Source<T>,
  work: (value: T, signal: AbortSignal) => Promise<R>,
  { concurrency }: MapOptions,
): AsyncGenerator<R, void, undefined> {
  requireInteger('inputs.map.concurrency', concurrency, 1, 4_096);
  return readAhead(source, concurrency, async (value, signal) => work(value, signal));
}

/** The same values, of which up to `count` are read before they are asked for: reading goes on while they are worked on. */
function prefetch<T>(source: Source<T>, count: number): AsyncGenerator<T, void, undefined> {
  requireInteger('inputs.prefetch.count', count, 1, 100_000);
  return readAhead(source, count, (value) => Promise.resolve(value));
}

export interface InterleaveOptions {
  /** Sources that are read in turns; the next begins when one has ended. @defaultValue 4 */
  readonly cycle?: number;
  /** Values of one before the turn of the next. @defaultValue 1 */
  readonly block?: number;
}

/** Of a source its values: inferred from the source as a whole, since inference through two levels of unions depends on the order of their members. */
type ValueOf<S> = S extends AsyncIterable<infer T> ? T : S extends Iterable<infer T> ? T : never;

/** Several sources in turns, such as the files of a data set: their values come mixed, and always in the same order. Holds nothing. */
async function* interleave<S extends Source<unknown>>(
  sources: Source<S>,
  { cycle = 4, block = 1 }: InterleaveOptions = {},
): AsyncGenerator<ValueOf<S>, void, undefined> {
  requireInteger('inputs.interleave.cycle', cycle, 1, 4_096);
  requireInteger('inputs.interleave.block', block, 1);
  const rest = iteratorOf(sources);
  const open: (Iterator<ValueOf<S>, unknown> | AsyncIterator<ValueOf<S>, unknown>)[] = [];
  const more = { isThere: true };
  const fill = async (): Promise<void> => {
    while (more.isThere && open.length < cycle) {
      const next = await rest.next();
      if (next.done === true) more.isThere = false;
      else open.push(iteratorOf(next.value as Source<ValueOf<S>>));
    }
  };
  try {
    await fill();
    while (open.length > 0) {
      for (const one of [...open]) {
        for (let n = 0; n < block; n += 1) {
          const next = await one.next();
          if (next.done === true) {
            open.splice(open.indexOf(one), 1);
            break;
          }
          yield next.value;
        }
      }
      await fill();
    }
  } finally {
    for (const one of open) await one.return?.();
    if (more.isThere) await rest.return?.();
  }
}

/** Every `of`-th value, from that with number `index` on: what one of several workers reads. Holds nothing. */
async function* shard<T>(
  source: Source<T>,
  { index, of }: { readonly index: number; readonly of: number },
): AsyncGenerator<T, void, undefined> {
  requireInteger('inputs.shard.of', of, 1);
  requireInteger('inputs.shard.index', index, 0, of - 1);
  let nth = 0;
  for await (const value of source) {
    if (nth % of === index) yield value;
    nth += 1;
  }
}

export interface ShuffleOptions {
  /** Values that are held to choose from: as many as there are for a whole shuffle. @defaultValue 10,000 */
  readonly buffer?: number;
  /** The same seed gives the same order. @defaultValue 1 */
  readonly seed?: number;
}

/** Values in another order: each leaves in the place of one that is chosen among `buffer`. Holds so many. */
async function* shuffle<T>(source: Source<T>, { buffer = 10_000, seed = 1 }: ShuffleOptions = {}): AsyncGenerator<T, void, undefined> {
  requireInteger('inputs.shuffle.buffer', buffer, 1, 10_000_000);
  requireInteger('inputs.shuffle.seed', seed, 0);
  const random = randomOf(seed);
  const held: T[] = [];
  const takeOne = (): T | undefined => {
    const at = Math.floor(random() * held.length);
    const last = held.pop();
    if (last === undefined || at === held.length) return last;
    const chosen = held[at];
    held[at] = last;
    return chosen;
  };
  for await (const value of source) {
    held.push(value);
    if (held.length > buffer) yield takeOne() as T;
  }
  while (held.length > 0) yield takeOne() as T;
}

/** Mulberry32: from 0 up to 1. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** So many values together; the last batch may have fewer, or is left out. Holds one batch. */
const batch = <T>(
  source: Source<T>,
  options: { readonly size: number; readonly rest?: 'keep' | 'drop' },
): AsyncGenerator<readonly T[], void, undefined> => windows(source, options);

/** Input pipelines: functions from one source of values to another, read by demand. */
export const inputs = { map, prefetch, cache: cached, interleave, shard, shuffle, batch } as const;
