import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GroupState } from '../../../src/journal/internal/group.state.ts';

const bounds = { maxDelayMs: 5, maxGroupBytes: 100, maxPendingBytes: 250 };

describe('the appends of one write', () => {
  it('wait for as much company as there was last time, but not past the bound, and not when a write is full', () => {
    const state = new GroupState(bounds);
    expect(state.dueMs()).toBeUndefined();
    state.add(10, 10);
    expect(state.dueMs()).toBe(10); // whoever is alone waits for nobody
    expect(state.begin()).toBe(1);
    for (const nowMs of [11, 12, 13]) state.add(10, nowMs);
    expect(state.dueMs()).toBeUndefined();
    state.end(14);
    expect([state.dueMs(), state.begin()]).toEqual([11, 3]);
    state.add(10, 16);
    state.end(18);
    expect(state.dueMs()).toBe(23); // those who are told now may come again
    state.add(10, 18);
    state.add(10, 18);
    expect([state.dueMs(), state.begin()]).toEqual([16, 3]);
    state.end(19);
    state.add(40, 20);
    state.add(40, 22);
    expect(state.dueMs()).toBe(25);
    state.add(10, 23);
    expect([state.dueMs(), state.begin()]).toEqual([20, 3]);
    state.end(24);
    state.add(60, 30);
    expect(state.dueMs()).toBe(35);
    state.add(60, 31);
    expect([state.dueMs(), state.begin(), state.waiting]).toEqual([30, 1, 1]);
    state.end(32);
    for (const nowMs of [40, 41]) state.add(10, nowMs);
    expect(state.begin()).toBe(3);
    state.end(42);
    state.add(10, 50);
    expect(state.dueMs()).toBe(55);
    state.hurry();
    expect(state.dueMs()).toBe(50);
  });

  it('have no room when too much waits; one that is longer than all goes alone', () => {
    const state = new GroupState(bounds);
    state.add(249, 0);
    expect(state.hasRoom).toBe(true);
    state.add(1_000, 0);
    expect([state.hasRoom, state.begin(), state.waitingBytes]).toEqual([false, 1, 1_000]);
    state.end(0);
    expect([state.begin(), state.waitingBytes, state.hasRoom]).toEqual([1, 0, true]);
  });

  it('are all written, in their order, one write at a time, none later than its delay while nothing is being written', () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), bytes: fc.integer({ min: 1, max: 150 }) }),
      fc.record({ kind: fc.constant('time' as const), ms: fc.nat({ max: 8 }) }),
      fc.record({ kind: fc.constant('end' as const) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const state = new GroupState(bounds);
        const waiting: { readonly bytes: number; readonly atMs: number }[] = [];
        let nowMs = 0;
        let endedMs = 0;
        for (const one of events) {
          if (one.kind === 'add') {
            state.add(one.bytes, nowMs);
            waiting.push({ bytes: one.bytes, atMs: nowMs });
          } else if (one.kind === 'time') nowMs += one.ms;
          else if (state.isWriting) {
            state.end(nowMs);
            endedMs = nowMs;
          }
          const dueMs = state.dueMs();
          const [first] = waiting;
          expect(dueMs === undefined).toBe(state.isWriting || first === undefined);
          if (dueMs !== undefined && first) expect(dueMs).toBeLessThanOrEqual(Math.max(first.atMs, endedMs) + bounds.maxDelayMs);
          if (dueMs === undefined || dueMs > nowMs) continue;
          const group = waiting.splice(0, state.begin());
          const bytes = group.reduce((sum, each) => sum + each.bytes, 0);
          expect(group.length).toBeGreaterThan(0);
          if (group.length > 1) expect(bytes).toBeLessThanOrEqual(bounds.maxGroupBytes);
          expect(state.waitingBytes).toBe(waiting.reduce((sum, each) => sum + each.bytes, 0));
        }
      }),
    );
  });
});
