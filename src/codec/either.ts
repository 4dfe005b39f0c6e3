import { type OptionNames, requireMethods, requireOptions } from '../check-options.ts';
import { CodecError, requireOneOf } from '../errors.ts';
import type { Codec, CodecUse, OpenCodec } from './codec.ts';
import { openCodec } from './open-codec.ts';

export interface EitherOptions {
  /** Which of the two writes. What it refuses is refused: a value never changes its form without being asked to. @defaultValue 'first' */
  readonly write?: 'first' | 'second';
}

const names: OptionNames<EitherOptions> = { write: true };

/**
 * For a topic in migration, which holds records of two forms: reads with `first`, and with `second` what `first` refuses; writes with one of them.
 *
 * The bytes alone say which form they have, so it works as far as `first` refuses what is not its own. Where one of the two is framed, with its magic byte 0 and a schema's id, put
 * that one first: JSON and text cannot begin with a byte 0. Two forms without a mark can be mistaken for each other: text takes all JSON, and Avro without a frame takes many bytes
 * that are something else; put the stricter one first, with a schema. What both refuse is refused for both reasons, which stand in the message.
 *
 * A record waits for what `first` needs; for what `second` needs only where `first` refuses it. Both are opened, and closed.
 * @throws OptionError for what is no codec.
 * @throws CodecError where both refuse: with their code if it is the same, else `decode_failed`; when encoding, that of the one that writes.
 */
export function either<A, B>(first: Codec<A>, second: Codec<B>, options: EitherOptions = {}): Codec<A | B> {
  requireMethods('first of either()', first, ['decode', 'encode'], 'a codec such as json() or text()');
  requireMethods('second of either()', second, ['decode', 'encode'], 'a codec such as json() or text()');
  requireOptions('either', options, names);
  const { write = 'first' } = options;
  requireOneOf('either.write', write, ['first', 'second']);
  const closed = new Either(first, second, write).codec();
  if (first.open === undefined && second.open === undefined) return closed;
  return {
    ...closed,
    open: async (use) => {
      const opened = await openBoth(first, second, use);
      return new Either(opened.first, opened.second, write).openCodec();
    },
  };
}

class Either<A, B> {
  readonly #first: OpenCodec<A>;
  readonly #second: OpenCodec<B>;
  readonly #write: 'first' | 'second';
  /** What the first will never be able to read, where it became known while the record waited: as long as the record is there. */
  readonly #refusals = new WeakMap<Uint8Array, CodecError>();

  constructor(first: OpenCodec<A>, second: OpenCodec<B>, write: 'first' | 'second') {
    this.#first = first;
    this.#second = second;
    this.#write = write;
  }

  codec(): Codec<A | B> {
    return {
      name: `either ${this.#first.name} or ${this.#second.name}`,
      decode: (bytes) => this.#decode(bytes),
      // each checks what it is given
      encode: (value) => (this.#write === 'first' ? this.#first.encode(value as A) : this.#second.encode(value as B)),
    };
  }

  openCodec(): OpenCodec<A | B> {
    const [first, second] = [this.#first, this.#second];
    return {
      ...this.codec(),
      pending: (bytes) => (bytes === null ? undefined : this.#pending(bytes)),
      trouble: () => {
        const troubles = new Set([first.trouble?.(), second.trouble?.()].filter((one) => one !== undefined));
        return troubles.size === 0 ? undefined : [...troubles].join('; ');
      },
      close: async () => {
        await Promise.all([first.close?.(), second.close?.()]);
      },
    };
  }

  #decode(bytes: Uint8Array | null): A | B {
    const one = this.#readFirst(bytes);
    if (!('refusal' in one)) return one.value;
    const other = attempt(() => this.#second.decode(bytes));
    if (!('refusal' in other)) return other.value;
    throw this.#refusedByBoth(one.refusal, other.refusal);
  }

  #readFirst(bytes: Uint8Array | null): Attempt<A> {
    const refusal = bytes === null ? undefined : this.#refusals.get(bytes);
    return refusal === undefined ? attempt(() => this.#first.decode(bytes)) : { refusal };
  }

  #pending(bytes: Uint8Array): Promise<void> | undefined {
    const needed = this.#refusals.has(bytes) ? undefined : this.#first.pending?.(bytes);
    if (needed !== undefined)
      return needed.catch((error: unknown) => {
        if (!isRefusal(error)) throw error;
        this.#refusals.set(bytes, error); // it may be the other's
      });
    const others = this.#second.pending?.(bytes);
    if (others === undefined) return undefined;
    const one = this.#readFirst(bytes);
    if (!('refusal' in one)) return undefined;
    return others.catch((error: unknown) => {
      throw isRefusal(error) ? this.#refusedByBoth(one.refusal, error) : error;
    });
  }

  #refusedByBoth(one: CodecError, other: CodecError): CodecError {
    const text = `neither as ${this.#first.name}: ${one.message}; nor as ${this.#second.name}: ${other.message}`;
    return new CodecError(one.code === other.code ? one.code : 'decode_failed', text);
  }
}

async function openBoth<A, B>(first: Codec<A>, second: Codec<B>, use: CodecUse): Promise<{ first: OpenCodec<A>; second: OpenCodec<B> }> {
  const [one, other] = await Promise.allSettled([openCodec(first, use), openCodec(second, use)]);
  if (one.status === 'fulfilled' && other.status === 'fulfilled') return { first: one.value, second: other.value };
  if (one.status === 'fulfilled') await one.value.close?.();
  if (other.status === 'fulfilled') await other.value.close?.();
  throw one.status === 'rejected' ? one.reason : (other as PromiseRejectedResult).reason;
}

type Attempt<T> = { readonly value: T } | { readonly refusal: CodecError };

function attempt<T>(decode: () => T): Attempt<T> {
  try {
    return { value: decode() };
  } catch (error) {
    if (isRefusal(error)) return { refusal: error };
    throw error;
  }
}

const isRefusal = (error: unknown): error is CodecError => error instanceof CodecError && error.grade === 'record';
