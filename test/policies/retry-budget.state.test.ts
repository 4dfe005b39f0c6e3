import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetryBudgetState } from '../../src/policies/retry-budget.state.ts';

const windowMs = 1000;
const slackMs = windowMs / 20; // one bucket: what counts, counts up to so much longer

interface Model {
  nowMs: number;
  calls: number[];
  retries: number[];
  promised: number;
}

type Step = fc.Command<Model, RetryBudgetState>;

const within = (times: readonly number[], nowMs: number, lengthMs: number): number => times.filter((at) => at > nowMs - lengthMs).length;

const looks = (model: Model, real: RetryBudgetState): void => {
  const { nowMs, calls, retries, promised } = model;
  // no fewer than so many, and no more
  const most = 3 + Math.floor(0.5 * within(calls, nowMs, windowMs + slackMs)) - within(retries, nowMs, windowMs) - promised;
  const least = 3 + Math.floor(0.5 * within(calls, nowMs, windowMs)) - within(retries, nowMs, windowMs + slackMs) - promised;
  expect(real.left(nowMs)).toBeLessThanOrEqual(Math.max(0, most));
  expect(real.left(nowMs)).toBeGreaterThanOrEqual(Math.max(0, least));
};

const step = (name: string, check: (model: Readonly<Model>) => boolean, run: (model: Model, real: RetryBudgetState) => void): Step => ({
  check,
  run: (model, real) => {
    run(model, real);
    looks(model, real);
  },
  toString: () => name,
});

const passes = (ms: number): Step =>
  step(
    `passes(${String(ms)})`,
    () => true,
    (model) => void (model.nowMs += ms),
  );
const calls = (n: number): Step =>
  step(
    `calls(${String(n)})`,
    () => true,
    (model, real) => {
      for (let i = 0; i < n; i += 1) {
        model.calls.push(model.nowMs);
        real.called(model.nowMs);
      }
    },
  );
const retries: Step = step(
  'retry',
  () => true,
  (model, real) => {
    if (real.left(model.nowMs) === 0) return;
    real.spend(model.nowMs);
    model.retries.push(model.nowMs);
  },
);
const promises: Step = step(
  'promise',
  () => true,
  (model, real) => {
    if (real.left(model.nowMs) === 0) return;
    real.promise();
    model.promised += 1;
  },
);
const keeps: Step = step(
  'keep',
  ({ promised }) => promised > 0,
  (model, real) => {
    real.keep(model.nowMs);
    model.promised -= 1;
    model.retries.push(model.nowMs);
  },
);
const takesBack: Step = step(
  'takeBack',
  ({ promised }) => promised > 0,
  (model, real) => {
    real.takeBack();
    model.promised -= 1;
  },
);

describe('RetryBudgetState', () => {
  it('has as many retries as the calls of its window allow, and the floor; what is promised counts', () => {
    const steps = [
      fc.constantFrom(0, 1, 49, 50, 51, 500, 1000, 1051).map(passes),
      fc.nat(9).map(calls),
      ...[retries, retries, promises, keeps, takesBack].map((one) => fc.constant(one)),
    ];
    fc.assert(
      fc.property(fc.commands(steps, { size: '+1' }), (commands) => {
        const real = new RetryBudgetState({ share: 0.5, floor: 3, windowMs });
        fc.modelRun(() => ({ model: { nowMs: 0, calls: [], retries: [], promised: 0 }, real }), commands);
      }),
      { numRuns: 200 },
    );
  });

  it('says when the next one may come free', () => {
    const state = new RetryBudgetState({ share: 0, floor: 1, windowMs });
    expect(state.nextMs(0)).toBeUndefined();
    state.spend(10);
    const atMs = state.nextMs(10) ?? 0;
    expect([state.left(atMs - 1), state.left(atMs)]).toEqual([0, 1]);
  });
});
