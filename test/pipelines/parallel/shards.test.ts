import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dynamicShards, linesOf, parallel, readChunks, textWindows, timeWindows, windows } from '../../../pipelines/parallel/index.ts';
import { ShardPlan } from '../../../pipelines/parallel/shard-plan.state.ts';
import { call } from '../../../src/call.ts';
import { sleep } from '../../../src/clock.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { turn } from '../../helpers/engine-rig.ts';

const all = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const values: T[] = [];
  for await (const one of source) values.push(one);
  return values;
};
const encoder = new TextEncoder();

describe('shards', () => {
  const bounds = { minBytes: 1_000, maxBytes: 5_000, maxConcurrency: 16, bytesAtOnce: 40_000, targetMs: 500 };

  it('are as large as takes the time wanted, and as many at once as may be', () => {
    const plan = new ShardPlan(bounds);
    expect([plan.shardBytes, plan.concurrency]).toEqual([1_000, 16]);
    for (let n = 0; n < 30; n += 1) plan.measured(1_000, 100);
    expect([plan.shardBytes, plan.concurrency]).toEqual([5_000, 8]);
    for (let n = 0; n < 30; n += 1) plan.measured(5_000, 1_000);
    expect(plan.shardBytes).toBe(2_500);
    for (let n = 0; n < 30; n += 1) plan.measured(2_500, 10_000);
    expect([plan.shardBytes, plan.concurrency]).toEqual([1_000, 16]);
  });

  it('one that was slow, or took no time by the clock, is not all that counts', () => {
    const plan = new ShardPlan(bounds);
    for (let n = 0; n < 30; n += 1) plan.measured(1_000, 100);
    plan.measured(1_000, 1_000); // 1 byte a ms among 10
    expect(plan.shardBytes).toBe(3_650);
    plan.measured(1_000, 0);
    for (let n = 0; n < 80; n += 1) plan.measured(1_000, 10_000);
    expect(plan.shardBytes).toBe(1_000);
  });

  it('one is always worked on, though it holds more bytes than may be held', () => {
    expect(new ShardPlan({ ...bounds, bytesAtOnce: 10 }).concurrency).toBe(1);
  });

  it('stay within their bounds, whatever is measured', () => {
    const measures = fc.array(fc.tuple(fc.nat(10_000_000), fc.double({ min: 0, max: 1e6, noNaN: true })));
    fc.assert(
      fc.property(measures, (given) => {
        const plan = new ShardPlan(bounds);
        for (const [bytes, ms] of given) {
          plan.measured(bytes, ms);
          expect(plan.shardBytes).toBeGreaterThanOrEqual(1_000);
          expect(plan.shardBytes).toBeLessThanOrEqual(5_000);
          expect(plan.concurrency * plan.shardBytes).toBeLessThanOrEqual(40_000);
        }
      }),
    );
  });

  it('hold all items once, in order', async () => {
    const items = Array.from({ length: 1_000 }, (_, i) => 'x'.repeat(i % 50));
    const shards = await all(dynamicShards(items, { minBytes: 1_000, maxBytes: 5_000, maxItems: 80 }));
    expect(shards.flatMap((one) => one.items)).toEqual(items);
    expect(Math.max(...shards.map(({ bytes }) => bytes))).toBeLessThanOrEqual(1_000);
    expect(Math.max(...shards.map((one) => one.items.length))).toBeLessThanOrEqual(80);
  });

  it('are worked on as many at once as planned', async () => {
    const clock = virtualClock(1_000_000);
    let [now, most] = [0, 0];
    const shards = dynamicShards(
      Array.from({ length: 60 }, () => 'x'.repeat(1_000)),
      { minBytes: 1_000, maxBytes: 1_000, maxConcurrency: 3, clock },
    );
    const engine = parallel({
      ...{ clock, maxWorkers: 16, permits: shards.permits },
      run: shards.run((shard) =>
        call(async () => {
          most = Math.max(most, (now += 1));
          await sleep(clock, 100);
          now -= 1;
          return shard.items.length;
        }),
      ),
    });
    const until = turn(clock);
    expect((await until(engine.submit(shards).promise)).length).toBe(60);
    expect(most).toBe(3);
    await until(engine.close());
  });
});

describe('windows', () => {
  it.each([
    [{ size: 3 }, [[0, 1, 2], [3, 4, 5], [6]]],
    [
      { size: 3, step: 2 },
      [
        [0, 1, 2],
        [2, 3, 4],
        [4, 5, 6],
      ],
    ],
    [
      { size: 4, step: 1, rest: 'drop' as const },
      [
        [0, 1, 2, 3],
        [1, 2, 3, 4],
        [2, 3, 4, 5],
        [3, 4, 5, 6],
      ],
    ],
    [{ size: 9 }, [[0, 1, 2, 3, 4, 5, 6]]],
  ])('%j over a series', async (options, expected) => {
    expect(await all(windows([0, 1, 2, 3, 4, 5, 6], options))).toEqual(expected);
  });

  it('over a text cut no grapheme, and cover all of it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        (text, size, step) => {
          let covered = 0;
          for (const { text: part, start } of textWindows(text, { size, step: Math.min(size, step) })) {
            expect(text.startsWith(part, start)).toBe(true);
            expect(start).toBeLessThanOrEqual(covered);
            covered = start + part.length;
          }
          expect(covered).toBe(text.length);
        },
      ),
    );
    expect([...textWindows('a👨‍👩‍👧b', { size: 2 })].map(({ text }) => text)).toEqual(['a', '👨‍👩‍👧', 'b']);
  });

  it('over time hold what was measured in them', async () => {
    const series = [0, 5, 12, 40, 41].map((at) => ({ at }));
    const seen = await all(timeWindows(series, { timeOf: ({ at }) => at, lengthMs: 10, everyMs: 5 }));
    expect(seen.map(({ startMs, values }) => [startMs, values.map(({ at }) => at)])).toEqual([
      [-5, [0]],
      [0, [0, 5]],
      [5, [5, 12]],
      [10, [12]],
      [35, [40, 41]],
      [40, [40, 41]],
    ]);
    await expect(all(timeWindows([{ at: 5 }, { at: 4 }], { timeOf: ({ at }) => at, lengthMs: 10 }))).rejects.toThrow(
      'in the order of their time',
    );
  });
});

describe('chunks and lines', () => {
  it('a file comes in pieces of so many bytes, and its lines whole', async () => {
    const path = join(tmpdir(), `millrace-chunks-${String(process.pid)}`);
    const lines = Array.from({ length: 3_000 }, (_, i) => `${String(i)} ü ${'x'.repeat(i % 40)}`);
    await writeFile(path, lines.join('\r\n'));
    const chunks = await all(readChunks(path, { chunkBytes: 8_192 }));
    expect(Math.max(...chunks.map(({ length }) => length))).toBe(8_192);
    expect(await all(linesOf(chunks))).toEqual(lines);
    await expect(all(readChunks(path, { chunkBytes: 100 }))).rejects.toThrow('chunkBytes');
  });

  it('are the same however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary' }).map((one) => one.replaceAll(/[\n\r\ufeff]/g, '.'))),
        fc.integer({ min: 1, max: 9 }),
        async (lines, size) => {
          const whole = encoder.encode(lines.join('\n'));
          const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => whole.subarray(i * size, (i + 1) * size));
          expect(await all(linesOf(chunks))).toEqual(
            lines.map((one) => new TextDecoder().decode(encoder.encode(one))).filter((one) => one.trim() !== ''),
          );
        },
      ),
      { numRuns: 50 },
    );
    await expect(all(linesOf([encoder.encode('x'.repeat(20))], { maxLineBytes: 10 }))).rejects.toThrow('line 1 is longer');
  });
});
