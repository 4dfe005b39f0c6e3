import { type OptionNames, requireFunction, requireMethods, requireOptions } from '../check-options.ts';
import { requireInteger, requireNumber } from '../errors.ts';
import type { Resource } from '../resource.ts';
import { CacheState } from './call-cache.state.ts';
import type { CallStore, StoredAnswers } from './call-store.ts';
import { AttachedStore } from './internal/attached-store.ts';
import { Flights, type Join } from './internal/flights.ts';
import { answerId } from './internal/stored-answer.ts';
import { type LogUser, usesLog } from './pipeline-log.ts';
import type { PolicyState, WatchedPolicy } from './policy-state.ts';

export interface CallCacheOptions {
  /** Most bytes of keys and results together, as `bytesOf` counts them; at least 1. @defaultValue 67,108,864 (64 MiB) */
  readonly maxBytes?: number;
  /** How long a result counts, in ms; more than 0. @defaultValue 3,600,000 (1 h) */
  readonly maxAgeMs?: number;
  /** Bytes of the values of one call. @defaultValue twice the length of their JSON; what has none is not kept */
  readonly bytesOf?: (values: readonly unknown[]) => number;
  /** Where answers outlive this process: `topicStore({ topic })`. @defaultValue none */
  readonly store?: CallStore;
}

/** Results of calls by key, and the calls that run for one; `cachedBy` obeys it. */
export interface CallCache extends WatchedPolicy {
  /** What its store needs a pipeline for; absent where there is none. */
  readonly [usesLog]?: LogUser;
  readonly bytes: number;
  readonly size: number;
  /** Calls that were answered from it, that ran, and that waited for another one's result. */
  readonly counts: { readonly hits: number; readonly misses: number; readonly shared: number };
  /** The values of a call that has completed; undefined where there is none, or it is too old. Counts. */
  get(key: string, nowMs: number): readonly unknown[] | undefined;
  set(key: string, values: readonly unknown[], nowMs: number): void;
  /** One call for all that ask for `key` at the same time. */
  readonly join: Join;
  /** Forgets one result, or all; in the store, too. */
  forget(key?: string): void;
  shed(): void;
}

const names: OptionNames<CallCacheOptions> = { maxBytes: true, maxAgeMs: true, bytesOf: true, store: true };

/**
 * A cache of results, shared by all that are given it: exact keys, least recently used first out, by bytes and age. The value works at once, and is a resource
 * of itself. When memory runs short it lets go of all it has. Holds `maxBytes` of results, and an entry for each key that is being called for.
 *
 * It lives in this process alone, unless it has a `store`: without one each member of a group, and each restart, begins with an empty one. Used by several pipelines, it keeps its
 * store in the log of the first that starts.
 * @throws OptionError for an option outside its range.
 * @see {@link callKey} for keys; groupcache, whose single flight it has.
 */
export function callCache(options: CallCacheOptions = {}): CallCache & Resource<CallCache> {
  requireOptions('callCache', options, names);
  const { maxBytes = 64 * 1024 * 1024, maxAgeMs = 3_600_000, bytesOf = jsonBytes, store } = options;
  requireInteger('callCache.maxBytes', maxBytes, 1);
  requireNumber('callCache.maxAgeMs', maxAgeMs, Number.MIN_VALUE);
  requireFunction('callCache.bytesOf', bytesOf, '(values) => bytes');
  if (store) requireMethods('callCache.store', store, ['open'], 'a topicStore({ … })');
  const state = new CacheState<readonly unknown[]>({ maxBytes, maxAgeMs });
  const counts = { hits: 0, misses: 0, shared: 0, evicted: 0, refused: 0 };
  const flights = new Flights();
  const keep = (id: string, values: readonly unknown[], nowMs: number): boolean => {
    const bytes = bytesOf(values);
    const gone = bytes >= 0 ? state.set(id, values, bytes, nowMs) : undefined;
    if (gone !== undefined) counts.evicted += gone;
    return gone !== undefined;
  };
  const attached = store && new AttachedStore(store, answersIn(state, maxAgeMs, keep));
  const idOf = (key: string): string => (store ? answerId(key) : key); // in the topic stand digests alone
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
      const values = state.get(idOf(key), nowMs);
      if (values) counts.hits += 1;
      return values;
    },
    set: (key, values, nowMs) => {
      const id = idOf(key);
      if (keep(id, values, nowMs)) attached?.open?.put(id, values, nowMs);
      else counts.refused += 1;
    },
    join: (key, begin, listener) => {
      counts[flights.has(key) ? 'shared' : 'misses'] += 1;
      return flights.join(key, begin, listener);
    },
    forget: (key) => {
      if (key === undefined) state.clear();
      else state.delete(idOf(key));
      attached?.forget(key === undefined ? undefined : idOf(key));
    },
    shed: () => {
      state.clear();
    },
    describe: () => ({ ...stateOf(state, maxBytes, counts), ...(attached?.open ? { parts: [attached.open.describe()] } : {}) }),
    open: () => Promise.resolve({ value: self, close: () => Promise.resolve() }),
    ...(attached && { [usesLog]: attached }),
  };
  return self;
}

/** What the store tells of goes into memory, where its answers are as old as they are there. */
const answersIn = (
  state: CacheState<readonly unknown[]>,
  maxAgeMs: number,
  keep: (id: string, values: readonly unknown[], nowMs: number) => boolean,
): StoredAnswers => ({
  put: (id, values, atMs, nowMs) => {
    if (atMs + maxAgeMs > nowMs) keep(id, values, atMs);
  },
  remove: (id) => {
    state.delete(id);
  },
  removeUntil: (atMs) => {
    state.deleteUntil(atMs);
  },
});

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
