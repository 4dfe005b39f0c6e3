import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { RecordHeaders } from '../../../src/record/record.ts';
import { maxDecompressedBytes } from '../../../src/transport/kafka/codecs.ts';
import { loadKafkaJs } from '../../../src/transport/kafka/kafkajs.ts';
import { toMessage, toSourceRecord } from '../../../src/transport/kafka/records.ts';

// what the patches hang on: paths and signatures inside kafkajs 2.2.4
loadKafkaJs();
const load = createRequire(import.meta.url);
const part = (file: string): unknown => load(`kafkajs/src/${file}`);
const Decoder = part('protocol/decoder') as new (bytes: Buffer) => object;
const encodeRecord = part('protocol/recordBatch/record/v0') as (record: object) => object;
const { RecordBatch } = part('protocol/recordBatch/v0') as { RecordBatch: (batch: object) => Promise<{ readonly buffer: Buffer }> };
const decodeMessages = part('protocol/requests/fetch/v4/decodeMessages') as (
  decoder: object,
) => Promise<readonly Parameters<typeof toSourceRecord>[0][]>;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function batch(
  firstOffset: number,
  values: readonly string[],
  options: { compression?: number; headers?: RecordHeaders } = {},
): Promise<Buffer> {
  const { compression = 0, headers = [] } = options;
  const records = values.map((value, offsetDelta) =>
    encodeRecord({ ...toMessage({ key: null, value: bytes(value), headers }, 0), offsetDelta, timestampDelta: 0 }),
  );
  const encoded = await RecordBatch({
    compression,
    records,
    firstTimestamp: 1_000,
    maxTimestamp: 1_000,
    producerId: -1,
    producerEpoch: 0,
    firstSequence: 0,
    lastOffsetDelta: values.length - 1,
  });
  const buffer = Buffer.from(encoded.buffer);
  buffer.writeBigInt64BE(BigInt(firstOffset)); // outside of what the checksum covers
  return buffer;
}

async function fetchOf(...batches: readonly Buffer[]): Promise<ReturnType<typeof toSourceRecord>[]> {
  const all = Buffer.concat(batches);
  const size = Buffer.alloc(4);
  size.writeInt32BE(all.length);
  return (await decodeMessages(new Decoder(Buffer.concat([size, all])))).map((one) => toSourceRecord(one, 0n));
}

const texts = (records: readonly ReturnType<typeof toSourceRecord>[]): string[] =>
  records.map(
    ({ offset, value, undecodable }) =>
      `${String(offset)} ${undecodable ? `from ${String(undecodable.firstOffset)}: ${undecodable.reason}` : Buffer.from(value ?? []).toString()}`,
  );

describe('the patched client', () => {
  it('carries headers as ordered pairs: repeated, interleaved, integer-like, null, empty and named like a prototype', async () => {
    const headers: RecordHeaders = [
      ['b', bytes('1')],
      ['a', null],
      ['b', bytes('')],
      ['2', bytes('x')],
      ['1', bytes('y')],
      ['__proto__', bytes('z')],
      ['', bytes('ü')],
    ];
    const [record, second] = await fetchOf(await batch(0, ['v', 'w'], { headers }));
    expect(second?.headers).toEqual(record?.headers); // the first one's length is right to the byte
    expect(record?.headers.map(([name, value]) => [name, value && Buffer.from(value).toString()])).toEqual(
      headers.map(([name, value]) => [name, value && Buffer.from(value).toString()]),
    );
  });

  it('still encodes the headers of other users of kafkajs', async () => {
    const record = encodeRecord({
      key: null,
      value: Buffer.from('v'),
      headers: { a: Buffer.from('1'), b: [Buffer.from('2'), Buffer.from('3')] },
      offsetDelta: 0,
      timestampDelta: 0,
    });
    const encoded = await RecordBatch({
      compression: 0,
      records: [record],
      firstTimestamp: 0,
      maxTimestamp: 0,
      producerId: -1,
      producerEpoch: 0,
      firstSequence: 0,
      lastOffsetDelta: 0,
    });
    const [read] = await fetchOf(Buffer.from(encoded.buffer));
    expect(read?.headers.map(([name, value]) => `${name}=${String(value && Buffer.from(value).toString())}`)).toEqual([
      'a=1',
      'b=2',
      'b=3',
    ]);
  });

  it.each([
    ['none', 0],
    ['gzip', 1],
    ['zstd', 4],
  ])('reads what it wrote with compression %s', async (_name, compression) => {
    expect(texts(await fetchOf(await batch(5, ['a', 'b'], { compression })))).toEqual(['5 a', '6 b']);
  });

  it('makes a flipped byte one undecodable range, and goes on behind it', async () => {
    const bad = await batch(2, ['c', 'd', 'e']);
    bad.writeUInt8(bad.readUInt8(bad.length - 3) ^ 1, bad.length - 3);
    expect(texts(await fetchOf(await batch(0, ['a', 'b']), bad, await batch(5, ['f'])))).toEqual([
      '0 a',
      '1 b',
      '4 from 2: checksum does not match',
      '5 f',
    ]);
  });

  it.each([1, 1_000_000])('bounds the range of a garbled header (%i offsets too many) by where the next batch begins', async (tooMany) => {
    const bad = await batch(2, ['c']);
    bad.writeInt32BE(tooMany, 23); // the last offset
    expect(texts(await fetchOf(bad, await batch(3, ['d'])))).toEqual(['2 from 2: checksum does not match', '3 d']);
  });

  it.each([
    ['snappy', 2],
    ['lz4', 3],
  ])('says that %s is not supported, for that batch alone', async (name, attributes) => {
    const bad = reseal(await batch(0, ['a']), (whole) => whole.writeInt16BE(attributes, 21));
    expect(texts(await fetchOf(bad, await batch(1, ['b'])))).toEqual([
      `0 from 0: compressed with ${name}, which is not supported (use gzip, zstd or none)`,
      '1 b',
    ]);
  });

  it('caps what a batch may grow to', async () => {
    const bomb = gzipSync(Buffer.alloc(maxDecompressedBytes + 1));
    const head = (await batch(0, ['a'])).subarray(0, 61);
    const whole = Buffer.concat([head, bomb]);
    whole.writeInt32BE(whole.length - 12, 8);
    const sealed = reseal(whole, (one) => one.writeInt16BE(1, 21));
    const [record] = await fetchOf(sealed);
    expect(record?.undecodable?.reason).toContain('ERR_BUFFER_TOO_LARGE');
    expect(record?.undecodable?.bytes).toBe(whole.length);
  });

  it('leaves the cut tail of a fetch to the next fetch', async () => {
    const tail = (await batch(1, ['b'])).subarray(0, -2);
    expect(texts(await fetchOf(await batch(0, ['a']), tail))).toEqual(['0 a']);
  });

  it('begins a range that lies before the fetched offset at that offset', () => {
    const message = {
      offset: '9',
      timestamp: '0',
      key: null,
      value: null,
      attributes: 0,
      headers: {},
      undecodable: { firstOffset: 3n, reason: 'r', bytes: 1 },
    };
    expect(toSourceRecord(message, 7n).undecodable?.firstOffset).toBe(7n);
  });

  it('writes bytes as bytes, and the time 0 as a time', () => {
    expect(toMessage({ key: new Uint8Array([1, 2]), value: null, headers: [], timestampMs: 0 }, 3)).toMatchObject({
      partition: 3,
      key: Buffer.from([1, 2]),
      value: null,
      timestamp: '0',
    });
    expect(toMessage({ key: null, value: null, headers: [], timestampMs: 12.9 }, 0).timestamp).toBe('12');
    expect(toMessage({ key: null, value: null, headers: [] }, 0)).not.toHaveProperty('timestamp');
  });
});

/** Changes a batch and gives it the checksum that fits. */
function reseal(whole: Buffer, change: (whole: Buffer) => void): Buffer {
  change(whole);
  whole.writeUInt32BE((part('protocol/recordBatch/crc32C/crc32C') as (bytes: Buffer) => number)(whole.subarray(21)), 17);
  return whole;
}
