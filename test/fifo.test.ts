import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from '../src/fifo.ts';

type Command = fc.Command<{ items: number[]; next: number }, Fifo<number>>;

const push = (times: number): Command => ({
  check: () => true,
  run: (model, real) => {
    for (let i = 0; i < times; i += 1) {
      model.items.push((model.next += 1));
      real.push(model.next);
    }
  },
  toString: () => `push ${String(times)}`,
});

const shift = (times: number): Command => ({
  check: () => true,
  run: (model, real) => {
    for (let i = 0; i < times; i += 1) {
      expect(real.peek()).toBe(model.items[0]);
      expect(real.shift()).toBe(model.items.shift());
    }
  },
  toString: () => `shift ${String(times)}`,
});

const sweep = (every: number): Command => ({
  check: () => true,
  run: (model, real) => {
    model.items = model.items.filter((item) => item % every !== 0);
    real.sweep((item) => item % every !== 0);
  },
  toString: () => `sweep ${String(every)}`,
});

const look: Command = {
  check: () => true,
  run: (model, real) => {
    expect([real.size, [...real]]).toEqual([model.items.length, model.items]);
  },
  toString: () => 'look',
};

const drain: Command = {
  check: () => true,
  run: (model, real) => {
    expect(real.drain()).toEqual(model.items);
    model.items = [];
  },
  toString: () => 'drain',
};

describe('Fifo', () => {
  it('gives out what was put in, in order, through all ways of taking', () => {
    const times = fc.integer({ min: 1, max: 1500 }); // beyond where it compacts
    const commands = fc.commands([
      times.map(push),
      times.map(push),
      times.map(shift),
      fc.integer({ min: 2, max: 4 }).map(sweep),
      fc.constant(look),
      fc.constant(drain),
    ]);
    fc.assert(
      fc.property(commands, (steps) => {
        fc.modelRun(() => ({ model: { items: [], next: 0 }, real: new Fifo<number>() }), steps);
      }),
    );
  });

  it('does not keep what has left', async () => {
    const queue = new Fifo<object>();
    const left = ((): WeakRef<object> => {
      const first = {};
      queue.push(first);
      queue.push({});
      queue.shift();
      return new WeakRef(first);
    })();
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
    expect([left.deref(), queue.size]).toEqual([undefined, 1]);
  });
});
