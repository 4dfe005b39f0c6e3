import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordTime } from '../../src/record/record-time.state.ts';

describe('the deadline that a record comes with', () => {
  it('is the earlier one, which nothing moves', () => {
    const time = new RecordTime(50, 0);
    time.limit(30);
    expect([time.deadlineMs(0), time.isTooLate(29), time.isTooLate(30)]).toEqual([30, false, true]);
    time.begin(10);
    time.suspend(10);
    expect(time.deadlineMs(40)).toBe(30);
    time.limit(Infinity);
    expect(time.deadlineMs(40)).toBe(90);
  });
});

/** The plainest thing that is right: what is left, taken off millisecond by millisecond. */
interface Model {
  nowMs: number;
  leftMs: number;
  begun: boolean;
  waits: number;
}

const timeMs = 50;

const passing = (ms: number): fc.Command<Model, RecordTime> => ({
  check: () => true,
  run: (model, real) => {
    for (let i = 0; i < ms; i += 1) {
      model.nowMs += 1;
      if (model.waits === 0) model.leftMs -= 1;
      expect(real.deadlineMs(model.nowMs) - model.nowMs).toBe(model.leftMs);
    }
  },
  toString: () => `passes(${String(ms)})`,
});

const step = (
  name: string,
  check: (model: Model) => boolean,
  run: (model: Model, real: RecordTime) => void,
): fc.Command<Model, RecordTime> => ({
  check,
  run: (model, real) => {
    run(model, real);
    expect([real.begun, real.deadlineMs(model.nowMs) - model.nowMs]).toEqual([model.begun, model.leftMs]);
  },
  toString: () => name,
});

const begin = step(
  'begin',
  () => true,
  (model, real) => {
    if (!model.begun) model.leftMs = timeMs;
    model.begun = true;
    real.begin(model.nowMs);
  },
);
const extend = step(
  'extend',
  () => true,
  (model, real) => {
    model.leftMs = timeMs;
    real.extend(model.nowMs);
  },
);
const suspend = step(
  'suspend',
  () => true,
  (model, real) => {
    model.waits += 1;
    real.suspend(model.nowMs);
  },
);
const resume = step(
  'resume',
  ({ waits }) => waits > 0,
  (model, real) => {
    model.waits -= 1;
    real.resume(model.nowMs);
  },
);

describe('the time of a record', () => {
  it('stands still while at least one wait is open, and else goes by', () => {
    const steps = [fc.nat(20).map(passing), ...[begin, extend, suspend, suspend, resume, resume].map((one) => fc.constant(one))];
    fc.assert(
      fc.property(fc.commands(steps, { size: '+1' }), (commands) => {
        const model: Model = { nowMs: 1000, leftMs: timeMs, begun: false, waits: 0 };
        fc.modelRun(() => ({ model, real: new RecordTime(timeMs, 1000) }), commands);
      }),
      { numRuns: 200 },
    );
  });

  it('begins anew with the first call only', () => {
    const time = new RecordTime(100, 0);
    time.begin(90);
    time.begin(180);
    expect([time.deadlineMs(180), time.begun]).toEqual([190, true]);
  });
});
