import type { OpenContext } from '../resource.ts';

/**
 * Turns bytes into values and back. Both directions are synchronous and throw a CodecError; a codec keeps no state
 * between records, and what it returns does not alias the bytes it was given beyond the life of the record.
 */
export interface Codec<T> {
  /** For messages: `json`, `text`, `bytes`, … */
  readonly name: string;
  /**
   * @param bytes null is a tombstone (a record without a value) or a missing key.
   * @throws CodecError `decode_failed`, `schema_violation`, or `unexpected_tombstone` for null where none is allowed.
   */
  decode(bytes: Uint8Array | null): T;
  /** @throws CodecError `encode_failed` or `schema_violation`. */
  encode(value: T): Uint8Array | null;
  /**
   * For a codec that needs something before its first record, such as the schemas of a registry, or that differs by topic. Called once for each of its uses, before
   * the first record; what it resolves to stands in its place there. Codecs without it are used as they are.
   *
   * Rejecting ends the start with a PipelineError of the same code (`resource_failed` for an error that is none of ours), but after one of grade `transient` or `overload` it is asked again, as long as the start has patience (`startPatienceMs`).
   * @throws the signal's reason, soon after it is aborted.
   */
  open?(use: CodecUse): Promise<OpenCodec<T>>;
}

/** What a codec is used for, and what it may use for that. Its signal is aborted when nobody waits for the opening any more, not later. */
export interface CodecUse extends OpenContext {
  readonly topic: string;
  readonly part: 'key' | 'value';
  /** Chance, from 0 up to 1: for waits that are not to fall together. @defaultValue Math.random */
  readonly random?: () => number;
  /** `in`: only `decode` is called; `out`: only `encode`. */
  readonly direction: 'in' | 'out';
}

/** A codec that has been opened for one use. */
export interface OpenCodec<T> extends Codec<T> {
  /**
   * What `decode` of these bytes needs and is not here yet, such as a schema that was never seen: undefined when they can be decoded, or refused, right away. Asked
   * before each `decode`, so it must be cheap. Until the promise settles the record waits in its place and keeps those behind it in its partition; other
   * partitions go on.
   *
   * Resolves when asking anew is worth it (it may be pending again). For faults of the outside it does not reject: it tries again by itself, with back-off. It
   * rejects with a CodecError when it has become known that what is needed will never be there: then the record fails with that error.
   */
  pending?(bytes: Uint8Array | null): Promise<void> | undefined;
  /** For health and snapshot: undefined while all is well, else one line: what is away, since when; the same words while it is the same
   * trouble, since each change is logged. Cheap, asked often; never payloads or secrets. */
  trouble?(): string | undefined;
  /** Ends what it does by itself. Idempotent. Promises of `pending` need not settle any more. */
  close?(): Promise<void>;
}
