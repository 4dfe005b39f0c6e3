import { describe, expect, it } from 'vitest';
import { SupervisorState } from '../../../src/transport/kafka/supervisor.state.ts';

const make = (maxRestarts = 3): SupervisorState => {
  const state = new SupervisorState({ maxRestarts, hangMs: 20_000 });
  state.started(0);
  return state;
};

describe('SupervisorState', () => {
  it('doubles the wait, up to 10 s, and gives up after the last restart', () => {
    const state = make(9);
    const waits = Array.from({ length: 10 }, (_, i) => {
      const next = state.failed(i, 0);
      return next === 'give-up' ? next : next.retryInMs;
    });
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000, 'give-up']);
  });

  it('adds up to a quarter by chance', () => {
    expect(make().failed(1, 1)).toEqual({ retryInMs: 312.5 });
  });

  it('forgets failures only when a start lasted: one that starts and breaks at once has not recovered', () => {
    const state = make(2);
    state.failed(1, 0);
    state.started(10);
    state.failed(29_000, 0);
    state.started(30_000);
    expect(state.failed(31_000, 0)).toBe('give-up');
    state.started(40_000);
    expect(state.failed(70_000, 0)).toEqual({ retryInMs: 250 });
  });

  it('tells quiet from hung', () => {
    const state = make();
    const seen: string[] = [];
    for (let ms = 500; ms <= 20_000; ms += 500) seen.push(state.check(ms, 500));
    expect(seen.indexOf('quiet')).toBe(5); // at 3 s
    expect(seen.indexOf('hung')).toBe(39); // at 20 s
    state.sign(20_100);
    expect(state.check(20_500, 500)).toBe('ok');
  });

  it('does not blame the client for the time in which this process stood still', () => {
    const state = make();
    state.check(500, 500);
    expect(state.check(60_000, 500)).toBe('ok');
    expect(state.check(60_500, 500)).toBe('ok');
  });
});
