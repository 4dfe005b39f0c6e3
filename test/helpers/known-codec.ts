import type { Codec, CodecUse, OpenCodec } from '../../src/codec/codec.ts';
import { CodecError } from '../../src/errors.ts';

/** What stands behind codecs whose bytes begin with the number of what is needed to read them: a registry, as far as they can tell. */
export interface KnownNumbers {
  readonly known: Set<number>;
  /** Asked for, and known not to be there. */
  readonly never: Set<number>;
  /** What was opened and closed, and how often each number was asked for. */
  readonly log: string[];
  /** Why it does not answer. */
  down: string | undefined;
  /** Those that wait are looked at again. */
  wake(): void;
  readonly waiting: number;
}

/** One byte of a number, then UTF-8. */
export function knownNumbers(known: readonly number[] = []): KnownNumbers & { codec(): Codec<string> } {
  const numbers = new Set(known);
  const never = new Set<number>();
  const log: string[] = [];
  const waits = new Map<number, PromiseWithResolvers<undefined>>();
  const form: Codec<string> = {
    name: 'known',
    decode: (bytes) => {
      const [number = 0] = bytes ?? [];
      if (bytes === null || !numbers.has(number)) throw new CodecError('decode_failed', `number ${String(number)} is not known`);
      return `${String(number)}:${Buffer.from(bytes.subarray(1)).toString()}`;
    },
    encode: (value: unknown) => {
      const [, number, said] = (typeof value === 'string' && /^(\d+):([^]*)$/.exec(value)) || [];
      if (number === undefined || said === undefined || !said.isWellFormed())
        throw new CodecError('encode_failed', 'expected a number and a text');
      return Buffer.concat([Buffer.from([Number(number)]), Buffer.from(said)]);
    },
  };
  const world: KnownNumbers = {
    known: numbers,
    never,
    log,
    down: undefined,
    wake: () => {
      for (const [number, wait] of waits) {
        if (world.down !== undefined) return;
        waits.delete(number);
        if (never.has(number)) wait.reject(new CodecError('decode_failed', `number ${String(number)} was never given out`));
        else wait.resolve(undefined);
      }
    },
    get waiting() {
      return waits.size;
    },
  };
  const opened = ({ topic, part, direction }: CodecUse): OpenCodec<string> => ({
    ...form,
    pending: (bytes) => {
      const [number] = bytes ?? [];
      if (number === undefined || numbers.has(number)) return undefined;
      log.push(`asked ${String(number)}`);
      const wait = waits.get(number) ?? Promise.withResolvers<undefined>();
      waits.set(number, wait);
      return wait.promise;
    },
    trouble: () => world.down,
    close: () => {
      log.push(`closed ${topic} ${part} ${direction}`);
      return Promise.resolve();
    },
  });
  return Object.assign(world, {
    codec: (): Codec<string> => ({
      ...form,
      open: (use) => {
        log.push(`opened ${use.topic} ${use.part} ${use.direction}`);
        return Promise.resolve(opened(use));
      },
    }),
  });
}
