import { type OptionNames, requireFunction, requireOptions } from '../check-options.ts';
import { requireInteger, requireNumber } from '../errors.ts';
import type { Resource } from '../resource.ts';
import { CacheState } from './call-cache.state.ts';
import { Flights, type Join } from './internal/flights.ts';
import type { PolicyState, WatchedPolicy } from './policy-state.ts';

export interface CallCacheOptions {
  /** Most bytes of keys and results together, as `bytesOf` counts them; at least 1. @defaultValue 67,108,864 (64 MiB) */
  readonly maxBytes?: number;
  /** How long a result counts, in ms; more than 0. @defaultValue 3,600,000 (1 h) */
  readonly maxAgeMs?: number;
  /** Bytes of the values of one call. @defaultValue twice the length of their JSON; what has none is not kept */
  readonly bytesOf?: (values: readonly unknown[]) => number;
}

/** Results of calls by key, and the calls that run for one; `cachedBy` obeys it. */
export interface CallCache extends WatchedPolicy {
  readonly bytes: number;
  readonly size: number;
  /** Calls that were answered from it, that ran, and that waited for another one's result. */
  readonly counts: { readonly hits: number; readonly misses: number; readonly shared: number };
  /** The values of a call that has completed; undefined where there is none, or it is too old. Counts. */
  get(key: string, nowMs: number): readonly unknown[] | undefined;
  set(key: string, values: readonly unknown[], nowMs: number): void;
  /** One call for all that ask for `key` at the same time. */
  readonly join: Join;
  /** Forgets one result, or all. */
  forget(key?: string): void;
  shed(): void;
}

const names: OptionNames<CallCacheOptions> = { maxBytes: true, maxAgeMs: true, bytesOf: true };

/**
 * A cache of results, shared by all that are given it: exact keys, least recently used first out, by bytes and age. The value works at once, and is a resource
 * of itself. When memory runs short it lets go of all it has. Holds `maxBytes` of results, and an entry for each key that is being called for.
 *
 * It lives in this process alone: each member of a group, and each restart, begins with an empty one.
 * @throws OptionError for an option outside its range.
 * @see {@link callKey} for keys; groupcache, whose single flight it has.
 */
export function callCache(options: CallCacheOptions = {}): CallCache & Resource<CallCache> {
  requireOptions('callCache', options, names);
  const { maxBytes = 64 * 1024 * 1024, maxAgeMs = 3_600_000, bytesOf = jsonBytes } = options;
  requireInteger('callCache.maxBytes', maxBytes, 1);
  requireNumber('callCache.maxAgeMs', maxAgeMs, Number.MIN_VALUE);
  requireFunction('callCache.bytesOf', bytesOf, '(values) => bytes');
  const state = new CacheState<readonly unknown[]>({ maxBytes, maxAgeMs });
  const counts = { hits: 0, misses: 0, shared: 0, evicted: 0, refused: 0 };
  const flights = new Flights();
  const self: CallCache & Resource<CallCache> = {
    name: 'callCache',
    counts,
    get bytes() {
      return state.bytes;
    },
    get size() {
      return state.size;
    },
    get: (key, nowMs) => {
      const values = state.get(key, nowMs);
      if (values) counts.hits += 1;
      return values;
    },
    set: (key, values, nowMs) => {
      const bytes = bytesOf(values);
      const gone = bytes >= 0 ? state.set(key, values, bytes, nowMs) : undefined;
      if (gone === undefined) counts.refused += 1;
      else counts.evicted += gone;
    },
    join: (key, begin, listener) => {
      counts[flights.has(key) ? 'shared' : 'misses'] += 1;
      return flights.join(key, begin, listener);
    },
    forget: (key) => {
      if (key === undefined) state.clear();
      else state.delete(key);
    },
    shed: () => {
      state.clear();
    },
    describe: () => stateOf(state, maxBytes, counts),
    open: () => Promise.resolve({ value: self, close: () => Promise.resolve() }),
  };
  return self;
}

const stateOf = (
  { bytes, size }: CacheState<unknown>,
  limit: number,
  counts: Readonly<Record<'hits' | 'misses' | 'shared' | 'evicted' | 'refused', number>>,
): PolicyState => ({
  name: 'callCache',
  kind: 'call-cache',
  used: bytes,
  limit,
  waiting: 0,
  numbers: {
    entries: size,
    hits_total: counts.hits,
    misses_total: counts.misses,
    shared_total: counts.shared,
    evicted_total: counts.evicted,
    refused_total: counts.refused,
  },
});

/** NaN for what has no JSON, which is not kept then. */
function jsonBytes(values: readonly unknown[]): number {
  try {
    return JSON.stringify(values).length * 2;
  } catch {
    return Number.NaN;
  }
}
