import { describe, expect, it } from 'vitest';
import { feedInput } from '../../src/cli/feed-input.ts';
import type { InputLine } from '../../src/cli/line-batches.ts';
import type { Client } from '../../src/runtime/connect.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

async function* batches(count: number, lines: number, bytes: number): AsyncGenerator<readonly InputLine[]> {
  for (let i = 0; i < count; i += 1) {
    yield await Promise.resolve(Array.from({ length: lines }, (_, j) => ({ number: i * lines + j + 1, bytes: Buffer.alloc(bytes, 'x') })));
  }
}

/** A client that counts what it is given. */
function countingClient(): { readonly client: Client; readonly written: () => number } {
  let written = 0;
  const produce: Client['produce'] = ({ name }, records) => {
    const first = written;
    written += records.length;
    return Promise.resolve(records.map((_, i) => ({ topic: name, partition: 0, offset: BigInt(first + i) })));
  };
  return {
    client: {
      produce,
      consume: () => {
        throw new Error('not used');
      },
      close: () => Promise.resolve(),
    },
    written: () => written,
  };
}

const settled = async (): Promise<void> => {
  for (let i = 0; i < 500; i += 1) await Promise.resolve();
};

describe('feedInput', () => {
  it.each([
    ['records', 100, 1_000, 10, 20_000],
    ['bytes', 100, 1, 1024 * 1024, 64],
  ])('waits while the pipeline is behind, by %s', async (_, count, lines, bytes, expected) => {
    const clock = virtualClock();
    const { client, written } = countingClient();
    let watermark = 0n;
    const feeding = feedInput(batches(count, lines, bytes), {
      client,
      topic: 't',
      watermark: () => watermark,
      clock,
      signal: new AbortController().signal,
    });
    await settled();
    expect(written()).toBe(expected);
    watermark = BigInt(lines); // the first batch
    await clock.advance(100);
    await settled();
    expect(written()).toBe(expected + lines);
    watermark = BigInt(count * lines);
    for (let i = 0; i < 10; i += 1) {
      await clock.advance(100);
      await settled();
    }
    expect(await feeding).toBe(count * lines);
  });
});
