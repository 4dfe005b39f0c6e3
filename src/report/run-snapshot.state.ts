import type { Distribution } from './internal/histogram.state.ts';

/** What one item of a run came to. */
export interface MonitoredItem {
  /** Why it failed; left out: it is done. Any error, or the code of one. */
  readonly error?: unknown;
  /** Who it is, for the list of failures; cut at 200 characters. */
  readonly id?: string;
  /** From its first step to its last. */
  readonly processingMs: number;
  readonly tokens?: { readonly input: number; readonly output: number; readonly cached?: number };
  /** Calls of models that were made for it. @defaultValue 0 */
  readonly calls?: number;
  /** Calls that were answered from a journal or a cache instead. @defaultValue 0 */
  readonly reused?: number;
  /** What was answered about it, by task: a class, or several. */
  readonly answers?: Readonly<Record<string, AggregateValue>>;
  /** What it brought along, by field. */
  readonly fields?: Readonly<Record<string, AggregateValue>>;
  /** When what it tells of was: milliseconds since 1970, a Date, or text of ISO 8601, a year alone included. */
  readonly time?: number | string | Date | undefined;
}

/** What can be counted by value; several count once each. Text is cut at 80 characters. */
export type AggregateValue = string | number | boolean | null | undefined | readonly (string | number | boolean)[];

/** How often each value occurred, the most frequent first. */
export type ValueCounts = readonly { readonly value: string; readonly count: number }[];

/** How the answers of one task are spread. */
export interface AnswerAggregate {
  readonly task: string;
  /** At most 20; those beyond are counted together, as `other values`. */
  readonly values: ValueCounts;
  /** By the values of each field of the items. */
  readonly byField: readonly {
    readonly field: string;
    readonly rows: readonly { readonly value: string; readonly counts: ValueCounts }[];
  }[];
  /** The unit of `byTime`: the finest of which at most about 120 lie between the first and the last. */
  readonly timeUnit: TimeUnit;
  /** By the time of the items, in UTC, oldest first, without gaps; undated items are left out. */
  readonly byTime: readonly { readonly from: string; readonly counts: ValueCounts }[];
}

export type TimeUnit = 'second' | 'minute' | 'hour' | 'day' | 'month' | 'year' | 'decade' | 'century';

export interface RunAggregates {
  /** At most 8 tasks. */
  readonly answers: readonly AnswerAggregate[];
  /** At most 8 fields, of at most 40 values each. */
  readonly fields: readonly { readonly field: string; readonly values: ValueCounts }[];
  /** Items by their time; in the finest unit of which at most about 120 lie between the first and the last; without gaps. */
  readonly time: {
    readonly unit: TimeUnit;
    readonly dated: number;
    readonly undated: number;
    readonly items: readonly { readonly from: string; readonly count: number }[];
  };
}

/** A stretch of the run. */
export interface RunBucket {
  readonly fromMs: number;
  readonly done: number;
  readonly failed: number;
  /** Done and failed ones a second. */
  readonly throughput: number;
  /** 0 to 1; undefined where nothing ended. */
  readonly errorRate?: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly calls: number;
  /** Undefined where nothing ended. */
  readonly processingMs?: { readonly p50: number; readonly p95: number; readonly max: number };
}

/** A run as it stands. All is counted from the start of this process. */
export interface RunSnapshot {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly elapsedMs: number;
  /** Items that there are, as far as known. */
  readonly total?: number;
  /** Of these, what an earlier run had finished. */
  readonly doneBefore: number;
  readonly done: number;
  readonly failed: number;
  /** Items a second at present: over the last 15 s, or the last 60 items. */
  readonly rate: number;
  /** At that rate; undefined while the total is unknown or nothing moves. */
  readonly etaMs?: number;
  /** Items a second, of the stretches of the series. */
  readonly throughput?: Distribution;
  /** 0 to 1, of the stretches of the series in which something ended. */
  readonly errorRate?: Distribution;
  readonly processingMs?: Distribution;
  readonly tokens: {
    readonly input: number;
    readonly cached: number;
    readonly output: number;
    /** Input and output of an item; those that used none are left out. */
    readonly perItem?: Distribution;
  };
  readonly calls: number;
  readonly reused: number;
  /** By error code, the most frequent first; at most 100. */
  readonly errors: ValueCounts;
  /** The first 20 failures. */
  readonly failures: readonly { readonly id: string; readonly code: string; readonly message: string }[];
  readonly series: { readonly bucketMs: number; readonly buckets: readonly RunBucket[] };
  readonly aggregates: RunAggregates;
}

/** What {@link RunMonitor.progress} says: cheap enough to be asked for several times a second. */
export type RunProgress = Pick<RunSnapshot, 'elapsedMs' | 'total' | 'doneBefore' | 'done' | 'failed' | 'rate' | 'etaMs'>;
