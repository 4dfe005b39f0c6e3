import type { Clock } from '../../src/clock.ts';
import type { Ask } from '../../src/load/ask-over-http.ts';
import type { TaskEnd } from '../../src/load/task-end.state.ts';
import { TaskMeter } from '../../src/load/task-meter.state.ts';
import { sleep } from '../../src/clock.ts';

/** What a played server does with one task. */
export interface Played {
  /** To the first token, and from each to the next. */
  readonly waitsMs: readonly number[];
  /** Of each chunk; undefined: it does not tell. */
  readonly tokens?: number | undefined;
  readonly usage?: number;
  /** Instead of an end. */
  readonly cause?: string;
}

const quiet = { usage: undefined, attempt: undefined, isEnd: false, failure: undefined, malformed: undefined };

/** A server in virtual time. */
export const playedAsk =
  (clock: Clock, play: (number: number) => Played): Ask =>
  async (task, onChunk, signal) => {
    const { waitsMs, tokens, usage, cause } = play(task.number);
    const meter = new TaskMeter();
    const sentMs = clock.nowMs();
    let failure: TaskEnd['failure'] = cause === undefined ? undefined : { cause, message: `${cause} of task ${String(task.number)}` };
    try {
      for (const waitMs of waitsMs) {
        await sleep(clock, waitMs, signal);
        onChunk(tokens ?? 1, meter.take({ ...quiet, tokens }, clock.nowMs()));
      }
    } catch {
      failure = { cause: 'interrupted', message: 'stopped' };
    }
    if (usage !== undefined) meter.take({ ...quiet, tokens: 0, usage }, clock.nowMs());
    return { ...task, ...meter.end(), sentMs, endMs: clock.nowMs(), failure, isResent: false };
  };
