import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdaptiveLimitState, type CallMark, type LimitSettings } from '../../src/policies/adaptive-limit.state.ts';

const settings: LimitSettings = { min: 1, max: 64, initial: 4, share: 0.95, coolDownMs: 100, probeEveryMs: 2_000 };

/** A server whose calls all take the same time at one limit: one whole round of calls after another. */
class Rounds {
  readonly state: AdaptiveLimitState;
  readonly latencyMs: (running: number) => number;
  nowMs = 0;

  constructor(latencyMs: (running: number) => number, given: Partial<LimitSettings> = {}) {
    this.state = new AdaptiveLimitState({ ...settings, ...given });
    this.latencyMs = latencyMs;
  }

  run(untilMs: number, seen?: (limit: number) => void): void {
    while (this.nowMs < untilMs) {
      const running = this.state.limit;
      const marks = Array.from({ length: running }, () => this.state.begin());
      const startedMs = this.nowMs;
      this.nowMs += this.latencyMs(running);
      // each that ends is followed by another, so that the limit stays used
      for (const begun of marks) this.state.ended({ begun, result: 'success', startedMs, nowMs: this.nowMs, running: this.state.limit });
      seen?.(this.state.limit);
    }
  }

  overload(fields: { readonly begun?: CallMark; readonly running?: number; readonly retryAfterMs?: number } = {}): void {
    const { begun = this.state.begin(), running = this.state.limit, retryAfterMs } = fields;
    this.state.ended({ begun, result: 'overload', startedMs: this.nowMs, nowMs: this.nowMs, running, retryAfterMs });
  }
}

const saturating = (capacity: number) => (running: number) => 20 + 2 * Math.min(running, capacity) + Math.max(0, running - capacity) * 2.6;

describe('AdaptiveLimitState', () => {
  it.each([
    { capacity: 8, initial: 4, knee: 8 },
    { capacity: 32, initial: 4, knee: 27 },
    { capacity: 8, initial: 64, knee: 8 },
    { capacity: 32, initial: 1, knee: 27 },
  ])('rests near the knee of a server of $capacity, from $initial', ({ capacity, initial, knee }) => {
    const rounds = new Rounds((n) => (n <= capacity ? 20 + 2 * n : (n * (20 + 2 * capacity)) / capacity), { initial });
    rounds.run(20_000);
    const limits: number[] = [];
    rounds.run(30_000, (limit) => void limits.push(limit));
    const median = limits.sort((a, b) => a - b)[limits.length >> 1] ?? 0;
    expect(Math.abs(median / knee - 1)).toBeLessThanOrEqual(0.2);
    expect(limits.at(-1)).toBeLessThanOrEqual(Math.floor(median * 1.25) + 2);
  });

  it('doubles at the start while that pays', () => {
    const limits = new Set<number>();
    new Rounds(() => 10, { max: 64 }).run(2_000, (limit) => void limits.add(limit));
    expect(Math.max(...limits)).toBe(64);
  });

  it('cuts by a quarter, once per cool-down, and grows in none of it', () => {
    const rounds = new Rounds(() => 50, { initial: 40, max: 40 });
    rounds.overload({ retryAfterMs: 5_000 });
    expect(rounds.state.limit).toBe(30);
    rounds.run(4_900);
    expect(rounds.state.limit).toBe(30);
    rounds.overload({ running: 25 });
    expect(rounds.state.limit).toBe(24);
    expect(rounds.state.coolDownUntilMs).toBe(5_000);
    rounds.run(10_000);
    expect(rounds.state.limit).toBeGreaterThan(30);
  });

  it('takes the answer to a call that was sent before a cut for no news', () => {
    const rounds = new Rounds(() => 50, { initial: 40 });
    const begun = rounds.state.begin();
    rounds.overload({ begun });
    for (let call = 0; call < 30; call += 1) rounds.overload({ begun, running: 30 - call });
    expect([rounds.state.limit, rounds.state.lowered]).toEqual([30, 1]);
  });

  it('counts from what ran, where less than the limit did', () => {
    const rounds = new Rounds(() => 50, { initial: 40 });
    rounds.overload({ running: 8 });
    expect(rounds.state.limit).toBe(6);
  });

  it('learns nothing while the limit is not used', () => {
    const { state } = new Rounds(() => 1);
    for (let nowMs = 0; nowMs < 10_000; nowMs += 1)
      state.ended({ begun: state.begin(), result: 'success', startedMs: nowMs - 1, nowMs, running: 3 });
    expect(state.limit).toBe(4);
  });

  it('goes up by one after each 25 successes when it looks for more', () => {
    const rounds = new Rounds(saturating(8), { initial: 8, probeEveryMs: 500 });
    rounds.run(3_000);
    let steps: { readonly limit: number; readonly calls: number }[] = [];
    let calls = 0;
    const { state } = rounds;
    let before = state.limit;
    while (steps.length < 2) {
      rounds.nowMs += 10;
      state.ended({
        begun: state.begin(),
        result: 'success',
        startedMs: rounds.nowMs - rounds.latencyMs(state.limit),
        nowMs: rounds.nowMs,
        running: state.limit,
      });
      calls += 1;
      if (state.limit > before) steps = [...steps, { limit: state.limit - before, calls }];
      if (state.limit !== before) calls = 0;
      before = state.limit;
    }
    expect(steps.at(-1)).toEqual({ limit: 1, calls: 25 });
  });

  it('stays within its bounds, grows by one a success at most, and never in a cool-down, whatever happens', () => {
    const step = fc.record({
      result: fc.constantFrom('success' as const, 'success' as const, 'success' as const, 'overload' as const, 'other' as const),
      times: fc.integer({ min: 1, max: 60 }),
      waitMs: fc.integer({ min: 0, max: 300 }),
      latencyMs: fc.integer({ min: 0, max: 500 }),
      idle: fc.integer({ min: 0, max: 3 }),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 4, max: 40 }), (steps, min, max) => {
        const state = new AdaptiveLimitState({ ...settings, min, max, initial: 4 });
        let nowMs = 0;
        for (const { result, times, waitMs, latencyMs, idle, retryAfterMs } of steps) {
          for (let n = 0; n < times; n += 1) {
            nowMs += waitMs;
            const before = state.limit;
            const coolsDown = nowMs < state.coolDownUntilMs;
            const running = Math.max(1, before - idle);
            state.ended({ begun: state.begin(), result, startedMs: nowMs - latencyMs, nowMs, running, retryAfterMs });
            expect(Number.isInteger(state.limit) && state.limit >= min && state.limit <= max).toBe(true);
            if (result === 'other' || (result === 'success' && (coolsDown || running < before))) expect(state.limit).toBe(before);
            else if (result === 'success') expect(state.limit).toBeLessThanOrEqual(before + 1);
            else if (!coolsDown) expect(state.limit).toBe(Math.max(min, Math.min(running - 1, Math.round(running * 0.75))));
            else expect(state.limit).toBe(Math.max(min, Math.min(before, running - 1)));
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
