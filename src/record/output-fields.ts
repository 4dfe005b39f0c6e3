import type { RecordHeaders } from './record.ts';
import type { ContextChange } from './record-context.ts';

/** What an envelope carries beside its value. An absent field is taken from the source record. */
export interface OutputFields {
  readonly key?: unknown;
  readonly headers?: RecordHeaders;
  /** Milliseconds since 1970. */
  readonly timestampMs?: number;
  /** Fields of the context that are other from here on; undefined takes one away. Calls, outputs and dead letters get them. */
  readonly context?: ContextChange;
  /** The name of the output, where a pipeline has several; set by `routeBy`. */
  readonly route?: string;
}

/** The type of the key once `S` is set: that of the key in it, where there is one. */
export type KeyAfter<K, S> = 'key' extends keyof S ? (object extends Pick<S, 'key'> ? K | S['key'] : S['key']) : K;
