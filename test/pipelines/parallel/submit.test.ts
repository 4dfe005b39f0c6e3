import { describe, expect, it } from 'vitest';
import { call } from '../../../src/call.ts';
import { sleep } from '../../../src/clock.ts';
import { numbers, outcomes, rig, taking } from '../../helpers/engine-rig.ts';

describe('submit', () => {
  it('gives each result once, as tasks end, and all of them in the order of the input', async () => {
    const { engine, until } = rig({ maxWorkers: 3, run: (clock) => (ms: number) => call(async () => (await sleep(clock, ms), ms)) });
    const seen: unknown[] = [];
    const read = (async () => {
      for await (const one of engine.submit([300, 100, 200])) seen.push([one.index, one.input]);
    })();
    await until(read);
    expect(seen).toEqual([
      [1, 100],
      [2, 200],
      [0, 300],
    ]);
    expect(outcomes(await until(engine.submit([300, 100, 200]).all()))).toEqual([300, 100, 200]);
    expect(await until(engine.submit([3, 1]).promise)).toEqual([3, 1]);
  });

  it('runs as many at once as it has workers, each with as many as a batch', async () => {
    let most = 0;
    let now = 0;
    const { engine, until, clock } = rig<number, number>({
      maxWorkers: 2,
      batchSize: 3,
      run: (time) => (input) =>
        call(async (ctx) => {
          most = Math.max(most, (now += 1));
          await sleep(time, 1_000, ctx.signal);
          now -= 1;
          return input;
        }),
    });
    const startMs = clock.nowMs();
    await until(engine.submit(numbers(12)).all());
    expect(most).toBe(6);
    expect(clock.nowMs() - startMs).toBeLessThan(2_200);
  });

  it('returns before anything is taken, and takes lazily', async () => {
    let taken = 0;
    const endless = (function* () {
      for (;;) yield (taken += 1);
    })();
    const { engine, clock } = rig({ maxWorkers: 1, maxInFlight: 20, maxUnread: 50, run: taking(10) });
    const results = engine.submit(endless);
    expect(taken).toBe(0);
    await clock.advance(100);
    expect(taken).toBeLessThanOrEqual(31);
    await clock.advance(5_000);
    expect(taken).toBe(50); // nobody reads: it holds so many and no more
    const reader = results[Symbol.asyncIterator]();
    for (let n = 0; n < 10; n += 1) await reader.next();
    await clock.advance(500);
    expect(taken).toBe(60);
    await reader.return?.();
    expect(results.counts.unread).toBe(0);
  });

  it('takes no more than so many bytes of inputs, one task aside', async () => {
    const { engine, clock } = rig<string, string>({
      maxWorkers: 1,
      maxBytesInFlight: 1_000,
      run: (time) => (text) => call(async () => (await sleep(time, 100), text)),
    });
    const results = engine.submit(Array.from({ length: 20 }, () => 'x'.repeat(200)));
    await clock.advance(50);
    expect(results.counts.taken).toBe(3);
  });

  it('takes from an asynchronous input as it comes', async () => {
    const { engine, until, clock } = rig({ maxWorkers: 4, run: taking(10) });
    async function* slow() {
      for (const one of numbers(5)) {
        await sleep(clock, 100);
        yield one;
      }
    }
    expect(outcomes(await until(engine.submit(slow()).all()))).toEqual([0, 2, 4, 6, 8]);
  });

  it('ends with what the input throws, after the results of what was taken', async () => {
    const { engine, until } = rig({ maxWorkers: 4, run: taking(10) });
    const broken = (function* () {
      yield 1;
      yield 2;
      throw new Error('line 3 is broken');
    })();
    const seen: number[] = [];
    const read = (async () => {
      for await (const one of engine.submit(broken)) seen.push(one.index);
    })();
    await expect(until(read)).rejects.toThrow('line 3 is broken');
    expect(seen).toEqual([0, 1]);
  });

  it('refuses what is no pile of tasks, unknown options and a second reader', () => {
    const { engine } = rig({ maxWorkers: 1, run: taking(1) });
    expect(() => engine.submit('text' as never)).toThrow('expects tasks as an iterable');
    expect(() => engine.submit([1], { urgency: 2 } as never)).toThrow('submit has no option urgency');
    expect(() => engine.submit([1], { serial: true, key: 'a' })).toThrow('contradict each other');
    const results = engine.submit([1]);
    void results.all();
    expect(() => results[Symbol.asyncIterator]()).toThrow('one reader');
  });
});

describe('cancel', () => {
  it('aborts what runs, at once, and ends what waits', async () => {
    const aborted: number[] = [];
    const { engine, until, clock } = rig<number, number>({
      maxWorkers: 2,
      run: (time) => (input) =>
        call(async (ctx) => {
          ctx.signal.addEventListener('abort', () => aborted.push(time.nowMs()));
          await sleep(time, input === 0 ? 10 : 1_000, ctx.signal);
          return input;
        }),
    });
    const results = engine.submit(numbers(6));
    await clock.advance(500);
    aborted.length = 0;
    results.cancel();
    expect(aborted).toEqual([clock.nowMs(), clock.nowMs()]);
    expect(outcomes(await until(results.all()))).toEqual([0, ...numbers(5).map(() => 'cancelled')]);
    const again = engine.submit([7]);
    expect(outcomes(await until(again.all()))).toEqual([7]);
    expect(engine.stats()).toMatchObject({ inFlight: 0, cancelled: 5 });
  });

  it.each(['break', 'unsubscribe'] as const)('%s cancels what is left', async (how) => {
    const { engine, until, clock } = rig({ maxWorkers: 1, run: taking(100) });
    const results = engine.submit(numbers(50));
    if (how === 'break') {
      const read = (async () => {
        for await (const one of results) return one;
        return undefined;
      })();
      await until(read);
    } else {
      const subscription = results.observable.subscribe();
      await clock.advance(150);
      subscription.unsubscribe();
    }
    await clock.advance(10);
    expect(results.counts).toMatchObject({ succeeded: 1, cancelled: 49, unread: 0 });
    await until(engine.close({ deadlineMs: 0 }));
    expect(engine.stats().inFlight).toBe(0);
  });

  it('leaves the input, which may hold a file', async () => {
    let left = false;
    const input = (function* () {
      try {
        for (;;) yield 1;
      } finally {
        left = true;
      }
    })();
    const { engine, clock } = rig({ maxWorkers: 1, maxInFlight: 5, run: taking(100) });
    const results = engine.submit(input);
    await clock.advance(50);
    results.cancel();
    await clock.advance(1);
    expect(left).toBe(true);
  });
});

describe('close', () => {
  it('works off what was submitted, also what is not taken yet', async () => {
    const { engine, until } = rig({ maxWorkers: 2, maxInFlight: 4, run: taking(50) });
    const all = engine.submit(numbers(40)).all();
    await until(engine.close());
    expect(outcomes(await all)).toEqual(numbers(40).map((one) => one * 2));
    expect(() => engine.submit([1])).toThrow('the engine is closed');
  });

  it('cancels at its deadline', async () => {
    const { engine, until, clock } = rig({ maxWorkers: 1, run: taking(60_000) });
    const all = engine.submit(numbers(3)).all();
    await clock.advance(100);
    await until(engine.close({ deadlineMs: 1_000 }), 5_000);
    expect(outcomes(await all)).toEqual(['cancelled', 'cancelled', 'cancelled']);
  });
});
