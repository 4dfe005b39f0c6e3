import { describe, expect, it } from 'vitest';
import { retryWithBackoff } from '../../operators/retry-with-backoff.ts';
import type { RoutePolicy } from '../../src/inference/route/balance.state.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { within } from '../helpers/scope.ts';
import { calmScope, openRoute } from '../inference/route/opened.ts';
import { served } from '../inference/route/served.ts';

const runMs = 60_000;
const callers = 24;

/** One is slow, one fails for half of the time, one refuses what it has no slot for; as many callers as there are slots to fill, and four more. */
async function run(policy: RoutePolicy, withLimits: boolean) {
  const clock = virtualClock();
  const slow = served({ name: 'slow', slots: 4, serviceMs: 2_000 });
  const failing = served({ name: 'failing', slots: 8, serviceMs: 500, down: [10_000, 40_000] });
  const full = served({ name: 'full', slots: 8, serviceMs: 500, queue: 0, retryAfterMs: 1_000, others: [20_000, 30_000, 4] });
  const models = [
    { model: slow.resource, weight: 1, ...(withLimits ? { maxCalls: 4 } : {}) },
    { model: failing.resource, weight: 8, ...(withLimits ? { maxCalls: 8 } : {}) },
    { model: full.resource, weight: 8, ...(withLimits ? { maxCalls: 8 } : {}) },
  ];
  const { model } = await openRoute(clock, { models, policy });
  let done = 0;
  let lost = 0;
  const one = (): void => {
    if (clock.nowMs() >= runMs) return;
    const again = (): void => {
      clock.schedule(0, one);
    };
    within(calmScope(clock), model.chat('hello').pipe(retryWithBackoff({ attempts: 4 }))).subscribe({
      error: () => {
        lost += 1;
        again();
      },
      complete: () => {
        done += 1;
        again();
      },
    });
  };
  for (let i = 0; i < callers; i += 1) one();
  await clock.advance(runMs);
  await clock.runUntilIdle();
  const left = model.describe(clock.nowMs());
  return { done, lost, left };
}

/** What they could do if everybody always knew everything: 2 a second; 16 for half of the time; 16, but for 10 s in which others have half of it. */
const ideal = 2 * 60 + 16 * 30 + (16 * 60 - 8 * 10);

describe('throughput of a pool in which one is slow, one fails and one is overloaded', () => {
  // what is missing is what obeying costs: a second for each 429, and up to 7.5 s until a probe finds the one that was down
  it.each<[RoutePolicy, number]>([
    ['least-tokens', 0.85],
    ['weighted', 0.85],
    ['latency', 0.85],
    ['round-robin', 0.85],
    ['prefix', 0.85],
  ])('%s: with maxCalls nearly all that they can, and nothing is lost', async (policy, least) => {
    const { done, lost, left } = await run(policy, true);
    expect(lost).toBe(0);
    expect(done / ideal).toBeGreaterThanOrEqual(least);
    expect(done / ideal).toBeLessThanOrEqual(1.02);
    for (const part of left.parts ?? []) expect([part.used, part.numbers?.['outstanding_tokens']]).toEqual([0, 0]);
  });

  it('without maxCalls callers stand in the queue of whoever has one, while others come back', async () => {
    const { done, lost } = await run('least-tokens', false);
    expect(lost).toBe(0);
    expect(done / ideal).toBeLessThan(0.5);
  });
});
