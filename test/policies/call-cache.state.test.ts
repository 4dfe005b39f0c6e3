import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CacheState } from '../../src/policies/call-cache.state.ts';

const limits = { maxBytes: 1000, maxAgeMs: 100 };
const costOf = (bytes: number): number => 2 + bytes + 200; // keys of one letter

/** The plainest thing that is right: a list, the least recently used first. */
interface Model {
  nowMs: number;
  entries: { readonly key: string; readonly value: number; readonly bytes: number; readonly untilMs: number }[];
}

type Step = fc.Command<Model, CacheState<number>>;

const step = (name: string, run: (model: Model, real: CacheState<number>) => void): Step => ({
  check: () => true,
  run: (model, real) => {
    run(model, real);
    expect([real.size, real.bytes]).toEqual([model.entries.length, model.entries.reduce((sum, { bytes }) => sum + bytes, 0)]);
    expect(real.bytes).toBeLessThanOrEqual(limits.maxBytes);
  },
  toString: () => name,
});

const passes = (ms: number): Step => step(`passes(${String(ms)})`, (model) => void (model.nowMs += ms));
const get = (key: string): Step =>
  step(`get(${key})`, (model, real) => {
    const found = model.entries.find((one) => one.key === key);
    model.entries = model.entries.filter((one) => one !== found);
    const live = found && found.untilMs > model.nowMs ? found : undefined;
    if (live) model.entries.push(live);
    expect(real.get(key, model.nowMs)).toBe(live?.value);
  });
const set = (key: string, bytes: number): Step =>
  step(`set(${key}, ${String(bytes)})`, (model, real) => {
    model.entries = model.entries.filter((one) => one.key !== key);
    let gone: number | undefined;
    if (costOf(bytes) <= limits.maxBytes) {
      model.entries.push({ key, value: bytes, bytes: costOf(bytes), untilMs: model.nowMs + limits.maxAgeMs });
      gone = 0;
      while (model.entries.reduce((sum, one) => sum + one.bytes, 0) > limits.maxBytes) {
        model.entries.shift();
        gone += 1;
      }
    }
    expect(real.set(key, bytes, bytes, model.nowMs)).toBe(gone);
  });
const forget = (key: string): Step =>
  step(`delete(${key})`, (model, real) => {
    model.entries = model.entries.filter((one) => one.key !== key);
    real.delete(key);
  });
const forgetUntil = (agoMs: number): Step =>
  step(`deleteUntil(${String(agoMs)} ms ago)`, (model, real) => {
    model.entries = model.entries.filter(({ untilMs }) => untilMs - limits.maxAgeMs > model.nowMs - agoMs);
    real.deleteUntil(model.nowMs - agoMs);
  });

describe('CacheState', () => {
  it('keeps the most recently used within its bytes, and nothing that is too old', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const steps = [
      fc.constantFrom(1, 50, 99, 100).map(passes),
      key.map(get),
      key.map(get),
      fc.tuple(key, fc.constantFrom(0, 10, 300, 798, 799)).map(([one, bytes]) => set(one, bytes)),
      fc.tuple(key, fc.constantFrom(0, 10)).map(([one, bytes]) => set(one, bytes)),
      key.map(forget),
      fc.constantFrom(0, 1, 50).map(forgetUntil),
    ];
    fc.assert(
      fc.property(fc.commands(steps, { size: '+1' }), (commands) => {
        fc.modelRun(() => ({ model: { nowMs: 0, entries: [] }, real: new CacheState<number>(limits) }), commands);
      }),
      { numRuns: 300 },
    );
  });
});
