import type { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { mapConcurrent, retryWithBackoff, withinBudget } from '../../operators/index.ts';
import { call, currentScope } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import { json } from '../../src/codec/json.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { tokenBudget } from '../../src/policies/token-budget.ts';
import type { Resource } from '../../src/resource.ts';
import type { SimulatedFault } from '../../src/simulation/fault-mix.ts';
import { simulate } from '../../src/simulation/simulate.ts';

const limit = 60;
const windowMs = 1_000;
const faults: readonly SimulatedFault[] = [
  'joined',
  'left',
  'left-in-haste',
  'crashed',
  'expelled',
  'paused',
  'down',
  'commit-lost',
  'commit-stored',
  'slow-fetches',
  'gaps',
];

/** Counts the tokens of all members' calls, in every window; a run begins where a member starts before the last call. */
class Provider {
  over = 0;
  calls = 0;
  most = 0;
  #taken: { readonly atMs: number; readonly tokens: number }[] = [];

  opened(nowMs: number): void {
    if (nowMs < (this.#taken.at(-1)?.atMs ?? 0)) this.#taken = [];
  }

  call(tokens: number): void {
    const nowMs = currentScope().clock.nowMs();
    this.#taken.push({ atMs: nowMs, tokens });
    this.#taken = this.#taken.filter(({ atMs }) => atMs > nowMs - windowMs);
    const sum = this.#taken.reduce((all, one) => all + one.tokens, 0);
    this.calls += 1;
    this.most = Math.max(this.most, sum);
    if (sum > limit) this.over += 1;
  }
}

async function play(sharedBy: 'nobody' | 'partitions', seeds: number) {
  const provider = new Provider();
  const ask = (tokens: number): Observable<number> =>
    call(async ({ signal }) => {
      provider.call(tokens);
      await sleep(currentScope().clock, 20 + tokens, signal);
      return tokens;
    });
  const opening: Resource<undefined> = {
    name: 'opening',
    open: ({ clock }) => {
      provider.opened(clock.nowMs());
      return Promise.resolve({ value: undefined, close: () => Promise.resolve() });
    },
  };
  const pipeline = () =>
    definePipeline({
      name: 'shared',
      input: topic('in', json(z.number())),
      output: topic('out', json(z.number())),
      deadLetter: topic('dead'),
      ordering: 'none',
      deadlineMs: 600_000,
      resources: {
        opening,
        budget: tokenBudget({
          tokensPerMinute: (limit * 60_000) / windowMs,
          windowMs,
          jitterMs: 0,
          sharedBy,
          ...(sharedBy === 'partitions' ? { clockSkewMs: 0 } : {}),
        }),
      },
      process: (numbers, { budget }) =>
        numbers.pipe(
          mapConcurrent(
            (tokens) => ask(tokens).pipe(withinBudget(budget, { estimate: () => tokens, usageOf: () => tokens }), retryWithBackoff()),
            {
              concurrency: 8,
            },
          ),
        ),
    });
  const report = await simulate(pipeline, {
    records: (random) => Array.from({ length: random.int(20, 60) }, (_, key) => ({ key: String(key), value: random.int(1, 20) })),
    seeds,
    faults,
  });
  return { report, provider };
}

describe('a limit that the members of a group share by their partitions, among random faults', () => {
  const seeds = Number(process.env['MILLRACE_SEEDS'] ?? 30);

  it(`is passed in no window by all of them together: ${String(seeds)} seeds`, { timeout: 600_000 }, async () => {
    const { report, provider } = await play('partitions', seeds);
    report.verify();
    console.log(
      `${String(seeds)} seeds, ${String(provider.calls)} calls, at most ${String(provider.most)} of ${String(limit)} in a window`,
    );
    expect(provider.over).toBe(0);
    expect(provider.most).toBeGreaterThan(0.8 * limit); // it is used, too
  });

  it('is passed, and that is seen, by members who each believe that it is all theirs', async () => {
    expect((await play('nobody', 20)).provider.over).toBeGreaterThan(0);
  });
});
