import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JoinedCalls, type WaitingCall } from '../../../src/inference/triton/joined-calls.state.ts';

const call = (name: string, rows = 1, kind = 'a'): WaitingCall<string> => ({ call: name, kind, rows, maxRows: 4 });

describe('calls that wait for company', () => {
  it.each<readonly [string, readonly WaitingCall<string>[], readonly (readonly string[])[]]>([
    ['are sent when they are as many rows as a request may have', [call('x', 2), call('y', 1), call('z', 1)], [['x', 'y', 'z']]],
    ['are sent before one that would be too much for them, which waits', [call('x', 2), call('y', 3)], [['x']]],
    ['are sent before one that fills a request by itself, which goes, too', [call('x', 2), call('y', 4)], [['x'], ['y']]],
    ['do not hold up one that has more rows than a request may have', [call('x', 9)], [['x']]],
    ['are not joined with another kind', [call('x', 2), call('y', 2, 'b')], []],
  ])('%s', (_, calls, expected) => {
    const state = new JoinedCalls<string>(5);
    expect(calls.flatMap((one) => state.add(one, 0))).toEqual(expected);
  });

  it('go together at the end of their time, which begins with the first of them', () => {
    const state = new JoinedCalls<string>(5);
    state.add(call('x'), 10);
    state.add(call('y'), 14);
    state.add(call('other', 1, 'b'), 13);
    expect([state.nextMs, state.due(14.9)]).toEqual([15, []]);
    expect([state.due(15), state.nextMs, state.due(18), state.nextMs]).toEqual([[['x', 'y']], 18, [['other']], undefined]);
  });

  it('leave no place behind that they had', () => {
    const state = new JoinedCalls<string>(5);
    state.add(call('x', 3), 0);
    state.add(call('y', 3, 'b'), 0);
    state.remove('x');
    expect([state.add(call('z', 3), 1), state.nextMs]).toEqual([[], 5]);
    state.remove('y');
    state.remove('z');
    expect([state.nextMs, state.due(100)]).toEqual([undefined, []]);
  });

  it('are each sent exactly once or have left, with their own kind, never too many rows, never too late', () => {
    const event = fc.oneof(
      fc.record({
        does: fc.constant('add' as const),
        rows: fc.integer({ min: 1, max: 6 }),
        kind: fc.constantFrom('a', 'b', 'c'),
      }),
      fc.record({ does: fc.constant('leave' as const), nth: fc.nat({ max: 20 }) }),
      fc.record({ does: fc.constant('time' as const), ms: fc.nat({ max: 7 }) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const state = new JoinedCalls<number>(5);
        const all: (WaitingCall<number> & { readonly atMs: number })[] = [];
        const gone = new Set<number>();
        let nowMs = 0;
        const sent = (groups: readonly (readonly number[])[]): void => {
          for (const group of groups) {
            const calls = group.map((id) => all[id]);
            const rows = calls.reduce((sum, one) => sum + (one?.rows ?? 0), 0);
            expect(new Set(calls.map((one) => one?.kind)).size).toBe(1);
            expect(rows <= 4 || group.length === 1).toBe(true);
            for (const id of group) {
              expect(gone.has(id)).toBe(false);
              gone.add(id);
            }
          }
        };
        for (const one of events) {
          if (one.does === 'add') {
            const added = { call: all.length, kind: one.kind, rows: one.rows, maxRows: 4, atMs: nowMs };
            all.push(added);
            sent(state.add(added, nowMs));
          } else if (one.does === 'leave') {
            const { length } = all;
            if (length === 0 || gone.has(one.nth % length)) continue;
            state.remove(one.nth % length);
            gone.add(one.nth % length);
          } else {
            nowMs += one.ms;
            sent(state.due(nowMs));
          }
          for (const { call: id, atMs } of all) if (!gone.has(id)) expect(state.nextMs ?? Infinity).toBeLessThanOrEqual(atMs + 5);
        }
        sent(state.due(nowMs + 5));
        expect([gone.size, state.nextMs]).toEqual([all.length, undefined]);
      }),
    );
  });
});
