import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentsIn, type DocumentsInOptions } from '../../src/text/documents-in.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-parquet-'));
});
afterAll(() => rm(dir, { recursive: true }));

type WriteOptions = Parameters<typeof parquetWriteBuffer>[0];
const parquet = (options: Omit<WriteOptions, 'columnData'> = {}, count = 5): Buffer =>
  Buffer.from(
    parquetWriteBuffer({
      columnData: [
        { name: 'text', data: Array.from({ length: count }, (_, index) => `row ${String(index)}`), type: 'STRING' },
        { name: 'year', data: Array.from({ length: count }, (_, index) => BigInt(1_850 + index)), type: 'INT64' },
        { name: 'at', data: Array.from({ length: count }, () => new Date(0)), type: 'TIMESTAMP' },
      ],
      ...options,
    }),
  );

async function all(name: string, bytes: Uint8Array, options?: DocumentsInOptions): Promise<Record<string, unknown>> {
  await writeFile(join(dir, name), bytes);
  const found: Record<string, unknown> = {};
  for await (const source of documentsIn(join(dir, name), options)) {
    found[source.id] = await source.read().catch((error: unknown) => (error as Error).message);
  }
  return found;
}

const row = (index: number): object => ({
  text: `row ${String(index)}`,
  fields: { text: `row ${String(index)}`, year: 1_850 + index, at: '1970-01-01T00:00:00.000Z' },
});

describe('documentsIn of Parquet as Arrow writes it', () => {
  const long = 'the mill stands by the river and grinds what farmers bring; '.repeat(40);
  const rowOf = (index: number): object => ({
    text: `${String(index)}: ${index % 3 === 0 ? `short ${String(index * 7_919)}` : long}${'x'.repeat((index * 11) % 300)}`,
    year: index % 10 === 0 ? null : 1_850 + index,
    tags: index % 5 === 0 ? [] : [`tag ${String(index % 4)}`, 'é'],
    place: { name: `place ${String(index % 6)}`, high: index / 4 },
  });

  // written by fixtures/parquet.py
  it.each(['none', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4', 'pages-v2'])('reads %s', async (name) => {
    const found: unknown[] = [];
    for await (const source of documentsIn(join(import.meta.dirname, `fixtures/${name}.parquet`))) {
      const content = await source.read();
      found.push('fields' in content ? content.fields : undefined);
    }
    expect(found).toEqual(Array.from({ length: 60 }, (_, index) => rowOf(index)));
  });
});

describe('documentsIn of Parquet', () => {
  it.each([
    ['not packed', { codec: 'UNCOMPRESSED' }],
    ['SNAPPY', { codec: 'SNAPPY' }],
    ['GZIP', { codec: 'GZIP', compressors: { GZIP: (input: Uint8Array) => gzipSync(input) } }],
    ['BROTLI', { codec: 'BROTLI', compressors: { BROTLI: (input: Uint8Array) => brotliCompressSync(input) } }],
    ['ZSTD', { codec: 'ZSTD', compressors: { ZSTD: (input: Uint8Array) => zstdCompressSync(input) } }],
    ['LZ4_RAW', { codec: 'LZ4_RAW', compressors: { LZ4_RAW: literals } }],
  ] as const)('reads %s', async (_, options) => {
    expect(await all('a.parquet', parquet(options, 2))).toEqual({ 'a.parquet#1': row(0), 'a.parquet#2': row(1) });
  });

  it('reads row groups one after the other, and from gzip', async () => {
    const expected = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [index + 1, row(index)]));
    const named = (name: string): object => Object.fromEntries(Object.entries(expected).map(([number, one]) => [`${name}#${number}`, one]));
    expect(await all('b.parquet', parquet({ rowGroupSize: 3 }, 7))).toEqual(named('b.parquet'));
    expect(await all('b.parquet.gz', gzipSync(parquet({ rowGroupSize: 3 }, 7)))).toEqual(named('b.parquet.gz'));
  });

  it('goes on behind a row group that is damaged, or too large', async () => {
    const bytes = parquet({ rowGroupSize: 3, codec: 'SNAPPY' }, 7);
    bytes.fill(0xff, 4, 40);
    const found = await all('c.parquet', bytes);
    expect(Object.keys(found)).toEqual(['c.parquet#1-3', 'c.parquet#4', 'c.parquet#5', 'c.parquet#6', 'c.parquet#7']);
    expect(found['c.parquet#1-3']).toMatch(/^c\.parquet: the rows from 1 to 3 cannot be read \(/);
    const small = await all('c.parquet', parquet({}, 3), { maxGroupBytes: 10 });
    expect(small['c.parquet#1-3']).toMatch(/at most 10 are read at once; write smaller row groups, or raise maxGroupBytes/);
  });

  it('refuses pages that unpack to more than they say, and columns that end too early', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
    expect(await all('e.parquet', parquet({ codec: 'ZSTD', compressors: { ZSTD: () => bomb } }, 2))).toEqual({
      'e.parquet#1-2': expect.stringContaining('e.parquet: the rows from 1 to 2 cannot be read (') as string,
    });
    const short = parquetWriteBuffer({ columnData: [{ name: 'n', data: [1, 2, 3], type: 'INT32' }], codec: 'UNCOMPRESSED' });
    const bytes = Buffer.from(short);
    bytes[bytes.length - 29] = 8; // rows of the row group, as a zigzag varint: 4
    expect(await all('e.parquet', bytes)).toMatchObject({
      'e.parquet#3': { text: 'n: 3' },
      'e.parquet#4-4': expect.stringContaining('the column "n" ends before row 4') as string,
    });
  });

  it('ends a reader of which nothing comes', async () => {
    expect(await all('f.parquet', parquet(), { timeoutMs: 1 })).toEqual({
      'f.parquet:end': expect.stringContaining('nothing was read for 1 ms; raise timeoutMs, or leave it out') as string,
    });
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['something else', Buffer.from('text that is no Parquet at all')],
    ['a file that was cut off', parquet().subarray(0, 200)],
    ['a footer that is longer than the file', Buffer.from('PAR1____\xff\xff\xff\x7fPAR1', 'latin1')],
  ])('says that it is no Parquet file: %s', async (_, bytes) => {
    const found = await all('d.parquet', bytes);
    expect(Object.values(found)).toEqual([
      expect.stringContaining('d.parquet: expected a Parquet file, got one whose footer cannot be read'),
    ]);
  });
});

/** LZ4 that repeats nothing. */
function literals(input: Uint8Array): Uint8Array {
  const long: number[] = [];
  let left = input.length - 15;
  for (; left >= 255; left -= 255) long.push(255);
  if (left >= 0) long.push(left);
  return Buffer.concat([Buffer.from([Math.min(15, input.length) << 4, ...long]), input]);
}
