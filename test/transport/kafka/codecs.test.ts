import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CodecName, decompress } from '../../../src/transport/kafka/codecs.ts';
import { compressed, text } from './compressed.ts';

const samples: readonly (readonly [string, CodecName, Buffer])[] = [
  ['snappy, raw', 'snappy', Buffer.from(compressed.snappy, 'base64')],
  ['snappy in xerial blocks', 'snappy', Buffer.from(compressed.xerial, 'base64')],
  ['lz4', 'lz4', Buffer.from(compressed.lz4, 'base64')],
  ['lz4 with a wrong header checksum', 'lz4', Buffer.from(compressed.oldLz4, 'base64')],
  ['gzip', 'gzip', gzipSync(text)],
  ['gzip in two members', 'gzip', Buffer.concat([gzipSync(text.slice(0, 500)), gzipSync(text.slice(500))])],
  ['zstd', 'zstd', zstdCompressSync(text)],
  ['nothing', 'none', Buffer.from(text)],
];

const mebibyte = 1024 * 1024;
const outcomeOf = async (codec: CodecName, bytes: Buffer, limit = mebibyte): Promise<string> =>
  decompress(codec, bytes, limit).then(String, (error: unknown) =>
    error instanceof Error ? `${error.name}: ${error.message}` : 'no error',
  );

/** An LZ4 frame of these blocks. */
function frame(...blocks: readonly (readonly number[] | Buffer)[]): Buffer {
  const size = (length: number): Buffer => Buffer.from(Uint32Array.of(length).buffer);
  return Buffer.concat([
    Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0]),
    ...blocks.flatMap((block) => [size(block.length), Buffer.from(block)]),
    size(0),
  ]);
}

/** One literal byte, repeated: the densest that LZ4 can say. */
const lz4Bomb = (bytes: number): Buffer =>
  frame(Buffer.concat([Buffer.from([0x1f, 0x61, 1, 0]), Buffer.alloc(bytes, 255), Buffer.from([0, 0])]));

/** The densest that snappy can say: three bytes for 64. */
function snappyBomb(copies: number): Buffer {
  const length = 1 + copies * 64;
  const size = [(length & 127) | 128, ((length >> 7) & 127) | 128, ((length >> 14) & 127) | 128, length >> 21];
  return Buffer.concat([Buffer.from([...size, 0, 0x61]), Buffer.from(Array.from({ length: copies }, () => [0xfe, 1, 0]).flat())]);
}

describe('decompress', () => {
  it.each(samples)('reads %s as other clients write it', async (_name, codec, bytes) => {
    expect(await outcomeOf(codec, bytes)).toBe(text);
  });

  it.each(samples.filter(([, codec]) => codec !== 'none'))('stops %s at its limit, and not before', async (_name, codec, bytes) => {
    expect(await outcomeOf(codec, bytes, text.length)).toBe(text);
    expect(await outcomeOf(codec, bytes, text.length - 1)).toBe(`RangeError: would grow beyond ${String(text.length - 1)} bytes`);
  });

  it.each(samples.slice(0, 4))('never takes bytes of %s beyond their end, whatever is changed in them', async (_name, codec, bytes) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), async (at, value, end) => {
        const changed = Buffer.from(bytes.subarray(0, end));
        if (at < end) changed[at] = value;
        expect(await outcomeOf(codec, changed)).not.toMatch(/^(?!RangeError)\w*Error: |^no error/);
        expect((await decompress(codec, changed, mebibyte).catch(() => Buffer.alloc(0))).length).toBeLessThanOrEqual(mebibyte);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each<[string, CodecName, readonly number[] | Buffer, string]>([
    ['snappy that ends before its length', 'snappy', [5, 0, 0x61], '1 bytes instead of 5'],
    ['snappy with a copy from before it', 'snappy', [5, 0, 0x61, 0x0d, 2], 'a copy beyond the end'],
    ['snappy with a copy from itself', 'snappy', [5, 0, 0x61, 0x01, 0], 'a copy beyond the end'],
    ['snappy that says more than it can be', 'snappy', [0xff, 0xff, 0xff, 0xff, 0x0f, 0], '6 bytes cannot become 4294967295'],
    ['snappy without a length', 'snappy', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 'no length'],
    ['nothing as snappy', 'snappy', [], 'no length'],
    [
      'a xerial block of negative length',
      'snappy',
      [...Buffer.from(compressed.xerial, 'base64').subarray(0, 16), 255, 255, 255, 255],
      'a block of -1',
    ],
    ['lz4 with a copy from before it', 'lz4', frame([0x10, 0x61, 2, 0]), 'a copy from before the beginning'],
    ['lz4 with a copy from itself', 'lz4', frame([0x10, 0x61, 0, 0]), 'a copy from before the beginning'],
    ['lz4 whose length never ends', 'lz4', frame([0xf0, 255, 255]), 'a length beyond the end'],
    ['lz4 without an end', 'lz4', frame([0x10, 0x61]).subarray(0, -4), 'ends in the middle'],
    ['lz4 that needs a dictionary', 'lz4', [0x04, 0x22, 0x4d, 0x18, 0x41, 0x40, 0], 'a dictionary'],
    ['lz4 of another version', 'lz4', [0x04, 0x22, 0x4d, 0x18, 0x80, 0x40, 0], 'version 2'],
  ])('refuses %s', async (_name, codec, bytes, says) => {
    expect(await outcomeOf(codec, Buffer.from(bytes))).toContain(says);
  });

  it('reads lz4 blocks that refer to the block before, and stored ones', async () => {
    const linked = frame([0x20, 0x61, 0x62], [0x02, 2, 0, 0x10, 0x63]);
    expect(await outcomeOf('lz4', linked)).toBe('ababababc');
    const stored = Buffer.from(linked);
    stored.writeUInt32LE(0x80000003, 7);
    expect(await outcomeOf('lz4', stored)).toBe(' abababab' + 'c');
  });

  it.each<[string, CodecName, Buffer]>([
    ['gzip', 'gzip', gzipSync(Buffer.alloc(200 * mebibyte))],
    ['zstd', 'zstd', zstdCompressSync(Buffer.alloc(200 * mebibyte))],
    ['lz4', 'lz4', lz4Bomb(mebibyte)],
    ['snappy', 'snappy', snappyBomb(600_000)],
  ])('spends no more than its limit on a bomb of %s', async (_name, codec, bytes) => {
    const before = process.memoryUsage().rss;
    expect(await outcomeOf(codec, bytes, 32 * mebibyte)).toMatch(/^RangeError: would grow beyond 33554432 bytes/);
    expect((process.memoryUsage().rss - before) / mebibyte).toBeLessThan(64);
  });
});
