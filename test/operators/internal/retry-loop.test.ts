import fc from 'fast-check';
import { concat, defer, ignoreElements, type Observable, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { callTimeout } from '../../../operators/call-timeout.ts';
import { mapConcurrent, type MapConcurrentOptions } from '../../../operators/map-concurrent.ts';
import { retryWithBackoff } from '../../../operators/retry-with-backoff.ts';
import { call, type CallContext } from '../../../src/call.ts';
import { sleep } from '../../../src/clock.ts';
import { InferenceError, OverloadError, StreamError } from '../../../src/errors.ts';
import { retryBudget } from '../../../src/policies/retry-budget.ts';
import { definePipeline, topic } from '../../../src/pipeline.ts';
import type { DefaultRetry } from '../../../src/retry-options.ts';
import type { Log } from '../../../src/runtime/logging.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { mill, numbers, type Value } from '../../helpers/mill.ts';

const transient = new InferenceError('model_unavailable', 'down');
const rejected = new InferenceError('model_rejected', 'no');
const spent = new StreamError('resource_exhausted', 'no memory left');
const busy = (retryAfterMs?: number): Error => new OverloadError('busy', retryAfterMs === undefined ? {} : { retryAfterMs });

/** One record whose call fails with each of `errors` in turn, and then succeeds; waits are as long as they may be. */
async function run(
  errors: readonly Error[],
  {
    retry,
    on = (one) => one,
    deadlineMs = 600_000,
  }: {
    readonly retry?: DefaultRetry | 'none';
    readonly on?: (one: Observable<Value>) => Observable<Value>;
    readonly deadlineMs?: number;
  } = {},
) {
  const m = await mill();
  await m.feed([{ key: 'k', value: 1 }]);
  const startsMs: number[] = [];
  const attempts: number[] = [];
  const app = await m.start(
    (s) =>
      s.pipe(
        mapConcurrent(
          (v, ctx) =>
            on(
              defer(() => {
                const error = errors[startsMs.length];
                startsMs.push(m.clock.nowMs() - 1_000_000);
                attempts.push(ctx.attempt);
                return error === undefined ? of(v) : throwError(() => error);
              }),
            ),
          { concurrency: 1 },
        ),
      ),
    { ...(retry === undefined ? {} : { retry }), deadlineMs },
    { random: () => 1 },
  );
  await m.clock.advance(deadlineMs + 10_000);
  const began = startsMs[0] ?? 0;
  const [letter] = m.letters();
  return {
    app,
    attempts,
    startsMs: startsMs.map((at) => at - began),
    outputs: m.outputs(),
    code: letter?.header('millrace.error.code'),
    counted: letter?.header('millrace.attempts'),
  };
}

describe('a call without a retry operator', () => {
  it.each<{ rule: string; errors: Error[]; startsMs: number[]; code?: string; counted?: string; deadlineMs?: number }>([
    { rule: 'is tried again while it may pass', errors: [transient, transient], startsMs: [0, 250, 750] },
    {
      rule: 'fails after three attempts',
      errors: Array<Error>(9).fill(transient),
      startsMs: [0, 250, 750],
      code: 'model_unavailable',
      counted: '3',
    },
    { rule: 'fails at once when its record is the reason', errors: [rejected], startsMs: [0], code: 'model_rejected', counted: '1' },
    {
      rule: 'waits for an overload without counting it',
      errors: [busy(), busy(), busy(), transient, busy(), transient],
      startsMs: [0, 250, 750, 1750, 2000, 2250, 2750],
    },
    { rule: 'comes back no earlier than it was asked to', errors: [busy(5_000)], startsMs: [0, 5_250] },
    {
      rule: 'waits out overloads that take longer than the time of its record',
      errors: [busy(4_000), busy(4_000), busy(4_000)],
      startsMs: [0, 4_250, 8_750, 13_750],
      deadlineMs: 5_000,
    },
    {
      rule: 'waits longer for a resource, and counts it',
      errors: Array<Error>(9).fill(spent),
      startsMs: [0, 5_000, 15_000],
      code: 'resource_exhausted',
      counted: '3',
    },
    {
      rule: 'takes errors of others by what they say',
      errors: [Object.assign(new Error('x'), { code: 'ECONNRESET' })],
      startsMs: [0, 250],
    },
  ])('$rule', async ({ errors, startsMs, code, counted, deadlineMs = 600_000 }) => {
    const done = await run(errors, { deadlineMs });
    expect(done).toMatchObject({ startsMs, code, counted, outputs: code === undefined ? [1] : [] });
  });

  it('tells its attempts to the call', async () => {
    const { attempts } = await run([transient, busy(), transient]);
    expect(attempts).toEqual([1, 2, 2, 3]);
  });

  it('is made once where the pipeline says so', async () => {
    expect(await run([transient], { retry: 'none' })).toMatchObject({ startsMs: [0], counted: '1' });
    expect(await run([transient], { retry: { attempts: 1 } })).toMatchObject({ startsMs: [0], counted: '1' });
  });

  it('waits for the budget of the pipeline', async () => {
    const budget = retryBudget({ floor: 1 });
    const { startsMs, outputs } = await run([transient, transient], { retry: { budget } });
    expect([startsMs.slice(0, 2), outputs]).toEqual([[0, 250], [1]]);
    expect(startsMs[2]).toBeGreaterThanOrEqual(10_000);
  });

  it('is not made again once it has given a value', async () => {
    let calls = 0;
    const m = await mill();
    await m.feed([{ value: 1 }]);
    const process = (v: Value): Observable<Value> =>
      defer(() => {
        calls += 1;
        return concat(
          of(v),
          throwError(() => transient),
        );
      });
    await m.start((s) => s.pipe(mapConcurrent(process, { concurrency: 1 })));
    await m.clock.advance(60_000);
    expect([calls, m.outputs(), m.letters().length]).toEqual([1, [1], 1]);
  });
});

describe('a call with a retry operator', () => {
  it('is left alone by the default', async () => {
    const on = retryWithBackoff<Value>({ attempts: 2, initialMs: 10, random: () => 1 });
    expect(await run(Array<Error>(9).fill(transient), { on })).toMatchObject({ startsMs: [0, 10], counted: '2' });
    expect(await run(Array<Error>(9).fill(rejected), { on })).toMatchObject({ startsMs: [0], counted: '1' });
  });

  it('has one loop, however many are wrapped around it', async () => {
    const inner = retryWithBackoff<Value>({ attempts: 5, initialMs: 10, random: () => 1 });
    const outer = retryWithBackoff<Value>({ attempts: 3, initialMs: 100, random: () => 1 });
    expect(await run(Array<Error>(99).fill(transient), { on: (one) => one.pipe(inner, outer) })).toMatchObject({
      startsMs: [0, 100, 300],
      counted: '3',
    });
  });

  it('keeps its own count when something before it was tried again by default', async () => {
    const m = await mill();
    await m.feed([{ value: 1 }]);
    const calls = { first: 0, second: 0 };
    const failing = (name: keyof typeof calls, times: number): Observable<Value> =>
      defer(() => {
        calls[name] += 1;
        return calls[name] <= times ? throwError(() => transient) : of(1);
      });
    const both = (): Observable<Value> =>
      concat(failing('first', 1).pipe(ignoreElements()), failing('second', 99).pipe(retryWithBackoff({ attempts: 4 })));
    await m.start((s) => s.pipe(mapConcurrent(both, { concurrency: 1 })));
    await m.clock.advance(60_000);
    expect([calls, m.letters()[0]?.header('millrace.attempts')]).toEqual([{ first: 2, second: 4 }, '5']);
  });
});

describe('attempts with a timeout', () => {
  it('lose no result, whichever comes first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 95, max: 105 }), { minLength: 1, maxLength: 5 }), async (latencies) => {
        const m = await mill();
        await m.feed([{ value: 1 }]);
        let calls = 0;
        const work = ({ signal }: CallContext): Promise<Value> => sleep(m.clock, latencies[calls++] ?? 0, signal).then(() => calls);
        const options: MapConcurrentOptions = { concurrency: 1 };
        await m.start((s) => s.pipe(mapConcurrent(() => call(work).pipe(callTimeout({ ms: 100 })), options)), { retry: { attempts: 9 } });
        await m.clock.advance(600_000);
        expect([m.outputs(), m.letters().length]).toEqual([[calls], 0]); // the result of the last attempt, and no failure
      }),
      { numRuns: 100 },
    );
  });
});

describe('the start of a pipeline', () => {
  const said = async (retry?: 'none'): Promise<object[]> => {
    const m = await mill();
    const lines: object[] = [];
    const log: Log = { ...silentLog, info: (details, message) => void lines.push({ ...details, message }) };
    await m.start((s) => s.pipe(mapConcurrent((v) => of(v), { concurrency: 1 })), retry === undefined ? {} : { retry }, { log });
    await m.feed(numbers(3));
    await m.clock.advance(1_000);
    return lines.filter((line) => 'attempts' in line);
  };

  it('says once how calls are tried again, and how to change it', async () => {
    const message = expect.stringMatching(/tried again by default.*retry: .*'none' in definePipeline.*retryWithBackoff/) as string;
    expect(await said()).toEqual([{ pipeline: 'mill', attempts: 3, initialMs: 250, maxMs: 30_000, maxPauseMs: 900_000, message }]);
  });

  it('says nothing where they are not', async () => {
    expect(await said('none')).toEqual([]);
  });
});

describe('the option retry', () => {
  it.each([
    [{ attempts: 0 }, 'retry.attempts must be an integer >= 1, got 0'],
    [{ initialMs: -1 }, 'retry.initialMs must be a number >= 0, got -1'],
    [{ initialMs: 100, maxMs: 10 }, 'retry.maxMs must be >= initialMs (100), got 10'],
    ['never' as never, "retry must be { attempts, initialMs, maxMs, maxPauseMs, budget } or 'none', got string"],
  ])('%j is refused', (retry, message) => {
    const define = () => definePipeline({ name: 'x', input: topic('a'), deadLetter: 'stop', retry, process: (s) => s });
    expect(define).toThrow(message);
  });
});
