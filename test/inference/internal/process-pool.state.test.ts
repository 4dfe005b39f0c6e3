import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Asked, ProcessPoolState } from '../../../src/inference/internal/process-pool.state.ts';

const normal = (id: number, beginning = `own ${String(id)}`): Asked => ({ id, takesPlace: true, beginning, isSuspect: false });
const quick = (id: number): Asked => ({ id, takesPlace: false, beginning: '', isSuspect: false });
const suspect = (id: number): Asked => ({ ...normal(id), isSuspect: true });

function pool(processes: number, places: number) {
  const state = new ProcessPoolState(processes, places);
  for (let index = 0; index < processes; index += 1) state.ready(index);
  /** Who goes where, as `id>process`. */
  const given = (...asked: readonly Asked[]): readonly string[] => {
    for (const one of asked) state.ask(one);
    const all: string[] = [];
    for (let next = state.next(); next; next = state.next()) all.push(`${String(next.id)}>${String(next.process)}`);
    return all;
  };
  return { state, given };
}

describe('who does which work', () => {
  it('gives it to the process with the least to do, and no process more than its places', () => {
    const { state, given } = pool(2, 2);
    expect(given(normal(1), normal(2), normal(3), normal(4), normal(5))).toEqual(['1>0', '2>1', '3>0', '4>1']);
    expect(state.waiting).toBe(1);
    state.over(2);
    expect(given()).toEqual(['5>1']);
  });

  it('prefers the process that has had the beginning, while it has one more at most', () => {
    const { given } = pool(2, 8);
    expect(given(normal(1, 'a'), normal(2, 'a'), normal(3, 'a'), normal(4, 'b'))).toEqual(['1>0', '2>0', '3>1', '4>1']);
  });

  it('lets what needs no place go ahead', () => {
    const { given } = pool(1, 1);
    expect(given(normal(1), normal(2), quick(3))).toEqual(['3>0', '1>0']);
    expect(given(quick(4))).toEqual(['4>0']);
  });

  it('waits for processes that are being started, and leaves those out that are down', () => {
    const { state, given } = pool(2, 2);
    given(normal(1), normal(2));
    expect(state.gone(0, true)).toEqual([1]);
    expect(state.gone(1, false)).toEqual([2]);
    expect(given(normal(3))).toEqual([]);
    state.ready(0);
    expect(given()).toEqual(['3>0']);
  });

  it('says who must be told to stop, and keeps its place until it has', () => {
    const { state, given } = pool(1, 1);
    given(normal(1), normal(2));
    expect([state.leave(1), state.leave(2)]).toEqual([0, undefined]);
    expect(given(normal(3))).toEqual([]);
    state.over(1);
    expect(given()).toEqual(['3>0']);
  });
});

describe('suspects', () => {
  it('go one at a time, when all else in their process is over, and nothing goes beside them', () => {
    const { state, given } = pool(1, 4);
    expect(given(normal(1))).toEqual(['1>0']);
    expect(given(suspect(2), suspect(3), normal(4), quick(5))).toEqual([]);
    state.over(1);
    expect(given()).toEqual(['2>0']);
    state.over(2);
    expect(given()).toEqual(['3>0']);
    expect(given(normal(6))).toEqual([]);
    state.over(3);
    expect(given()).toEqual(['5>0', '4>0', '6>0']);
  });

  it('have the emptiest process to themselves, and the others go on', () => {
    const { state, given } = pool(2, 4);
    expect(given(normal(1))).toEqual(['1>0']);
    expect(given(suspect(2), normal(3), normal(4), suspect(5))).toEqual(['2>1', '3>0', '4>0']);
    state.over(2);
    expect(given()).toEqual(['5>1']);
  });

  it('wait for their process while it is started again, and go to another when it is down', () => {
    const { state, given } = pool(2, 4);
    given(normal(1));
    expect(given(suspect(2), suspect(3))).toEqual(['2>1']);
    expect(state.gone(1, true)).toEqual([2]);
    expect(given(normal(4))).toEqual(['4>0']);
    state.gone(1, false);
    expect(given()).toEqual([]);
    state.over(1);
    state.over(4);
    expect(given()).toEqual(['3>0']);
  });
});

it('never gives a work twice, more than there are places, or anything beside a suspect', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), kind: fc.integer({ min: 0, max: 5 }) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('over' as const, 'leave' as const), at: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('gone' as const, 'down' as const, 'ready' as const), at: fc.nat(2) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const places = 2;
      const { state } = pool(3, places);
      const has = new Map<number, { readonly process: number; readonly asked: Asked }>();
      const all: Asked[] = [];
      const waiting = new Set<number>();
      for (const one of steps) {
        if (one.do === 'ask') {
          const id = all.length;
          const asked = one.kind === 0 ? suspect(id) : one.kind === 1 ? quick(id) : normal(id, `b${String(one.kind)}`);
          all.push(asked);
          waiting.add(id);
          state.ask(asked);
        } else if (one.do === 'over') {
          state.over(one.at);
          has.delete(one.at);
        } else if (one.do === 'leave') {
          expect(state.leave(one.at)).toBe(has.get(one.at)?.process);
          waiting.delete(one.at);
        } else if (one.do === 'ready') state.ready(one.at);
        else for (const id of state.gone(one.at, one.do === 'gone')) expect(has.delete(id)).toBe(true);
        for (let next = state.next(); next; next = state.next()) {
          const asked = all[next.id];
          expect(waiting.delete(next.id) && asked !== undefined).toBe(true);
          if (asked) has.set(next.id, { process: next.process, asked });
        }
        for (let process = 0; process < 3; process += 1) {
          const held = [...has.values()].filter((its) => its.process === process).map(({ asked }) => asked);
          expect(held.filter(({ takesPlace }) => takesPlace).length).toBeLessThanOrEqual(places);
          if (held.some(({ isSuspect }) => isSuspect)) expect(held.length).toBe(1);
        }
        expect(state.waiting).toBe(waiting.size);
      }
      for (let round = 0; round < 3; round += 1) state.ready(round);
      for (let next = state.next(); waiting.size > 0; next = state.next()) {
        if (next) waiting.delete(next.id);
        else expect(has.size).toBeGreaterThan(0); // only what runs keeps them waiting
        for (const id of has.keys()) state.over(id);
        has.clear();
        if (next) state.over(next.id);
      }
    }),
    { numRuns: 300 },
  );
});
