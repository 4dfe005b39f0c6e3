import { describe, expect, it } from 'vitest';
import { OverloadError, TimeoutError } from '../../src/errors.ts';
import { adaptiveLimit, type AdaptiveLimitOptions } from '../../src/policies/adaptive-limit.ts';
import type { CallOutcome } from '../../src/policies/call-outcome.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const failedBy = (error: unknown): CallOutcome => ({ end: 'failed', error });

function after(outcomes: readonly CallOutcome[], options: AdaptiveLimitOptions = {}): number {
  const limit = adaptiveLimit({ initial: 40, ...options });
  const clock = virtualClock();
  const releases = Array.from({ length: 40 }, () => limit.acquire(() => undefined, clock));
  for (const [index, outcome] of outcomes.entries()) releases[index]?.(outcome);
  return limit.limit;
}

describe('adaptiveLimit', () => {
  it.each([
    { what: 'an overload', outcomes: [failedBy(new OverloadError('no'))], limit: 30 },
    { what: 'a timeout', outcomes: [failedBy(new TimeoutError('no'))], limit: 30 },
    {
      what: 'a timeout of a service that queues nothing',
      outcomes: [failedBy(new TimeoutError('no'))],
      limit: 40,
      options: { backEnd: 'openai' as const },
    },
    { what: 'ten overloads at once', outcomes: Array.from({ length: 10 }, () => failedBy(new OverloadError('no'))), limit: 30 },
    { what: 'a failure of its own', outcomes: [failedBy(new Error('no'))], limit: 40 },
    {
      what: 'a failure that the user takes for an overload',
      outcomes: [failedBy(new Error('no'))],
      limit: 30,
      options: { isOverload: () => true },
    },
    { what: 'an aborted call', outcomes: [{ end: 'aborted' as const }], limit: 40 },
    { what: 'a success', outcomes: [{ end: 'completed' as const }], limit: 40 },
  ])('after $what is $limit', ({ outcomes, limit, options }) => {
    expect(after(outcomes, options)).toBe(limit);
  });

  it('gives no permit above a limit that has fallen, and all of one that has risen', async () => {
    const clock = virtualClock();
    const limit = adaptiveLimit({ initial: 4, coolDownMs: 10 });
    const first = Array.from({ length: 4 }, () => limit.acquire(() => undefined, clock));
    let granted = 0;
    let release: (outcome?: CallOutcome) => void = () => undefined;
    for (let n = 0; n < 200; n += 1) {
      limit.acquire((free) => {
        granted += 1;
        release = free;
      }, clock);
    }
    first[0]?.(failedBy(new OverloadError('no')));
    expect([limit.limit, limit.used, limit.waiting, granted]).toEqual([3, 3, 200, 0]);
    first[1]?.();
    expect([limit.used, granted]).toEqual([3, 1]);
    await clock.advance(11);
    for (let n = 0; n < 190; n += 1) release({ end: 'completed' });
    expect(limit.limit).toBeGreaterThan(3);
    expect(limit.used).toBe(limit.limit);
  });

  it('waits as long as Retry-After says before it grows', () => {
    const clock = virtualClock();
    const limit = adaptiveLimit({ initial: 2 });
    limit.acquire((release) => {
      release(failedBy(Object.assign(new Error('no'), { status: 429, headers: { 'retry-after': '7' } })));
    }, clock);
    limit.acquire(() => undefined, clock);
    limit.acquire(() => undefined, clock);
    expect(limit.describe(6_999)).toMatchObject({ limit: 1, reason: 'the other side is overloaded' });
    expect(limit.describe(7_000)).toMatchObject({ limit: 1, reason: 'all permits are taken' });
  });

  it('describes itself', () => {
    const limit = adaptiveLimit({ initial: 3, max: 9 });
    limit.acquire(() => undefined, virtualClock());
    expect(limit.describe(0)).toEqual({
      name: 'adaptiveLimit',
      kind: 'adaptive-limit',
      used: 1,
      limit: 3,
      waiting: 0,
      numbers: { wait_p50_ms: 0, wait_p99_ms: 0, use_share: 1 / 3, calls_per_s: 0, overloads_total: 0 },
    });
  });

  it.each([
    [{ min: 0 }, 'adaptiveLimit.min'],
    [{ min: 5, max: 4 }, 'adaptiveLimit.max'],
    [{ min: 5, initial: 4 }, 'adaptiveLimit.initial'],
    [{ algorithm: 'vegas' as never }, 'adaptiveLimit.algorithm'],
    [{ share: 1 }, 'adaptiveLimit.share'],
    [{ coolDownMs: 0 }, 'adaptiveLimit.coolDownMs'],
    [{ probeEveryMs: 0 }, 'adaptiveLimit.probeEveryMs'],
    [{ backEnd: 'vlm' as never }, 'adaptiveLimit.backEnd'],
    [{ isOverload: true as never }, 'adaptiveLimit.isOverload'],
    [{ maximum: 3 } as never, 'maximum'],
  ])('refuses %o when it is called', (options, named) => {
    expect(() => adaptiveLimit(options)).toThrow(named);
  });
});
