import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineGateState, type EngineLoad, type GateSettings } from '../../src/policies/engine-gate.state.ts';

const settings: GateSettings = { maxWaiting: 4, kvFrom: 0.8, kvTo: 0.95, reopenMs: 1_000, staleMs: 300 };

/** Lets through all that may pass. */
function passing(state: EngineGateState, nowMs: number): number {
  let passed = 0;
  while (state.closedBy(nowMs) === undefined) {
    state.admit();
    passed += 1;
  }
  return passed;
}

/** A gate that has been fully opened, at 10,000 ms. */
function opened(): EngineGateState {
  const state = new EngineGateState(settings);
  for (let nowMs = 0; nowMs <= 10_000; nowMs += 100) state.heard({ running: 0, waiting: 0 }, 0, nowMs, 0.5);
  return state;
}

describe('EngineGateState', () => {
  it.each<{ load: EngineLoad; unseen?: number; passes: number; by: string }>([
    { load: { running: 0, waiting: 0 }, passes: 4, by: 'full' },
    { load: { running: 20, waiting: 0 }, passes: 10, by: 'full' },
    { load: { running: 20, waiting: 2 }, passes: 5, by: 'full' },
    { load: { running: 20, waiting: 4 }, passes: 0, by: 'queue' },
    { load: { running: 20, waiting: 9 }, passes: 0, by: 'queue' },
    { load: { running: 20, waiting: 0, kvUse: 0.8 }, passes: 10, by: 'full' },
    { load: { running: 20, waiting: 0, kvUse: 0.875 }, passes: 5, by: 'full' },
    { load: { running: 20, waiting: 0, kvUse: 0.95 }, passes: 0, by: 'cache' },
    { load: { running: 20, waiting: 0, kvUse: 1 }, passes: 0, by: 'cache' },
    { load: { running: 20, waiting: 0, slots: 32 }, passes: 12, by: 'full' },
    { load: { running: 31, waiting: 3, slots: 36 }, passes: 1, by: 'full' },
    { load: { running: 32, waiting: 0, slots: 32 }, passes: 0, by: 'full' },
    { load: { running: 20, waiting: 0 }, unseen: 7, passes: 3, by: 'full' },
    { load: { running: 20, waiting: 0 }, unseen: 70, passes: 0, by: 'full' },
  ])('lets $passes pass of an engine that says $load', ({ load, unseen = 0, passes, by }) => {
    const state = opened();
    state.heard(load, unseen, 10_100, 0.5);
    expect([passing(state, 10_100), state.closedBy(10_100)]).toEqual([passes, by]);
  });

  it('is closed until it hears, and when it hears nothing any more', () => {
    const state = new EngineGateState(settings);
    expect(state.closedBy(0)).toBe('silent');
    state.heard({ running: 0, waiting: 0 }, 0, 1_000, 0.5);
    expect([state.closedBy(1_299), state.closedBy(1_300)]).toEqual([undefined, 'silent']);
  });

  it('gives the place of a completed call to the next, where the engine had room for all', () => {
    const load = { running: 8, waiting: 0, slots: 8 };
    const state = opened();
    state.heard(load, 0, 10_100, 0.5);
    state.completed();
    state.completed();
    expect(passing(state, 10_200)).toBe(2);
    state.completed();
    expect(state.closedBy(10_400), 'silent all the same').toBe('silent');
    state.rested(10_500);
    state.completed();
    expect(passing(state, 10_500), 'what it said before the rest is old').toBe(0);
    state.heard({ ...load, waiting: 1 }, 0, 10_600, 0.5);
    state.completed();
    expect(passing(state, 10_600), 'one that waits inside takes it').toBe(0);
    state.heard({ ...load, kvUse: 0.875 }, 0, 10_700, 0.5);
    for (let n = 0; n < 4; n += 1) state.completed();
    expect(passing(state, 10_700), 'in proportion').toBe(2);
  });

  it('takes for unseen what may run more than at any moment since the question', () => {
    const state = opened();
    state.heard({ running: 0, waiting: 0, slots: 8 }, 0, 10_100, 0.5);
    passing(state, 10_100);
    state.asked();
    expect(state.unseen).toBe(0);
    state.completed();
    state.completed();
    expect([passing(state, 10_150), state.unseen], 'two began, and two others that may have been counted are over').toEqual([2, 2]);
    state.asked();
    state.completed();
    passing(state, 10_160);
    state.completed();
    passing(state, 10_170);
    expect(state.unseen, 'one after the other').toBe(1);
  });

  it('closes at once, and opens in proportion to time and chance', () => {
    const state = opened();
    state.heard({ running: 0, waiting: 4 }, 0, 10_100, 0.5);
    expect(state.openness).toBe(0);
    state.heard({ running: 0, waiting: 0 }, 0, 10_200, 0.5);
    expect(state.openness).toBeCloseTo(0.1);
    state.heard({ running: 0, waiting: 0 }, 0, 10_300, 0);
    expect(state.openness).toBeCloseTo(0.15);
    state.heard({ running: 0, waiting: 0 }, 0, 10_400, 1);
    expect(state.openness).toBeCloseTo(0.3);
  });

  it('begins to open anew after a silence, and goes on after a rest', () => {
    const silent = opened();
    silent.heard({ running: 0, waiting: 0 }, 0, 20_000, 0.5);
    expect(silent.openness).toBeCloseTo(0.3);
    const rested = opened();
    rested.rested(20_000);
    expect(rested.closedBy(20_000)).toBe('full');
    rested.heard({ running: 0, waiting: 0 }, 0, 20_010, 0.5);
    expect(rested.openness).toBe(1);
  });

  it('never lets more pass than there are slots, nor any while it is silent, full or its queue is', () => {
    const event = fc.record({
      running: fc.nat(40),
      waiting: fc.nat(8),
      kvUse: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
      unseen: fc.nat(5),
      afterMs: fc.nat(600),
      chance: fc.double({ min: 0, max: 1, noNaN: true }),
      lookMs: fc.nat(600),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }), (events, slots) => {
        const state = new EngineGateState(settings);
        let nowMs = 0;
        for (const { running, waiting, kvUse, unseen, afterMs, chance, lookMs } of events) {
          const before = state.openness;
          nowMs += afterMs;
          state.heard(
            { running, waiting, ...(kvUse !== undefined && { kvUse }), ...(slots !== undefined && { slots }) },
            unseen,
            nowMs,
            chance,
          );
          expect(state.openness).toBeLessThanOrEqual(Math.min(1, before + 0.45 + 1e-9));
          expect(state.openness).toBeGreaterThanOrEqual(0);
          nowMs += lookMs;
          const passed = passing(state, nowMs);
          for (let n = 0; n < passed; n += 1) state.completed();
          const again = passing(state, nowMs);
          expect(again, 'as many as have ended').toBeLessThanOrEqual(passed);
          if (lookMs >= settings.staleMs || waiting >= 4 || (kvUse ?? 0) >= 0.95) expect(passed).toBe(0);
          if (slots !== undefined) expect(passed).toBeLessThanOrEqual(Math.max(0, slots - running - waiting - unseen));
        }
      }),
    );
  });
});
