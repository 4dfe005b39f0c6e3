import type { Begin, FlightListener } from '../policies/internal/flights.ts';
import type { WatchedPolicy } from '../policies/policy-state.ts';

export interface JournalOptions {
  /** The folder; made where it is missing. Several journals must not share one. */
  readonly dir: string;
  /** Nobody else may work with the folder meanwhile: who comes second is told so. @defaultValue false: others write beside, each to a file of its own */
  readonly exclusive?: boolean;
  /** The longest that an append waits, in ms, for as much company as there was last time, while nothing is being written; 0 to 1,000. @defaultValue 2 */
  readonly maxDelayMs?: number;
  /** Bytes of one write; at least 1. @defaultValue 1,048,576 (1 MiB) */
  readonly maxGroupBytes?: number;
  /** Bytes that wait to be written; beyond that appends wait before they are taken. @defaultValue 16,777,216 (16 MiB) */
  readonly maxPendingBytes?: number;
  /** Bytes of one value as JSON; up to 1 GiB. @defaultValue 16,777,216 (16 MiB) */
  readonly maxValueBytes?: number;
  /** How often, in ms, what others have appended meanwhile is looked for, where a key is not found; Infinity: at the opening alone. @defaultValue 1,000 */
  readonly lookEveryMs?: number;
}

/** What a journal holds of a key. */
export interface JournalEntry {
  readonly value: unknown;
}

/**
 * Finished work, by key. A key is anything that JSON can hold, and is known by a digest of it: the order of members is no difference. Keys themselves are not written, values
 * are, as they are.
 */
export interface Journal extends WatchedPolicy {
  /** Keys that are held. */
  readonly size: number;
  readonly counts: JournalCounts;
  /** Read from the disk. Undefined: the work is to be done. @throws JournalError when the disk cannot be read; OptionError for a key that JSON cannot hold. */
  get(key: unknown): Promise<JournalEntry | undefined>;
  /**
   * Resolves when the value is on the disk; of a key the last value counts. Holds the value until then.
   * @throws JournalError when it could not be written, and then nothing of it is read later; CodecError `encode_failed` for a value that does not come back from
   * JSON as it was, or is too long; OptionError for a key that JSON cannot hold.
   */
  append(key: unknown, value: unknown): Promise<void>;
  /** One piece of work for all that ask for a key at the same time; `journaled` obeys it. */
  join(key: unknown, begin: Begin, listener: FlightListener): () => void;
}

export interface JournalCounts {
  /** Keys that were asked for and found, and that were not. */
  readonly hits: number;
  readonly misses: number;
  readonly appends: number;
  /** How often the disk was waited for; as many appends as there were between two share one. */
  readonly syncs: number;
  /** Lines that are not as they were written: their work counts as not done. */
  readonly damaged: number;
}

export type JournalSettings = Required<JournalOptions>;
