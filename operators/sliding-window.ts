import type { OperatorFunction } from 'rxjs';
import { type OptionNames, requireOptions } from '../src/check-options.ts';
import { OptionError, requireInteger, requireOneOf } from '../src/errors.ts';
import { type BatchEnvelope, type Envelope, runOf, take, together } from '../src/record/envelope.ts';
import { CompositePart, Handle, watchLater } from '../src/record/handle.ts';
import { formatPartition } from '../src/record/record.ts';
import type { Run } from '../src/record/run.ts';
import { fail } from './internal/fail.ts';
import { operate } from './internal/operate.ts';
import { sendDownstream } from './internal/send-downstream.ts';
import { type Slide, SlidingWindow } from './internal/sliding-window.state.ts';

export interface SlidingWindowOptions {
  /** Values in a window; 1 to 1,000. */
  readonly size: number;
  /** Values from the start of a window to the start of the next; at least 1. More than `size` leaves values out. @defaultValue 1 */
  readonly step?: number;
  /** `'partition'`: a window for each input partition, so that a restart makes the same ones. @defaultValue 'pipeline' */
  readonly within?: 'pipeline' | 'partition';
}

/**
 * The last `size` values, every `step` of them: a conversation's last turns, a sensor's last readings. With `step` less than
 * `size` windows overlap.
 *
 * In envelopes of `T`; out envelopes of `readonly T[]`, `size` values in their order, with their `members`; key, headers and
 * position are the first one's. A value belongs to each window that holds it: its record is settled when all of them are, as
 * the worst of them. So the last `size - 1` records (and those since the last window) stay uncommitted, and are read again
 * after a restart: that is what fills the window anew. A value between two windows is dropped.
 *
 * Needs `ordering: 'none'`, else the next record would wait for the one before it, and that for the next; and at-least-once
 * delivery while windows overlap, else all their outputs would be one transaction without end; and `size` records in flight. Anything
 * else stops the pipeline at its first record, with `invalid_option`. Windows of many partitions that need more than all that may be
 * in flight stand still; `stats().troubles` and `/readyz` say so. Windows leave in order; with `mapConcurrent({ order: 'input' })` so do their results.
 *
 * Holds `size` values, within a partition so many for each; they count among the records in flight. A value costs size / step
 * copies and claims, and no more the longer the stream. A record's time stands still while it waits for values to come.
 * A record that is given back leaves the window. Complete, error and unsubscribe: leave the rest unsettled, so the runner
 * gives it back; there is no last, shorter window.
 * @throws OptionError at call time, for an option outside its range.
 * @see count windows in Flink (`countWindow(size, slide)`); `bufferCount(size, step)` in RxJS, which knows no records.
 */
export function slidingWindow<T, K>(options: SlidingWindowOptions): OperatorFunction<Envelope<T, K>, BatchEnvelope<T, K>> {
  const { size, step, within } = checked(options);
  return operate((out) => {
    const windows = new Map<string, SlidingWindow<Member<T, K>>>();
    const leave = ({ window, gone }: Slide<Member<T, K>>): void => {
      if (!window) {
        for (const { handle } of gone) handle.part.settle('dropped', 'between two windows');
        return;
      }
      const envelopes = window.map(({ envelope }) => envelope);
      if (step >= size) {
        // in no other window: its claim goes on as it is
        sendDownstream(out, together(envelopes, new CompositePart(window.map(({ handle }) => handle))));
        return;
      }
      const claims = window.map(({ handle }) => new Handle(handle.part.fork()));
      for (const { handle } of window) handle.part.at('kept');
      for (const { handle } of gone) handle.part.retire();
      sendDownstream(out, together(envelopes, new CompositePart(claims)));
      for (const own of claims) if (own.part.claims > 0) watchLater(own); // what is finished never pays for that
    };
    return {
      next: (envelope) => {
        const handle = take(envelope);
        if (!handle.part.live) return;
        const why = unfit(runOf(envelope), size, step);
        if (why !== undefined) {
          fail(envelope, handle, () => new OptionError(why));
          return;
        }
        handle.part.at('kept');
        const name = within === 'partition' ? formatPartition(envelope.position) : '';
        const window = windows.get(name) ?? new SlidingWindow<Member<T, K>>(size, step, isLive);
        windows.set(name, window);
        leave(window.push({ envelope, handle }));
      },
      complete: () => {
        // from here on the part keeps its handle: it is given back, and must not be taken for lost before
        for (const { held } of windows.values()) for (const { handle } of held) keep(handle);
        windows.clear();
        return true;
      },
      teardown: () => {
        for (const { held } of windows.values()) for (const { handle } of held) handle.part.at('flowing');
        windows.clear();
      },
    };
  });
}

interface Member<T, K> {
  readonly envelope: Envelope<T, K>;
  readonly handle: Handle;
}

const keep = (handle: Handle): void => {
  const holder = new Set([handle]);
  handle.part.onEnd(() => {
    holder.clear();
  });
};

const isLive = ({ handle }: Member<unknown, unknown>): boolean => handle.part.live;

function unfit({ promises }: Run, size: number, step: number): string | undefined {
  if (promises === undefined) return undefined;
  const { ordering, delivery, maxRecordsInFlight } = promises;
  if (ordering !== 'none')
    return `slidingWindow needs ordering: 'none' in definePipeline, got '${ordering}': a record would wait for the window before it, and that for the record`;
  if (step < size && delivery === 'exactly-once')
    return "slidingWindow with step < size needs delivery: 'at-least-once': windows that overlap would all be one transaction";
  if (size > maxRecordsInFlight)
    return `slidingWindow.size must be at most maxRecordsInFlight (${String(maxRecordsInFlight)}), got ${String(size)}: a window's records are in flight until it is full`;
  return undefined;
}

const names: OptionNames<SlidingWindowOptions> = { size: true, step: true, within: true };

function checked(options: SlidingWindowOptions): Required<SlidingWindowOptions> {
  requireOptions('slidingWindow', options, names);
  const { size, step = 1, within = 'pipeline' } = options;
  requireInteger('slidingWindow.size', size, 1, 1_000);
  requireInteger('slidingWindow.step', step, 1);
  requireOneOf('slidingWindow.within', within, ['pipeline', 'partition']);
  return { size, step, within };
}
