import { describe, expect, it } from 'vitest';
import { ByteSource } from '../../../src/codec/avro/byte-source.ts';

const marker = Buffer.from('0123456789abcdef');

/** What was given, and whether anybody told it to end. */
function chunked(bytes: Buffer, size: number) {
  const state = { given: 0, isClosed: false };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < bytes.length; at += size) {
        const chunk = bytes.subarray(at, at + size);
        state.given += chunk.length;
        yield await Promise.resolve(chunk);
      }
    } finally {
      state.isClosed = true;
    }
  }
  return { state, source: new ByteSource(chunks()) };
}

describe('a source of bytes', () => {
  const noise = Buffer.alloc(10_000, '0123456789abcde?'); // begins like the marker, over and over
  const behind = Buffer.from('behind');

  // the marker begins in one chunk and ends in another for all of these but the last
  it.each([1, 3, 7, 16, 4_096, 9_999, 10_001, 10_015, 100_000])('finds a marker across chunks of %i bytes', async (size) => {
    const { source } = chunked(Buffer.concat([noise, marker, behind]), size);
    await source.fill(1);
    expect(await source.skipPast(marker)).toBe(true);
    expect(source.at).toBe(noise.length + marker.length);
    expect(await source.fill(behind.length)).toBe(true);
    expect(source.held.subarray(0, behind.length)).toEqual(behind);
  });

  it.each([1, 4_096, 100_000])('says that there is none, and has nothing left, with chunks of %i bytes', async (size) => {
    const { source } = chunked(Buffer.concat([noise, marker.subarray(0, -1)]), size);
    expect(await source.skipPast(marker)).toBe(false);
    expect([source.at, source.held.length, await source.fill(1)]).toEqual([noise.length + marker.length - 1, 0, false]);
  });

  it('holds no more than a chunk and the beginning of a marker while it looks', async () => {
    const { source, state } = chunked(Buffer.concat([Buffer.alloc(1_000_000), marker]), 5_000);
    let most = 0;
    const fill = source.fill.bind(source);
    source.fill = async (bytes) => {
      const filled = await fill(bytes);
      most = Math.max(most, source.held.length);
      return filled;
    };
    await source.skipPast(marker);
    expect(state.given).toBe(1_000_016);
    expect(most).toBeLessThan(5_000 + marker.length);
  });

  it('tells the stream that nobody reads on', async () => {
    const { source, state } = chunked(noise, 100);
    await source.fill(1);
    await source.close();
    await source.close();
    expect([state.isClosed, state.given, source.held.length]).toEqual([true, 100, 0]);
  });
});
