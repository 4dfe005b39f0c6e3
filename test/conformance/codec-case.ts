import fc from 'fast-check';
import type { Codec, CodecUse, OpenCodec } from '../../src/codec/codec.ts';
import { openCodec } from '../../src/codec/open-codec.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

export interface CodecCase<T> {
  readonly make: () => Codec<T>;
  /** Values that must survive the way to bytes and back. */
  readonly values: fc.Arbitrary<T>;
  /** What null bytes are: a value, or refused. */
  readonly nullBytes: 'null' | 'refused';
  /** Values of the wrong kind, each refused when encoded. */
  readonly unencodable: readonly unknown[];
  /** Says that values are the bytes that were given, or parts of them. @defaultValue false */
  readonly aliases?: boolean;
}

/** A codec under test, opened for both ways. */
export interface CodecSubject<T> extends CodecCase<T> {
  readonly reader: OpenCodec<T>;
  readonly writer: OpenCodec<T>;
}

export const useOf = (direction: CodecUse['direction']): CodecUse => ({
  topic: 'conformance',
  part: 'value',
  direction,
  clock: virtualClock(),
  signal: new AbortController().signal,
  log: () => undefined,
});

/** Opens a codec for both ways, and lets the reader learn what the writer's records need. */
export async function subjectOf<T>(given: CodecCase<T>): Promise<CodecSubject<T>> {
  const codec = given.make();
  const writer = await openCodec(codec, useOf('out'));
  const reader = await openCodec(codec, useOf('in'));
  for (const value of fc.sample(given.values, { numRuns: 5, seed: 1 })) await reader.pending?.(writer.encode(value));
  return { ...given, reader, writer };
}
