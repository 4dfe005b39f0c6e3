import { constants, deflateRawSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { type AvroFile, avroFile, type AvroFileReader } from '../../../src/codec/avro/avro-file.ts';
import type { AvroSchema } from '../../../src/codec/avro/avro-schema.ts';
import { longBytes } from '../../../src/codec/avro/file-blocks.ts';
import type { AvroFileDamage, AvroFileOptions } from '../../../src/codec/avro/file-options.ts';
import { CodecError, OptionError } from '../../../src/errors.ts';
import { allOf } from '../../helpers/all-of.ts';

const item = { type: 'record', name: 'Item', fields: [{ name: 'n', type: 'int' }] } as const;
const sync = Buffer.from('0123456789abcdef');
const long = (value: number): Buffer => longBytes(value);
const negative = (value: number): Buffer => {
  const bytes = long(value);
  bytes[0] = (bytes[0] as number) - 1; // zigzag: -value
  return bytes;
};
const text = (value: string | Buffer): Buffer => Buffer.concat([long(Buffer.byteLength(value)), Buffer.from(value)]);
const magic = Buffer.from('Obj\u0001');
const header = (schema: unknown = item, codec = 'null'): Buffer =>
  Buffer.concat([magic, long(2), text('avro.schema'), text(JSON.stringify(schema)), text('avro.codec'), text(codec), long(0), sync]);
const block = (values: number, data: Buffer, marker = sync): Buffer => Buffer.concat([long(values), long(data.length), data, marker]);

async function* chunked(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

const all = (bytes: Uint8Array, options: Pick<AvroFileOptions, 'onDamage' | 'maxBlockBytes' | 'maxItems'> = {}): Promise<unknown[]> =>
  allOf(avroFile(options).read(chunked(bytes)));

const written = async (values: readonly { readonly n: number }[], options: Omit<AvroFileOptions, 'schema'> = {}): Promise<Buffer> =>
  Buffer.concat(await allOf(avroFile({ schema: item, sync, ...options }).write(values)));

const numbers = (count: number): { readonly n: number }[] => Array.from({ length: count }, (_, n) => ({ n }));

describe('avroFile', () => {
  it('has the type of its schema; without one it only reads', () => {
    expectTypeOf(avroFile({ schema: item })).toEqualTypeOf<AvroFile<{ n: number }>>();
    expectTypeOf(avroFile<{ readonly n: number }>()).toEqualTypeOf<AvroFileReader<{ readonly n: number }>>();
    expect(Object.keys(avroFile())).toEqual(['read']);
  });

  it.each(['null', 'deflate', 'zstandard'] as const)('reads what it has written, in chunks of any size: %s', async (codec) => {
    const bytes = await written(numbers(500), { codec, blockBytes: 100, metadata: { by: 'me', raw: Uint8Array.of(0xff) } });
    for (const size of [1, 7, 16, bytes.length]) {
      const reading = avroFile({ schema: item }).read(chunked(bytes, size));
      expect(await allOf(reading)).toEqual(numbers(500));
      const { schema, metadata } = await reading.header();
      expect([schema, metadata]).toEqual([
        item,
        new Map([
          ['by', Buffer.from('me')],
          ['raw', Buffer.of(0xff)],
        ]),
      ]);
    }
  });

  it('of no values is a header', async () => {
    const bytes = await written([]);
    expect(bytes).toEqual(header(item, 'deflate'));
    expect(await all(bytes)).toEqual([]);
  });

  it('reads as its schema by the rules of Avro', async () => {
    const wanted = {
      ...item,
      fields: [
        { name: 'count', aliases: ['n'], type: 'long' },
        { name: 'note', type: 'string', default: 'none' },
      ],
    } as const;
    expect(await allOf(avroFile({ schema: wanted }).read(chunked(await written([{ n: 5 }]))))).toEqual([{ count: 5n, note: 'none' }]);
    const none = allOf(avroFile({ schema: { ...item, fields: [{ name: 'n', type: 'string' }] } }).read(chunked(header())));
    await expect(none).rejects.toMatchObject({
      code: 'schema_violation',
      message: expect.stringMatching(/int cannot be read as string at n/) as string,
    });
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf', '_private', 'Ünicode'])(
    'has %s as a name like any other, or refuses it',
    async (name) => {
      const schema = {
        type: 'record',
        name: 'Named',
        fields: [
          { name, type: { type: 'enum', name: 'Kind', symbols: ['a', name] } },
          { name: 'map', type: { type: 'map', values: 'int' } },
        ],
      };
      const make = (): AvroFile<unknown> => avroFile({ schema: schema as AvroSchema });
      if (name === 'Ünicode') {
        expect(make).toThrow(/no Avro schema/); // Avro's names are ASCII
        return;
      }
      const value = { [name]: name, map: { [name]: 1 } };
      const bytes = Buffer.concat(await allOf(make().write([value, { [name]: 'a', map: {} }])));
      expect(await all(bytes)).toEqual([value, { [name]: 'a', map: {} }]);
      const none = allOf(make().write([{ [name]: 'valueOf?', map: {} }]));
      await expect(none).rejects.toMatchObject({ code: 'schema_violation' });
      await expect(allOf(make().write([{ map: {} }]))).rejects.toMatchObject({ code: 'schema_violation' }); // what objects inherit is no field
    },
  );

  it('passes over what Python leaves behind a packed block', async () => {
    const packed = Buffer.concat([deflateRawSync(Buffer.of(2, 4)), Buffer.of(1, 2, 3)]);
    expect(await all(Buffer.concat([header(item, 'deflate'), block(2, packed)]))).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('writes what was given before a value that does not fit, then fails', async () => {
    const chunks: Uint8Array[] = [];
    const writing = async (): Promise<void> => {
      for await (const chunk of avroFile({ schema: item, sync }).write([{ n: 1 }, { n: 'secret' as never }])) chunks.push(chunk);
    };
    await expect(writing()).rejects.toMatchObject({
      code: 'schema_violation',
      message: expect.stringMatching(/ at n: expected int/) as string,
    });
    expect(await all(Buffer.concat(chunks))).toEqual([{ n: 1 }]);
  });

  it('takes no more from its source than is asked for, and ends it when the reader leaves', async () => {
    let [given, isClosed] = [0, false];
    const bytes = await written(numbers(1_000), { blockBytes: 50 });
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of chunked(bytes, 64)) {
          given += 1;
          yield chunk;
        }
      } finally {
        isClosed = true;
      }
    }
    const reader = avroFile().read(source())[Symbol.asyncIterator]();
    await reader.next();
    await reader.return?.();
    expect(isClosed).toBe(true);
    expect(given).toBeLessThan(Math.ceil((4_096 + 50) / 64) + 4);
  });

  it('is gone through once', async () => {
    const reading = avroFile().read(chunked(header()));
    await allOf(reading);
    expect(() => reading[Symbol.asyncIterator]()).toThrow(/gone through once/);
  });

  it.each<readonly [string, object, RegExp]>([
    ['a codec', { codec: 'snappy' }, /avroFile.codec must be one of null, deflate, zstandard/],
    ['a name of Avro', { metadata: { 'avro.codec': 'x' } }, /begin with avro/],
    ['metadata', { metadata: { x: 1 } }, /metadata.x must be text or bytes/],
    ['sync', { sync: Buffer.alloc(3) }, /16 bytes/],
    ['a schema', { schema: 'strnig' }, /no Avro schema/],
    ['a typo', { shema: item }, /did you mean schema/],
    ['blockBytes', { blockBytes: 100, maxBlockBytes: 10 }, /from 1 to 10/],
  ])('refuses %s at the call', (_, options, message) => {
    expect(() => avroFile(options as never)).toThrow(message);
    expect(() => avroFile(options as never)).toThrow(OptionError);
  });

  it('says that chunks of text are none', async () => {
    async function* texts(): AsyncGenerator<string> {
      yield await Promise.resolve('Obj');
    }
    await expect(allOf(avroFile().read(texts() as never))).rejects.toThrow(/set no encoding/);
  });
});

describe('avroFile: damage', () => {
  const first = Buffer.concat([header(), block(2, Buffer.of(2, 4))]);
  const last = block(1, Buffer.of(8));
  const end = block(1, Buffer.of(10));
  const rows: readonly (readonly [string, Buffer, RegExp, number, readonly number[]])[] = [
    ['a marker that is another', block(1, Buffer.of(6), Buffer.alloc(16)), /sync marker/, 0, []],
    ['a length that lies', Buffer.concat([long(1), long(40), Buffer.of(6), sync]), /sync marker|ends within/, 0, []],
    ['a length of more than the file', Buffer.concat([long(1), long(9_999), Buffer.of(6), sync]), /ends within/, 0, []],
    [
      'a length above the bound',
      Buffer.concat([long(1), long(2 ** 40), Buffer.of(6), sync]),
      /at most 16777216 bytes.*maxBlockBytes/,
      0,
      [],
    ],
    ['a length above 2^53', Buffer.concat([long(1), Buffer.alloc(9, 0xff), sync]), /above 2\^53/, 0, []],
    ['a negative length', Buffer.concat([long(1), negative(5), sync]), /negative length/, 0, []],
    ['a negative count', Buffer.concat([negative(1), long(1), Buffer.of(6), sync]), /negative length/, 0, []],
    ['too many values', block(3, Buffer.of(6, 8)), /more bytes/, 2, [3, 4]],
    ['too few values', block(1, Buffer.of(6, 8)), /nothing behind the last value/, 1, [3]],
    ['a value that is none', block(2, Buffer.from([6, 0xff, 0xff, 0xff, 0xff, 0xff])), /more bytes|32 bits/, 1, [3]],
  ];
  it.each(rows)('%s: told with its place, and read on behind it', async (_, bad, message, given, values) => {
    const bytes = Buffer.concat([first, bad, last, end]);
    const place = `the block at byte ${String(first.length)} of the Avro file, behind ${String(given)} of its values: `;
    await expect(all(bytes)).rejects.toMatchObject({ code: 'decode_failed', message: expect.stringContaining(place) as string });
    await expect(all(bytes)).rejects.toThrow(message);
    const damages: AvroFileDamage[] = [];
    const seen = await all(bytes, { onDamage: (damage) => damages.push(damage) });
    const resumedAtByte = first.length + bad.length;
    const losesTwo = !bad.includes(sync); // the next one's marker is the first that is found
    expect(seen).toEqual([1, 2, ...values, ...(losesTwo ? [] : [4]), 5].map((n) => ({ n })));
    expect(damages).toMatchObject([{ atByte: first.length, given, resumedAtByte: losesTwo ? resumedAtByte + last.length : resumedAtByte }]);
    expect(damages[0]?.error).toBeInstanceOf(CodecError);
  });

  it('at the end of a file that was cut off is told, and the file is over', async () => {
    const damages: AvroFileDamage[] = [];
    const bytes = Buffer.concat([first, last]).subarray(0, -3);
    expect(await all(bytes, { onDamage: (damage) => damages.push(damage) })).toEqual([{ n: 1 }, { n: 2 }]);
    expect(damages).toMatchObject([{ atByte: first.length, given: 0, resumedAtByte: undefined }]);
  });

  it.each(['deflate', 'zstandard'] as const)('in what was packed with %s', async (codec) => {
    const bytes = Buffer.concat([header(item, codec), block(1, Buffer.from('no such thing'))]);
    await expect(all(bytes)).rejects.toThrow(`packed with ${codec}, got what is none`);
  });
});

describe('avroFile: hostile bytes', () => {
  const entry = (key: string, value: string): Buffer => Buffer.concat([text(key), text(value)]);
  const zeros = 16 * 1024 * 1024;
  /** 1 GiB of zeros: sixty-four times the same. */
  const deflated = (): Buffer => {
    const part = deflateRawSync(Buffer.alloc(zeros), { finishFlush: constants.Z_FULL_FLUSH });
    return Buffer.concat([...Array.from({ length: 64 }, () => part), deflateRawSync(Buffer.alloc(0))]);
  };
  const nested = (depth: number): string => `${'{"type":"array","items":'.repeat(depth)}"int"${'}'.repeat(depth)}`;
  const headerOf = (schema: string): Buffer => Buffer.concat([magic, long(1), entry('avro.schema', schema), long(0), sync]);
  const rows: readonly (readonly [string, () => Buffer, RegExp])[] = [
    ['1 GiB behind deflate', () => Buffer.concat([header(item, 'deflate'), block(1, deflated())]), /at most 16777216 bytes.*maxBlockBytes/],
    [
      '64 MiB behind zstandard',
      () => Buffer.concat([header(item, 'zstandard'), block(1, zstdCompressSync(Buffer.alloc(4 * zeros)))]),
      /at most 16777216 bytes/,
    ],
    ['a header that claims 2^50 entries', () => Buffer.concat([magic, long(2 ** 50)]), /at most 10000 entries/],
    [
      'a header of many entries',
      () => Buffer.concat([magic, long(9_999), ...Array.from({ length: 9_999 }, (_, i) => entry(`k${String(i)}`, '')), long(2)]),
      /at most 10000 entries/,
    ],
    ['a header of an endless value', () => Buffer.concat([magic, long(1), text('a'), long(2 ** 45)]), /at most 4194304 bytes/],
    [
      'a header of 5 MiB',
      () => Buffer.concat([magic, long(2), entry('a', 'x'.repeat(3e6)), entry('b', 'x'.repeat(2e6)), long(0), sync]),
      /at most 4194304 bytes/,
    ],
    ['a negative length in a header', () => Buffer.concat([magic, long(1), negative(3)]), /negative length/],
    ['a block of a header with a negative size', () => Buffer.concat([magic, negative(1), negative(3)]), /negative length/],
    ['a name twice', () => Buffer.concat([magic, long(2), entry('a', ''), entry('a', ''), long(0), sync]), /names nothing twice/],
    ['no schema', () => Buffer.concat([magic, long(0), sync]), /with a schema/],
    ['a schema that is no JSON', () => headerOf('{'), /to be JSON/],
    ['a schema that is none', () => headerOf('{"type":"recrod"}'), /no Avro schema/],
    ['a schema 100,000 deep', () => headerOf(nested(100_000)), /nests at m/],
    ['a schema that names __proto__', () => headerOf('{"type":"record","name":"__proto__","fields":[]}'), /__proto__/],
    ['a codec of others', () => header(item, 'snappy'), /null, deflate, zstandard, got one of another codec: "snappy"/],
    ['another kind of file', () => Buffer.from('PAR1 and so on'), /begins with Obj/],
    ['nothing', () => Buffer.alloc(0), /ends within its header/],
    ['a header that is cut off', () => header().subarray(0, -1), /ends within its header/],
    [
      '2^50 values of no bytes',
      () => Buffer.concat([header('null'), block(2 ** 50, Buffer.alloc(0))]),
      /at most 100000 values of no bytes/,
    ],
    [
      'a schema that is its own field',
      () => Buffer.concat([header({ type: 'record', name: 'A', fields: [{ name: 'a', type: 'A' }] }), block(1, Buffer.of(0))]),
      /nests less deep/,
    ],
    [
      'a schema that lies',
      () => Buffer.concat([header({ type: 'array', items: 'null' }), block(1, Buffer.concat([long(20_000_000), long(0)]))]),
      /fewer items/,
    ],
  ];
  it.each(rows)('%s is refused', async (_, make, message) => {
    const bytes = make();
    const before = process.memoryUsage().rss;
    const error = await all(bytes).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 'decode_failed', message: expect.stringMatching(message) as string });
    expect(process.memoryUsage().rss - before).toBeLessThan(96 * 1024 * 1024); // measured more closely by the proof of hostile bytes
  });

  it('values of no bytes are read as far as they are allowed', async () => {
    const schema: AvroSchema = 'null';
    expect(await all(Buffer.concat([header(schema), block(3, Buffer.alloc(0))]))).toEqual([null, null, null]);
  });
});
