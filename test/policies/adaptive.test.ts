import { describe, expect, it } from 'vitest';
import { batchWithin, mapConcurrent, retryWithBackoff } from '../../operators/index.ts';
import { call, currentScope } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import { InferenceError, OverloadError } from '../../src/errors.ts';
import { adaptive, type AdaptiveOptions } from '../../src/policies/adaptive.ts';
import { feed } from '../helpers/feed.ts';

/** Batches of one by one call each, which does what the test says. */
function measured(
  work: (clock: { readonly sleep: (ms: number) => Promise<void> }) => Promise<void>,
  options: Partial<AdaptiveOptions> = {},
) {
  const size = adaptive({ targetLatencyMs: 100, ...options });
  const fed = feed<number, unknown>((source) =>
    source.pipe(
      batchWithin({ maxSize: size, maxWaitMs: 0 }),
      mapConcurrent(
        (values: readonly number[]) =>
          call(async () => {
            await work({ sleep: (ms) => sleep(fed.run.clock, ms) });
            return values;
          }).pipe(retryWithBackoff({ attempts: 2, initialMs: 10 })),
        { concurrency: 1 },
      ),
    ),
  );
  return { ...fed, size };
}

describe('adaptive', () => {
  it('allows more after a call below the target, and less after one above it', async () => {
    let takesMs = 50;
    const { send, run, size } = measured(({ sleep: wait }) => wait(takesMs));
    send(1);
    await run.clock.advance(1_000);
    expect(size.limit).toBe(2);
    takesMs = 150;
    send(1, 2);
    await run.clock.advance(1_000);
    expect(size.limit).toBe(1);
  });

  it('does not count what a call waits for a policy', async () => {
    const { send, run, size } = measured(async ({ sleep: wait }) => {
      const goOn = currentScope().suspend('a budget');
      const also = currentScope().suspend('a gate');
      await wait(500);
      goOn();
      await wait(500);
      also();
      also();
      await wait(90);
    });
    send(1);
    await run.clock.advance(10_000);
    expect(size.limit).toBe(2);
  });

  it('does not count what a batch waits in the queue for its call', async () => {
    let takesMs = 50;
    const { send, run, size } = measured(({ sleep: wait }) => wait(takesMs));
    send(1);
    await run.clock.advance(100);
    takesMs = 98; // neither more nor less
    send(1, 2, 3, 4);
    await run.clock.advance(1_000);
    expect(size.limit).toBe(2);
  });

  it('learns nothing of a call that was told to come back later', async () => {
    let calls = 0;
    const { send, run, size } = measured(async ({ sleep: wait }) => {
      calls += 1;
      await wait(1);
      if (calls === 1) throw new OverloadError('busy', { retryAfterMs: 10 });
    });
    send(1);
    await run.clock.advance(60_000);
    expect([calls, size.limit]).toEqual([2, 1]);
  });

  it('learns nothing of a call that was tried again', async () => {
    let calls = 0;
    const { send, run, size, outcomes } = measured(async ({ sleep: wait }) => {
      calls += 1;
      await wait(40);
      if (calls === 1) throw new InferenceError('model_unavailable', 'away');
    });
    send(1);
    await run.clock.advance(10_000);
    expect([calls, outcomes(), size.limit]).toEqual([2, ['done'], 1]);
  });

  it('takes a call that fails late for too long, and learns nothing of one that fails at once', async () => {
    let takesMs = 1;
    let fails = false;
    const { send, run, size } = measured(async ({ sleep: wait }) => {
      await wait(takesMs);
      if (fails) throw new InferenceError('model_rejected', 'no');
    });
    const callFor = async (count: number): Promise<number> => {
      send(...Array<number>(count).fill(1));
      await run.clock.advance(1_000);
      return size.limit;
    };
    expect([await callFor(1), await callFor(2)]).toEqual([2, 4]);
    fails = true;
    expect(await callFor(4)).toBe(4);
    takesMs = 125;
    expect(await callFor(4)).toBe(3);
  });

  describe('as maxSize of batchWithin', () => {
    /** Calls that take 10 ms and 1 ms for each member. */
    const timed = (options: Partial<AdaptiveOptions> = {}) => {
      const sizes: number[] = [];
      const maxSize = adaptive({ targetLatencyMs: 50, ...options });
      const fed = feed<number, unknown>((source) =>
        source.pipe(
          batchWithin({ maxSize, maxWaitMs: 5 }),
          mapConcurrent(
            (values: readonly number[]) =>
              call(async () => {
                sizes.push(values.length);
                await sleep(fed.run.clock, 10 + values.length);
                return values;
              }),
            { concurrency: 1 },
          ),
        ),
      );
      return { ...fed, sizes, maxSize };
    };

    it('finds the size whose call takes the target over a backlog, and stays there', async () => {
      const { send, run, sizes } = timed();
      send(...Array<number>(3_000).fill(1)); // all at once: what was cut before a call could begin would have the first size for ever
      await run.clock.advance(4_000);
      expect(sizes.slice(0, 18)).toEqual([1, 1, 2, 2, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64, 43, 43, 38, 38]);
      expect(new Set(sizes.slice(16, 70))).toEqual(new Set([38])); // 48 ms of 50
    });

    it('learns nothing of batches that are not full', async () => {
      const { send, run, maxSize } = timed({ min: 4 });
      for (let i = 0; i < 5; i += 1) {
        send(1, 2, 3);
        await run.clock.advance(100);
      }
      expect(maxSize.limit).toBe(4);
    });
  });

  it('tells how it stands', () => {
    expect(adaptive({ targetLatencyMs: 250, min: 2, max: 64 }).describe()).toEqual({
      name: 'adaptive(250 ms)',
      kind: 'adaptive-size',
      used: 2,
      limit: 64,
      waiting: 0,
      numbers: { target_latency_ms: 250 },
    });
  });

  it.each<[AdaptiveOptions, string]>([
    [{ targetLatencyMs: 0 }, 'adaptive.targetLatencyMs must be above 0, got 0'],
    [{ targetLatencyMs: 10, min: 0 }, 'adaptive.min must be an integer from 1 to 10000, got 0'],
    [{ targetLatencyMs: 10, min: 9, max: 8 }, 'adaptive.max must be an integer from 9 to 10000, got 8'],
    [{ targetLatencyMs: 10, target: 8 } as never, 'adaptive has no option target'],
  ])('refuses %j', (options, message) => {
    expect(() => adaptive(options)).toThrow(message);
  });
});
