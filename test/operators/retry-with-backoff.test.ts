import { concat, defer, NEVER, type Observable, of, throwError } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { type Restart, retryWithBackoff, type RetryWithBackoffOptions } from '../../operators/index.ts';
import { type CallScope, currentScope } from '../../src/call.ts';
import { BreakerOpenError, InferenceError, OverloadError, RecordError } from '../../src/errors.ts';
import { retryBudget } from '../../src/policies/retry-budget.ts';
import { virtualClock } from '../../src/testing.ts';
import { testScope, within } from '../helpers/scope.ts';

const transient = new InferenceError('model_unavailable', 'down');
const overload = new OverloadError('busy');
const crash = new InferenceError('model_crashed', 'the model process ended');
const foreign = (seconds: number): Error =>
  Object.assign(new Error('HTTP 429'), { status: 429, headers: new Headers({ 'retry-after': String(seconds) }) });
const asked = (retryAfterMs: number): Error => new OverloadError('busy', { retryAfterMs });

/** Fails with each of `errors` in turn, then gives 'ok'. Tells when each attempt started, and as which. */
function failing(errors: readonly unknown[], options: RetryWithBackoffOptions = {}, scope: Partial<CallScope> = {}) {
  const clock = virtualClock();
  const given = testScope(clock, scope);
  const startsMs: number[] = [];
  const attempts: number[] = [];
  const work = defer((): Observable<string> => {
    const error = errors[startsMs.length];
    startsMs.push(clock.nowMs());
    attempts.push(currentScope().attempt);
    return error === undefined ? of('ok') : throwError(() => error as Error);
  });
  const result: unknown[] = [];
  const subscription = within(given, work.pipe(retryWithBackoff({ random: () => 1, ...options }))).subscribe({
    next: (value) => result.push(value),
    error: (error: unknown) => result.push(error),
    complete: () => result.push('complete'),
  });
  return { clock, scope: given, startsMs, attempts, result, subscription };
}

describe('retryWithBackoff', () => {
  it.each<{ rule: string; errors: unknown[]; options?: RetryWithBackoffOptions; startsMs: number[]; ok: boolean; tries: number }>([
    { rule: 'doubles the wait', errors: [transient, transient, transient], startsMs: [0, 250, 750, 1750], ok: true, tries: 4 },
    { rule: 'gives up after attempts', errors: Array(9).fill(transient), startsMs: [0, 250, 750, 1750], ok: false, tries: 4 },
    {
      rule: 'waits at most maxMs',
      errors: [transient, transient, transient],
      options: { initialMs: 100, maxMs: 150 },
      startsMs: [0, 100, 250, 400],
      ok: true,
      tries: 4,
    },
    {
      rule: 'draws the wait from nought',
      errors: [transient, transient],
      options: { random: () => 0 },
      startsMs: [0, 0, 0],
      ok: true,
      tries: 3,
    },
    { rule: 'makes one attempt when told so', errors: [transient], options: { attempts: 1 }, startsMs: [0], ok: false, tries: 1 },
    {
      rule: 'counts no overload as an attempt',
      errors: [overload, overload, transient, overload, transient],
      options: { attempts: 3 },
      startsMs: [0, 250, 750, 1000, 1250, 1750],
      ok: true,
      tries: 3,
    },
    {
      rule: 'counts no crash of the model as an attempt',
      errors: [crash, crash, transient, crash],
      options: { attempts: 2 },
      startsMs: [0, 250, 750, 1000, 1250],
      ok: true,
      tries: 2,
    },
    {
      rule: 'counts the ninth crash of the model, and all that follow',
      errors: Array.from({ length: 10 }, () => crash),
      options: { attempts: 2, maxMs: 0, initialMs: 0 },
      startsMs: Array.from({ length: 10 }, () => 0),
      ok: false,
      tries: 2,
    },
    {
      rule: 'waits at least as long as the other side asks',
      errors: [asked(5000)],
      options: { random: () => 0 },
      startsMs: [0, 5000],
      ok: true,
      tries: 1,
    },
    { rule: 'spreads those that were asked to wait', errors: [asked(5000)], startsMs: [0, 5250], ok: true, tries: 1 },
    {
      rule: 'heeds Retry-After beyond maxMs',
      errors: [asked(90_000)],
      options: { random: () => 0 },
      startsMs: [0, 90_000],
      ok: true,
      tries: 1,
    },
    {
      rule: 'heeds Retry-After of an error that is not ours, and of one that wraps it',
      errors: [foreign(2), new Error('wrapped', { cause: foreign(3) })],
      options: { random: () => 0 },
      startsMs: [0, 2_000, 5_000],
      ok: true,
      tries: 1,
    },
    {
      rule: 'fails at once for a fault of the record',
      errors: [new RecordError('model_rejected', 'no')],
      startsMs: [0],
      ok: false,
      tries: 1,
    },
    {
      rule: 'fails at once for a fault of the pipeline',
      errors: [new InferenceError('model_unauthorized', 'no')],
      startsMs: [0],
      ok: false,
      tries: 1,
    },
    {
      rule: 'fails at once when cancelled',
      errors: [new DOMException('stop', 'AbortError')],
      options: { retryIf: () => true },
      startsMs: [0],
      ok: false,
      tries: 1,
    },
    { rule: 'asks retryIf, which may say no', errors: [transient], options: { retryIf: () => false }, startsMs: [0], ok: false, tries: 1 },
    {
      rule: 'asks retryIf, which may say yes',
      errors: [new Error('odd')],
      options: { retryIf: (error, grade) => error instanceof Error && grade === 'record' },
      startsMs: [0, 250],
      ok: true,
      tries: 2,
    },
  ])('$rule', async ({ errors, options, startsMs, ok, tries }) => {
    const { clock, result, startsMs: started, scope } = failing(errors, options);
    await clock.runUntilIdle();
    expect(started).toEqual(startsMs);
    expect(result).toEqual(ok ? ['ok', 'complete'] : [errors[startsMs.length - 1]]);
    expect(scope.tries.count).toBe(tries);
  });

  it('tells each attempt its number; an overload is tried again under the same', async () => {
    const { clock, attempts } = failing([transient, overload, transient]);
    await clock.runUntilIdle();
    expect(attempts).toEqual([1, 2, 2, 3]);
  });

  it('fails now when a backoff would wait until the deadline or beyond', async () => {
    const { clock, result, startsMs } = failing([transient], {}, { deadlineMs: 250 });
    expect([result, startsMs]).toEqual([[transient], [0]]);
    const inTime = failing([transient], {}, { deadlineMs: 251 });
    await inTime.clock.runUntilIdle();
    await clock.runUntilIdle();
    expect(inTime.result).toEqual(['ok', 'complete']);
  });

  it('waits out an overload in which the time of its record stands still', async () => {
    const { clock, result, scope } = failing([asked(5000)], {}, { deadlineMs: 250 });
    expect(scope.waits).toEqual(['the called service asks for less (overload)']);
    await clock.runUntilIdle();
    expect([result, scope.waits]).toEqual([['ok', 'complete'], []]);
  });

  it('says that a breaker is open where that is why it waits', async () => {
    const { clock, scope } = failing([new BreakerOpenError('open', { cause: transient, retryAfterMs: 500 })], { random: () => 0 });
    expect([scope.waits, scope.holds[0]?.reason]).toEqual([['a circuit breaker is open'], 'a circuit breaker is open']);
    await clock.runUntilIdle();
  });

  it('heeds as much of what is asked for as it is told to', async () => {
    const within15 = failing([asked(1e9)], { random: () => 0 });
    await within15.clock.runUntilIdle();
    const patient = failing([asked(1e9)], { random: () => 0, maxPauseMs: 3_600_000 });
    await patient.clock.runUntilIdle();
    expect([within15.startsMs, patient.startsMs]).toEqual([
      [0, 900_000],
      [0, 3_600_000],
    ]);
  });

  it('asks the source to hold back for an overload, not for a transient error', async () => {
    const { clock, scope } = failing([asked(1000), transient], { random: () => 0 });
    await clock.runUntilIdle();
    expect(scope.holds).toEqual([{ reason: 'the called service asks for less (overload)', untilMs: 1000 }]);
  });

  it.each([
    { rule: 'without afterValues is not tried again', options: {}, expected: ['piece', transient] },
    {
      rule: 'with afterValues is tried again behind a marker that carries the attempt',
      options: { afterValues: ({ attempt, error }: Restart) => ({ attempt, error }) },
      expected: ['piece', { attempt: 2, error: transient }, 'piece', { attempt: 3, error: transient }, 'piece', transient],
    },
  ])('a call that has emitted $rule', async ({ options, expected }) => {
    const clock = virtualClock();
    const result: unknown[] = [];
    const work = concat(
      of('piece'),
      throwError(() => transient),
    );
    within(testScope(clock), work.pipe(retryWithBackoff<string, unknown>({ attempts: 3, ...options }))).subscribe({
      next: (value) => result.push(value),
      error: (error: unknown) => result.push(error),
    });
    await clock.runUntilIdle();
    expect(result).toEqual(expected);
  });

  it('ends the wait when downstream leaves', async () => {
    const { clock, subscription, startsMs } = failing([transient]);
    subscription.unsubscribe();
    await clock.runUntilIdle();
    expect([startsMs, clock.nowMs()]).toEqual([[0], 0]);
  });

  it('aborts the attempt when downstream leaves', async () => {
    const clock = virtualClock();
    const stopped = vi.fn();
    let started = 0;
    const work = defer(() => {
      started += 1;
      return started === 1 ? throwError(() => transient) : defer(() => NEVER);
    });
    const watched = defer(() => work);
    const subscription = within(testScope(clock), watched.pipe(retryWithBackoff())).subscribe();
    subscription.add(stopped);
    await clock.runUntilIdle();
    expect(started).toBe(2);
    subscription.unsubscribe();
    expect(stopped).toHaveBeenCalledTimes(1);
  });

  it('fails with what retryIf throws', () => {
    const { result } = failing([transient], {
      retryIf: () => {
        throw new Error('typo');
      },
    });
    expect(result).toEqual([new Error('typo')]);
  });

  it('runs each attempt in the scope of its call', async () => {
    const { clock, attempts } = failing([transient], {}, { key: 'k' });
    await clock.runUntilIdle();
    expect(attempts).toEqual([1, 2]);
  });

  it('with a budget waits for its share, while the time of its record stands still, and never fails for it', async () => {
    const budget = retryBudget({ floor: 1, windowMs: 1000 });
    budget.take(0);
    const { clock, startsMs, scope, result } = failing([transient, transient], { budget, random: () => 0 });
    await clock.advance(10);
    expect([startsMs, scope.waits, budget.describe(0).waiting]).toEqual([[0], ['the retry budget is spent'], 1]);
    await clock.runUntilIdle();
    expect([startsMs.length, scope.waits, result]).toEqual([3, [], ['ok', 'complete']]);
    expect((startsMs[2] ?? 0) - (startsMs[1] ?? 0)).toBeGreaterThanOrEqual(1000);
  });

  it('earns its share of a retry with its first attempt, and only with that', () => {
    const budget = retryBudget({ share: 1, floor: 1 });
    failing([], { budget });
    expect(budget.describe(0).limit).toBe(2);
    failing([transient, transient], { budget, random: () => 0 });
    expect(budget.describe(0).limit).toBe(3);
  });

  it('leaves the budget, and its wait, when downstream leaves', async () => {
    const budget = retryBudget({ floor: 1 });
    budget.take(0);
    const { clock, subscription, scope } = failing([transient], { budget, random: () => 0 });
    await clock.advance(1);
    subscription.unsubscribe();
    expect([budget.waiting, scope.waits]).toEqual([0, []]);
    await clock.runUntilIdle();
    expect(clock.nowMs()).toBe(1);
  });

  it('stops for good when downstream leaves after a retry that failed at once', async () => {
    const { clock, subscription, startsMs } = failing([transient, transient, transient], { budget: retryBudget(), initialMs: 10 });
    await clock.advance(10);
    subscription.unsubscribe();
    await clock.runUntilIdle();
    expect([startsMs, clock.nowMs()]).toEqual([[0, 10], 10]);
  });

  it.each<[RetryWithBackoffOptions, string]>([
    [{ attempts: 0 }, 'retryWithBackoff.attempts must be an integer >= 1, got 0'],
    [{ initialMs: -1 }, 'retryWithBackoff.initialMs must be a number >= 0, got -1'],
    [{ initialMs: 10, maxMs: 5 }, 'retryWithBackoff.maxMs must be >= initialMs (10), got 5'],
  ])('refuses %j when it is called', (options, message) => {
    expect(() => retryWithBackoff(options)).toThrow(message);
  });
});
