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
}
