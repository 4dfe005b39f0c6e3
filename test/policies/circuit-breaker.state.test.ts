import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BreakerLimits, type BreakerPass, BreakerState } from '../../src/policies/circuit-breaker.state.ts';

const limits: BreakerLimits = {
  ...{ failures: 3, failureShare: Infinity, windowMs: 1000, minCalls: 4, openMs: 100, maxOpenMs: 400, probes: 1 },
};

/** The plainest thing that is right: a list of what the calls of the present term told. */
interface Model {
  nowMs: number;
  told: boolean[];
  isClosed: boolean;
  untilMs: number;
  openings: number;
  closedAtMs: number;
  term: number;
  running: { readonly pass: BreakerPass; readonly term: number; readonly isProbe: boolean }[];
}

type Step = fc.Command<Model, BreakerState>;

const phaseOf = ({ isClosed, untilMs, nowMs }: Model): string => (isClosed ? 'closed' : nowMs < untilMs ? 'open' : 'half-open');
const probesOf = ({ running, term }: Model): number => running.filter((one) => one.isProbe && one.term === term).length;

const passes = (ms: number): Step => ({
  check: () => true,
  run: (model, real) => {
    model.nowMs += ms;
    expect(real.phase(model.nowMs)).toBe(phaseOf(model));
  },
  toString: () => `passes(${String(ms)})`,
});

const enter: Step = {
  check: () => true,
  run: (model, real) => {
    const phase = phaseOf(model);
    const may = phase === 'closed' || (phase === 'half-open' && probesOf(model) < 1);
    const pass = real.enter(model.nowMs);
    expect(pass === undefined).toBe(!may);
    if (pass) model.running.push({ pass, term: model.term, isProbe: phase === 'half-open' });
    if (pass) expect(pass.isProbe).toBe(phase === 'half-open');
  },
  toString: () => 'enter',
};

const turn = (model: Model, isClosed: boolean): void => {
  model.isClosed = isClosed;
  model.term += 1;
  model.told = [];
};

const ends = (which: number, how: 'succeeded' | 'failed' | 'left', retryAfterMs: number): Step => ({
  check: ({ running }) => running.length > 0,
  run: (model, real) => {
    const [one] = model.running.splice(which % model.running.length, 1);
    if (!one) return;
    const { nowMs } = model;
    if (how === 'failed') real.failed(one.pass, { nowMs, random: 1, retryAfterMs });
    else if (how === 'succeeded') real.succeeded(one.pass, nowMs);
    else real.left(one.pass);
    if (one.term !== model.term || how === 'left') return;
    if (how === 'succeeded') {
      if (one.isProbe) {
        turn(model, true);
        model.closedAtMs = nowMs;
      }
      model.told.push(true);
      return;
    }
    model.told.push(false);
    const lastThreeFailed = model.told.length >= 3 && model.told.slice(-3).every((ok) => !ok);
    if (!one.isProbe && !lastThreeFailed) return;
    if (model.isClosed && nowMs - model.closedAtMs >= 400) model.openings = 0;
    model.untilMs = nowMs + Math.max(retryAfterMs, Math.min(400, 100 * 2 ** model.openings));
    model.openings += 1;
    turn(model, false);
  },
  toString: () => `${how}(${String(which)})`,
});

const agrees: Step = {
  check: () => true,
  run: (model, real) => {
    expect(real.phase(model.nowMs)).toBe(phaseOf(model));
    if (!model.isClosed) expect(real.untilMs).toBe(model.untilMs);
  },
  toString: () => 'agrees',
};

describe('BreakerState', () => {
  it('opens after failures in a row, lets one probe through, and closes with its success alone', () => {
    const how = fc.constantFrom<'succeeded' | 'failed' | 'left'>('succeeded', 'failed', 'failed', 'left');
    const commands = fc.commands(
      [
        fc.constantFrom(0, 1, 50, 99, 100, 400).map(passes),
        fc.constant(enter),
        fc.constant(enter),
        fc.tuple(fc.nat(20), how, fc.constantFrom(0, 0, 250)).map(([which, end, ms]) => ends(which, end, ms)),
        fc.tuple(fc.nat(20), how, fc.constantFrom(0, 0, 250)).map(([which, end, ms]) => ends(which, end, ms)),
        fc.constant(agrees),
      ],
      { size: '+1' },
    );
    fc.assert(
      fc.property(commands, (steps) => {
        const model: Model = {
          ...{ nowMs: 0, told: [], isClosed: true, untilMs: 0, openings: 0, closedAtMs: -Infinity, term: 0, running: [] },
        };
        fc.modelRun(() => ({ model, real: new BreakerState(limits) }), steps);
      }),
      { numRuns: 300 },
    );
  });

  const tell = (state: BreakerState, oks: readonly boolean[], nowMs: number): void => {
    for (const ok of oks) {
      const pass = state.enter(nowMs);
      if (!pass) return;
      if (ok) state.succeeded(pass, nowMs);
      else state.failed(pass, { nowMs, random: 1, retryAfterMs: 0 });
    }
  };
  const byShare = { ...limits, failures: Infinity, failureShare: 0.5 };

  it('opens at a share of failures, once it has seen enough', () => {
    const state = new BreakerState(byShare);
    tell(state, [false, false, false], 0);
    expect(state.phase(0)).toBe('closed');
    tell(state, [true, true, true, false], 0);
    expect(state.phase(0)).toBe('open');
  });

  it('forgets what is older than its window', () => {
    const state = new BreakerState(byShare);
    tell(state, [false, false, false], 0);
    tell(state, [true, true, false], 1100);
    expect(state.phase(1100)).toBe('closed');
    const other = new BreakerState(byShare);
    tell(other, [false, false, false], 0);
    tell(other, [true, false], 999);
    expect(other.phase(999)).toBe('open');
  });

  it.each([
    [0, 50],
    [0.5, 75],
    [1, 100],
  ])('with chance %s is open for %s ms', (random, untilMs) => {
    const state = new BreakerState({ ...limits, failures: 1 });
    const pass = state.enter(0);
    if (pass) state.failed(pass, { nowMs: 0, random, retryAfterMs: 0 });
    expect(state.untilMs).toBe(untilMs);
  });

  it('begins with a short time again only when it was well for long enough', () => {
    for (const [wellMs, expected] of [
      [399, 200],
      [400, 100],
    ] as const) {
      const state = new BreakerState({ ...limits, failures: 1 });
      tell(state, [false], 0);
      tell(state, [true], 100);
      tell(state, [false], 100 + wellMs);
      expect(state.untilMs - 100 - wellMs).toBe(expected);
    }
  });

  it('lets as many probe at once as it is told, and takes the first word', () => {
    const state = new BreakerState({ ...limits, failures: 1, probes: 2 });
    tell(state, [false], 0);
    const passes_ = [state.enter(100), state.enter(100), state.enter(100)];
    expect(passes_.map((pass) => pass?.isProbe)).toEqual([true, true, undefined]);
    const [first, second] = passes_;
    if (!first || !second) return;
    state.succeeded(first, 100);
    state.failed(second, { nowMs: 100, random: 1, retryAfterMs: 0 });
    expect(state.phase(100)).toBe('closed');
  });

  it('does not count the end of a probe of before', () => {
    const state = new BreakerState({ ...limits, failures: 1, probes: 2 });
    tell(state, [false], 0);
    const [first, second] = [state.enter(100), state.enter(100)];
    if (first) state.failed(first, { nowMs: 100, random: 1, retryAfterMs: 0 });
    if (second) state.left(second);
    expect([state.enter(300), state.enter(300), state.enter(300)].map((pass) => pass?.isProbe)).toEqual([true, true, undefined]);
  });
});
