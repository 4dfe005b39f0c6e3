import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputs } from '../../../pipelines/parallel/index.ts';
import { abortReason, sleep } from '../../../src/clock.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { numbers, turn } from '../../helpers/engine-rig.ts';

const all = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const values: T[] = [];
  for await (const one of source) values.push(one);
  return values;
};

describe('inputs', () => {
  it('map works on so many at once, in the order of the source', async () => {
    const clock = virtualClock();
    const until = turn(clock);
    let [now, most] = [0, 0];
    const work = async (n: number): Promise<number> => {
      most = Math.max(most, (now += 1));
      await sleep(clock, (n % 3) * 10);
      now -= 1;
      return n * 2;
    };
    expect(await until(all(inputs.map(numbers(20), work, { concurrency: 4 })))).toEqual(numbers(20).map((n) => n * 2));
    expect(most).toBe(4);
  });

  it('map ends with a failure, and aborts and leaves what is left', async () => {
    const clock = virtualClock();
    let [aborted, left, taken] = [0, false, 0];
    const source = (function* () {
      try {
        for (;;) yield (taken += 1);
      } finally {
        left = true;
      }
    })();
    const work = async (n: number, signal: AbortSignal): Promise<number> => {
      signal.addEventListener('abort', () => (aborted += 1));
      if (n === 2) throw new Error('the second');
      await sleep(clock, n === 1 ? 10 : 1_000, signal);
      return n;
    };
    await expect(turn(clock)(all(inputs.map(source, work, { concurrency: 4 })))).rejects.toThrow('the second');
    expect([aborted > 0, left, taken <= 6]).toEqual([true, true, true]);
    expect(abortReason(AbortSignal.abort())).toBeInstanceOf(Error);
  });

  it('prefetch reads so many ahead, and no more', async () => {
    let taken = 0;
    const source = (function* () {
      for (;;) yield (taken += 1);
    })();
    const ahead = inputs.prefetch(source, 5);
    await ahead.next();
    await virtualClock().advance(1);
    expect(taken).toBe(6);
    await ahead.return();
  });

  it('cache reads its source once', async () => {
    let readings = 0;
    const source = {
      *[Symbol.iterator]() {
        readings += 1;
        yield* numbers(3);
      },
    };
    const cached = inputs.cache(source);
    expect([await all(cached), await all(cached), await all(cached)]).toEqual([numbers(3), numbers(3), numbers(3)]);
    expect(readings).toBe(1);
    await expect(all(inputs.cache(numbers(3), { maxItems: 2 }))).rejects.toThrow('at most 2 items');
  });

  it('cache keeps what was read of a source that can be read once, whoever leaves it or reads beside', async () => {
    let isClosed = false;
    const once = (function* () {
      try {
        yield* numbers(6);
      } finally {
        isClosed = true;
      }
    })();
    const samples = inputs.cache(once);
    for await (const one of samples) if (one === 2) break;
    expect(isClosed).toBe(false);
    const halves = await Promise.all([0, 1].map((index) => all(inputs.shard(samples, { index, of: 2 }))));
    expect(halves).toEqual([
      [0, 2, 4],
      [1, 3, 5],
    ]);
    expect([await all(samples), isClosed]).toEqual([numbers(6), true]);
  });

  it('cache fails with its source, each time where that can be read once; another one is read anew', async () => {
    let readings = 0;
    const broken = {
      *[Symbol.iterator]() {
        yield* numbers(2);
        if ((readings += 1) < 3) throw new Error('line 3 is broken');
        yield 2;
      },
    };
    const once = inputs.cache(broken[Symbol.iterator]());
    const seen: number[] = [];
    const reading = async (): Promise<void> => {
      for await (const one of once) seen.push(one);
    };
    await expect(reading()).rejects.toThrow('line 3 is broken');
    await expect(reading()).rejects.toThrow('line 3 is broken');
    expect(seen).toEqual([0, 1, 0, 1]);
    const anew = inputs.cache(broken);
    await expect(all(anew)).rejects.toThrow('line 3 is broken');
    expect(await all(anew)).toEqual(numbers(3));
  });

  it('interleave takes turns', async () => {
    expect(await all(inputs.interleave([[1, 2, 3], [10], [20, 21]], { cycle: 2 }))).toEqual([1, 10, 2, 3, 20, 21]);
    expect(
      await all(
        inputs.interleave(
          [
            [1, 2, 3],
            [10, 11],
          ],
          { block: 2 },
        ),
      ),
    ).toEqual([1, 2, 10, 11, 3]);
  });

  it('shards are all values, once', async () => {
    const shards = await Promise.all(numbers(3).map((index) => all(inputs.shard(numbers(10), { index, of: 3 }))));
    expect(shards).toEqual([
      [0, 3, 6, 9],
      [1, 4, 7],
      [2, 5, 8],
    ]);
  });

  it('shuffle gives all values once, by its seed alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 50 }), fc.nat(), async (count, buffer, seed) => {
        const shuffled = await all(inputs.shuffle(numbers(count), { buffer, seed }));
        expect([...shuffled].sort((a, b) => a - b)).toEqual(numbers(count));
        expect(await all(inputs.shuffle(numbers(count), { buffer, seed }))).toEqual(shuffled);
      }),
      { numRuns: 30 },
    );
    expect(await all(inputs.shuffle(numbers(100)))).not.toEqual(numbers(100));
  });

  it('feeds a training run: shuffled, sharded, batches of 32, 8 at a time', async () => {
    const clock = virtualClock();
    let [now, most] = [0, 0];
    const files = numbers(4).map((file) => numbers(250).map((n) => file * 250 + n));
    const samples = inputs.cache(inputs.interleave(files));
    const seen: number[] = [];
    const epoch = async (seed: number): Promise<number[]> => {
      const mine = inputs.shard(inputs.shuffle(samples, { seed, buffer: 200 }), { index: 0, of: 2 });
      const steps = inputs.map(
        inputs.batch(mine, { size: 32 }),
        async (batch) => {
          most = Math.max(most, (now += 1));
          await sleep(clock, 20);
          now -= 1;
          seen.push(...batch);
          return batch.length;
        },
        { concurrency: 8 },
      );
      return all(inputs.prefetch(steps, 2));
    };
    expect(await turn(clock)(epoch(1))).toEqual([...numbers(15).map(() => 32), 20]);
    expect([new Set(seen).size, most]).toEqual([500, 8]);
  });

  it.each([
    [() => inputs.map([], () => Promise.resolve(1), { concurrency: 0 }), 'concurrency'],
    [() => inputs.prefetch([], 0), 'prefetch'],
  ])('%# refuses what is out of range', (make, message) => {
    expect(make).toThrow(message);
  });
});
