import { expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { avro } from '../../src/codec/avro/avro.ts';
import type { Codec, CodecUse, OpenCodec } from '../../src/codec/codec.ts';
import { either } from '../../src/codec/either.ts';
import { json } from '../../src/codec/json.ts';
import { text } from '../../src/codec/text.ts';
import { CodecError } from '../../src/errors.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const number = avro({ type: 'record', name: 'N', fields: [{ name: 'n', type: 'int' }] });
const said = json(z.object({ said: z.string() }));
const use: CodecUse = {
  topic: 't',
  part: 'value',
  direction: 'in',
  clock: virtualClock(),
  signal: new AbortController().signal,
  log: () => undefined,
};

it('reads both forms, and writes the first unless told otherwise', () => {
  const codec = either(said, number);
  expect(codec.decode(said.encode({ said: 'a' }))).toEqual({ said: 'a' });
  expect(codec.decode(number.encode({ n: 7 }))).toEqual({ n: 7 });
  expect(codec.encode({ said: 'a' })).toEqual(said.encode({ said: 'a' }));
  expect(either(said, number, { write: 'second' }).encode({ n: 7 })).toEqual(number.encode({ n: 7 }));
  expect(codec.name).toBe('either json or avro');
});

it('writes no value in the other form because the one refuses it', () => {
  expect(() => either(said, number).encode({ n: 7 })).toThrow(expect.objectContaining({ code: 'schema_violation' }) as Error);
  expect(() => either(said, number, { write: 'second' }).encode({ said: 'a' })).toThrow(CodecError);
});

it('tells both reasons when both refuse', () => {
  expect(() => either(said, number).decode(Buffer.from('{"said":1}x'))).toThrow(
    /^neither as json: expected JSON, got text that is not.*; nor as avro: expected nothing behind the value/,
  );
  expect(() => either(said, number).decode(null)).toThrow(expect.objectContaining({ code: 'unexpected_tombstone' }) as Error);
});

it('has the type of both', () => {
  expectTypeOf(either(said, text())).toEqualTypeOf<Codec<{ said: string } | string>>();
});

it('takes no error for a refusal that is none of the record', () => {
  const broken: Codec<string> = {
    ...text(),
    decode: () => {
      throw new TypeError('broken');
    },
  };
  expect(() => either(broken, text()).decode(Buffer.from('x'))).toThrow(TypeError);
});

it.each([
  ['write', () => either(text(), text(), { write: 'third' as 'first' })],
  ['an option', () => either(text(), text(), { writes: 'first' } as object)],
  ['no codec', () => either(text(), {} as Codec<string>)],
])('refuses %s', (_, make) => {
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }) as Error);
});

/** Reads what begins with its mark, when it is allowed to. */
function marked(mark: string) {
  const state = {
    needed: undefined as PromiseWithResolvers<void> | undefined,
    trouble: undefined as string | undefined,
    closed: 0,
    asked: 0,
    openError: undefined as Error | undefined,
  };
  const form: OpenCodec<string> = {
    name: mark,
    decode: (bytes) => {
      const read = Buffer.from(bytes ?? []).toString();
      if (!read.startsWith(mark) || state.needed) throw new CodecError('decode_failed', `not ${mark}`);
      return `${mark}!`;
    },
    encode: (value) => Buffer.from(value),
    pending: (bytes) => {
      state.asked += 1;
      return Buffer.from(bytes ?? [])
        .toString()
        .startsWith(mark)
        ? state.needed?.promise
        : undefined;
    },
    trouble: () => state.trouble,
    close: () => {
      state.closed += 1;
      return Promise.resolve();
    },
  };
  const codec: Codec<string> = { ...form, open: () => (state.openError ? Promise.reject(state.openError) : Promise.resolve(form)) };
  return { state, codec };
}

const opened = async (a: Codec<string>, b: Codec<string>): Promise<OpenCodec<string>> => {
  const one = await either(a, b).open?.(use);
  if (one === undefined) throw new Error('expected it to open');
  return one;
};
const bytesOf = (read: string): Uint8Array => Buffer.from(read);

it('opens when one of the two does, and closes both', async () => {
  expect(either(text(), json())).not.toHaveProperty('open');
  const [a, b] = [marked('a'), marked('b')];
  const codec = await opened(a.codec, b.codec);
  [a.state.trouble, b.state.trouble] = ['down', 'down'];
  expect(codec.trouble?.()).toBe('down');
  b.state.trouble = 'up';
  expect(codec.trouble?.()).toBe('down; up');
  [a.state.trouble, b.state.trouble] = [undefined, undefined];
  expect(codec.trouble?.()).toBeUndefined();
  await codec.close?.();
  expect([a.state.closed, b.state.closed]).toEqual([1, 1]);
  expect((await opened(text(), a.codec)).decode(bytesOf('x'))).toBe('x');
});

it.each([0, 1])('closes the other when one of them cannot be opened (%i)', async (which) => {
  const both = [marked('a'), marked('b')] as const;
  both[which === 0 ? 0 : 1].state.openError = new Error('away');
  await expect(opened(both[0].codec, both[1].codec)).rejects.toThrow('away');
  expect(both[which === 0 ? 1 : 0].state.closed).toBe(1);
});

it('waits for the first, and reads with the second what the first will never read', async () => {
  const [first, second] = [marked('a'), marked('ab')];
  const codec = await opened(first.codec, second.codec);
  const bytes = bytesOf('abc');
  expect(codec.pending?.(bytes)).toBeUndefined();
  first.state.needed = Promise.withResolvers();
  const waits = codec.pending?.(bytes);
  first.state.needed.reject(new CodecError('decode_failed', 'id 7 was never given out'));
  await expect(waits).resolves.toBeUndefined();
  expect(codec.pending?.(bytes)).toBeUndefined();
  expect(codec.decode(bytes)).toBe('ab!');
  expect(() => codec.decode(bytesOf('ax'))).toThrow('neither as a: not a; nor as ab: not ab');
});

it('waits for the second only where the first refuses, and rejects for both reasons', async () => {
  const [first, second] = [marked('a'), marked('')];
  second.state.needed = Promise.withResolvers();
  const codec = await opened(first.codec, second.codec);
  expect(codec.pending?.(bytesOf('a'))).toBeUndefined();
  expect(codec.pending?.(null)).toBeUndefined();
  const waits = codec.pending?.(bytesOf('b'));
  second.state.needed.reject(new CodecError('decode_failed', 'id 7 was never given out'));
  await expect(waits).rejects.toMatchObject({
    code: 'decode_failed',
    message: 'neither as a: not a; nor as : id 7 was never given out',
  });
});

it('lets through what is no refusal while it waits', async () => {
  const [first, second] = [marked('a'), marked('b')];
  first.state.needed = Promise.withResolvers();
  const codec = await opened(first.codec, second.codec);
  const waits = codec.pending?.(bytesOf('a'));
  first.state.needed.reject(new CodecError('authentication_failed', 'the registry refuses the login'));
  await expect(waits).rejects.toMatchObject({ code: 'authentication_failed' });
});
