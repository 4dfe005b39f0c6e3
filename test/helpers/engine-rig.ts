import { onTestFinished } from 'vitest';
import { type Engine, parallel, type RunOptions, type TaskResult } from '../../pipelines/parallel/index.ts';
import { call } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import { isStreamError } from '../../src/errors.ts';
import { type VirtualClock, virtualClock } from '../../src/virtual-clock.ts';

export interface Rig<In, Out> {
  readonly clock: VirtualClock;
  readonly engine: Engine<In, Out>;
  /** Runs virtual time until `work` is settled. */
  readonly until: <T>(work: Promise<T>, mostMs?: number) => Promise<T>;
}

export const turn =
  (clock: VirtualClock) =>
  async <T>(work: Promise<T>, mostMs = 600_000): Promise<T> => {
    const over = { is: false };
    const end = (): void => {
      over.is = true;
    };
    work.then(end, end);
    for (let ms = 0; ms < mostMs && !over.is; ms += 10) await clock.advance(10);
    if (!over.is) throw new Error(`not settled after ${String(mostMs)} ms`);
    return work;
  };

export function rig<In, Out>(
  options: Omit<RunOptions<In, Out>, 'run'> & { readonly run: (clock: VirtualClock) => RunOptions<In, Out>['run'] },
): Rig<In, Out> {
  const clock = virtualClock(1_000_000);
  const { run, ...rest } = options;
  const engine = parallel<In, Out>({ clock, run: run(clock), ...rest });
  const until = turn(clock);
  onTestFinished(() => until(engine.close({ deadlineMs: 0 })));
  return { clock, engine, until };
}

/** Takes so long, by the clock. */
export const taking = (ms: number) => (clock: VirtualClock) => (input: number) =>
  call(async (ctx) => {
    await sleep(clock, ms, ctx.signal);
    return input * 2;
  });

export const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
export const outcomes = (results: readonly TaskResult<unknown, unknown>[]): unknown[] =>
  results.map((one) =>
    one.status === 'success'
      ? one.result
      : one.status === 'error'
        ? isStreamError(one.error)
          ? one.error.code
          : one.error.message
        : one.status,
  );
