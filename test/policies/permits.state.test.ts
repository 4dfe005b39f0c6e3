import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PermitsState } from '../../src/policies/permits.state.ts';

interface Waiter {
  readonly id: number;
}

/** The plainest thing that is right: two lists. */
interface Model {
  limit: number;
  used: Waiter[];
  waiting: Waiter[];
  nextId: number;
}

const request: fc.Command<Model, PermitsState<Waiter>> = {
  check: () => true,
  run: (model, real) => {
    const waiter = { id: (model.nextId += 1) };
    const granted = real.request(waiter);
    expect(granted).toBe(model.used.length < model.limit);
    (granted ? model.used : model.waiting).push(waiter);
  },
  toString: () => 'request',
};

const release: fc.Command<Model, PermitsState<Waiter>> = {
  check: ({ used }) => used.length > 0,
  run: (model, real) => {
    model.used.shift();
    const next = model.used.length < model.limit ? model.waiting.shift() : undefined;
    if (next) model.used.push(next);
    real.release();
    expect(real.next()).toBe(next);
    expect(real.next()).toBe(undefined);
  },
  toString: () => 'release',
};

const resize = (limit: number): fc.Command<Model, PermitsState<Waiter>> => ({
  check: () => true,
  run: (model, real) => {
    model.limit = limit;
    real.limit = limit;
    const granted = model.waiting.splice(0, Math.max(0, limit - model.used.length));
    model.used.push(...granted);
    for (const one of granted) expect(real.next()).toBe(one);
    expect(real.next()).toBe(undefined);
  },
  toString: () => `resize(${String(limit)})`,
});

const leave = (which: number): fc.Command<Model, PermitsState<Waiter>> => ({
  check: ({ waiting }) => waiting.length > 0,
  run: (model, real) => {
    const [waiter] = model.waiting.splice(which % model.waiting.length, 1);
    if (waiter) real.leave(waiter);
  },
  toString: () => `leave(${String(which)})`,
});

const agrees: fc.Command<Model, PermitsState<Waiter>> = {
  check: () => true,
  run: (model, real) => {
    expect([real.used, real.waiting]).toEqual([model.used.length, model.waiting.length]);
  },
  toString: () => 'agrees',
};

describe('PermitsState', () => {
  it('never grants above the limit, in the order of asking, and leaks nothing', () => {
    const commands = fc.commands(
      [
        fc.constant(request),
        fc.constant(request),
        fc.constant(release),
        fc.nat().map(leave),
        fc.integer({ min: 1, max: 5 }).map(resize),
        fc.constant(agrees),
      ],
      { size: '+1' },
    );
    fc.assert(
      fc.property(commands, fc.integer({ min: 1, max: 4 }), (steps, limit) => {
        fc.modelRun(() => ({ model: { limit, used: [], waiting: [], nextId: 0 }, real: new PermitsState<Waiter>(limit) }), steps);
      }),
      { numRuns: 300 },
    );
  });

  it('does not keep those who left in the middle of the queue', () => {
    const state = new PermitsState<Waiter>(1);
    state.request({ id: 0 });
    const all = Array.from({ length: 1000 }, (_, id) => ({ id }));
    for (const waiter of all) state.request(waiter);
    for (const waiter of all.slice(1)) state.leave(waiter);
    state.release();
    expect([state.waiting, state.next()]).toEqual([1, all[0]]);
    state.release();
    expect([state.next(), state.used]).toEqual([undefined, 0]);
  });
});
