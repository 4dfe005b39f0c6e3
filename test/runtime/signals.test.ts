import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { endOnSignals } from '../../src/runtime/signals.ts';
import { type VirtualClock, virtualClock } from '../../src/virtual-clock.ts';

describe('a signal', () => {
  let clock: VirtualClock;
  let exit: MockInstance;
  let release: () => void;
  let aborted = 3; // to other members, before
  let drained: () => void = () => undefined;
  let drains = 0;
  let state: 'starting' | 'running' = 'running';
  beforeEach(() => {
    clock = virtualClock(0);
    exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    aborted = 3;
    drains = 0;
    state = 'running';
    const drain = (): Promise<void> => {
      drains += 1;
      return new Promise((resolve) => (drained = resolve));
    };
    release = endOnSignals(
      {
        ...{ drain, stats: () => ({ aborted }) },
        get state() {
          return state;
        },
      },
      clock,
    );
  });
  afterEach(() => {
    release();
    vi.restoreAllMocks();
  });

  it('drains, and leaves the end to the process when everything was finished', async () => {
    process.emit('SIGTERM');
    drained();
    await clock.advance(10_000);
    expect([drains, exit.mock.calls]).toEqual([1, []]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends the process with %i when calls were given back that may hang', async (signal, code) => {
    process.emit(signal);
    aborted = 4;
    drained();
    await clock.advance(99);
    expect(exit).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(exit.mock.calls).toEqual([[code]]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends a process that still starts with %i, when what it had opened is closed', async (signal, code) => {
    state = 'starting';
    process.emit(signal);
    await clock.advance(1_000);
    expect([drains, exit.mock.calls]).toEqual([1, []]);
    drained();
    await clock.advance(0);
    expect(exit.mock.calls).toEqual([[code]]);
  });

  it('that comes second ends the process at once', () => {
    process.emit('SIGINT');
    process.emit('SIGTERM');
    expect(exit.mock.calls).toEqual([[143]]);
  });

  it('is nothing to us any more when the pipeline has ended', () => {
    release();
    expect(process.listenerCount('SIGTERM')).toBe(0);
  });
});
