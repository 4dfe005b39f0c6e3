import { defer, EMPTY, NEVER, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { InferenceError, isStreamError, RecordError } from '../../../src/errors.ts';
import { numbers, outcomes, rig } from '../../helpers/engine-rig.ts';

describe('failures', () => {
  it.each([
    [
      'a throw',
      () => {
        throw new RecordError('answer_invalid', 'no');
      },
      'answer_invalid',
    ],
    ['an error', () => throwError(() => new InferenceError('model_rejected', 'no')), 'model_rejected'],
    ['no value', () => EMPTY, 'no_result'],
    ['an error that is not ours', () => throwError(() => new Error('mine')), 'mine'],
  ] as const)('%s fails its task alone', async (_, bad, code) => {
    const { engine, until } = rig<number, number>({ maxWorkers: 2, attempts: 1, run: () => (input) => (input === 1 ? bad() : of(input)) });
    expect(outcomes(await until(engine.submit([0, 1, 2]).all()))).toEqual([0, code, 2]);
    await expect(until(engine.submit([0, 1, 2]).promise)).rejects.toThrow();
    expect(engine.stats()).toMatchObject({ inFlight: 0, submissions: 0, succeeded: 4, failed: 2 });
  });

  it('is tried again, and times out', async () => {
    let calls = 0;
    const { engine, until } = rig<number, number>({
      maxWorkers: 2,
      attempts: 3,
      timeoutMs: 1_000,
      run: () => (input) => defer(() => ((calls += 1), input === 0 ? NEVER : of(input))),
    });
    expect(outcomes(await until(engine.submit([0, 1]).all()))).toEqual(['call_timeout', 1]);
    expect(calls).toBe(4);
  });

  it('a fallback stands in, and its result says so', async () => {
    const { engine, until } = rig<number, number>({
      ...{ maxWorkers: 2, attempts: 1 },
      fallback: (input) => of(-input),
      run: () => (input) => (input === 1 ? throwError(() => new InferenceError('model_failed', 'down')) : of(input)),
    });
    const results = await until(engine.submit([0, 1]).all());
    expect(results.map((one) => one.status === 'success' && [one.result, one.degraded])).toEqual([
      [0, []],
      [-1, ['fallback']],
    ]);
  });

  it('what concerns all fails all, and what is submitted later', async () => {
    const { engine, until } = rig<number, number>({
      maxWorkers: 1,
      attempts: 1,
      run: () => () => throwError(() => new InferenceError('model_unauthorized', 'wrong key')),
    });
    const results = engine.submit(numbers(5));
    const read = (async () => {
      const seen = [];
      try {
        for await (const one of results) seen.push(one);
      } catch (error) {
        return { seen, error };
      }
      return { seen, error: undefined };
    })();
    const { seen, error } = await until(read);
    expect(outcomes(seen)).toEqual(numbers(5).map(() => 'model_unauthorized'));
    expect(isStreamError(error) && error.code).toBe('model_unauthorized');
    await expect(until(engine.submit([1]).all())).rejects.toThrow('wrong key');
  });

  it('a step that throws does not hold up the others: the breaker listens to the service', async () => {
    const { engine, until, clock } = rig<number, number>({
      maxWorkers: 1,
      attempts: 1,
      run: () => (input) => (input < 30 ? throwError(() => new Error('mine')) : of(input)),
    });
    const startMs = clock.nowMs();
    await until(engine.submit(numbers(31)).all());
    expect(clock.nowMs() - startMs).toBeLessThan(500);
  });
});
