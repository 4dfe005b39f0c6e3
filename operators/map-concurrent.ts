import type { OperatorFunction } from 'rxjs';
import { type OptionNames, requireFunction, requireMethods, requireOptions } from '../src/check-options.ts';
import { OptionError, requireInteger, requireOneOf } from '../src/errors.ts';
import type { Envelope } from '../src/record/envelope.ts';
import type { Schedule } from '../src/policies/schedule.ts';
import { CallQueue, type Taken, type WaitingCalls } from './internal/call-queue.ts';
import { Line, noLine } from './internal/in-order.ts';
import { emitBranch } from './internal/emit-branch.ts';
import { operate } from './internal/operate.ts';
import { type EndOfCall, type Project, type RunningCall, runningCall } from './internal/run-call.ts';
import { ScheduledQueue } from './internal/scheduled-queue.ts';
import { Slots } from './internal/slots.ts';

export interface MapConcurrentOptions<in T = unknown> {
  /** Most records with a call running; at least 1. It bounds records: calls of many operators together take `withPermit`. */
  readonly concurrency: number;
  /** Results leave as calls complete, or in the order of the records. @defaultValue 'completed' */
  readonly order?: 'completed' | 'input';
  /** Most results of one call; at least 1. @defaultValue 10,000 */
  readonly maxResults?: number;
  /** Which of the records that wait starts next. Not with `order: 'input'`. @defaultValue who was taken first from the source */
  readonly schedule?: Schedule<T>;
}

/**
 * Makes one cold call per record, up to `concurrency` at a time: the place for model calls and whatever else is slow.
 * Policies (`callTimeout`, `withPermit`, `withinBudget`, `retryWithBackoff`) go on the call, inside `project`.
 *
 * In envelopes of `T`; out envelopes of `R`, each result of a call as soon as it is there, a call's results in their
 * order. With `order: 'input'` a record's results wait until all records before it have ended. A call that fails after
 * some results fails its record: those that went out stay out, and the dead letter lists them.
 *
 * Holds the records that wait for a call and, with `order: 'input'`, results that wait for their turn: as many records as
 * the source lets in flight, `maxResults` results for each. Complete: after the last call. Error and unsubscribe: abort
 * all calls at once and leave their records unsettled, so the runner gives them back.
 *
 * Records fail with: the call's own error; `project_threw` (a throw, or no Observable: a promise goes in `call()`);
 * `no_result`; `too_many_parts`; `deadline_exceeded`, at which the call is aborted. A call is aborted in silence when its
 * record is given back; the call of a batch only when all members are.
 *
 * @throws OptionError at call time, for an option outside its range.
 * @see `mergeMap` in RxJS, whose queue has no bound and whose inner error ends the stream; `mapAsyncUnordered` in Akka.
 */
export function mapConcurrent<T, R, K>(
  project: Project<T, R>,
  options: MapConcurrentOptions<NoInfer<T>>,
): OperatorFunction<Envelope<T, K>, Envelope<R, K>> {
  requireFunction('mapConcurrent.project', project, '(value, ctx) => Observable');
  const { order, maxResults, queue } = checked<T, K>(options);
  return operate((out) => {
    const waiting = queue();
    const line = order === 'input' ? new Line<R>() : undefined;
    const running = new Slots<RunningCall>();
    let sourceDone = false;
    let starting = false;

    const start = (one: Taken<T, K>): void => {
      const { envelope, handle } = one;
      const emit = (value: R): void => {
        if (handle.part.live) emitBranch(out, envelope, handle, { value, degraded: call.degraded() });
      };
      const place = line ? line.place(emit) : noLine(emit);
      const onEnd = (end: EndOfCall): void => {
        running.free(slot);
        if (end === 'taken back') return;
        waiting.end(one);
        if (end === 'completed') {
          handle.part.at('queued');
          place.end(() => handle.part.retire());
        } else place.drop();
        pump();
      };
      const call = runningCall({ envelope, handle, project, maxResults, onValue: place.push, onEnd });
      const slot = running.take(call);
      one.takeBack = () => call.takeBack();
      call.start();
    };
    const next = (): Taken<T, K> | undefined => (out.closed ? undefined : waiting.next());
    // A loop, not a call per record: a hundred thousand calls that complete at once must not pile up on the stack.
    const pump = (): void => {
      if (starting) return;
      starting = true;
      for (let one = next(); one; one = next()) start(one);
      starting = false;
      if (sourceDone && running.size === 0 && waiting.isEmpty && !line?.size) out.complete();
    };
    return {
      next: (envelope) => {
        const one = waiting.push(envelope);
        pump();
        const urgent = one && waiting.displace(one);
        if (urgent) start(urgent);
      },
      complete: () => {
        sourceDone = true;
        pump();
        return false;
      },
      teardown: () => {
        for (const call of running.clear()) call.stop();
        waiting.clear();
      },
    };
  });
}

const names: OptionNames<MapConcurrentOptions> = { concurrency: true, order: true, maxResults: true, schedule: true };

function checked<T, K>(options: MapConcurrentOptions<T>) {
  requireOptions<MapConcurrentOptions<T>>('mapConcurrent', options, names);
  const { concurrency, order = 'completed', maxResults = 10_000, schedule } = options;
  requireInteger('mapConcurrent.concurrency', concurrency, 1);
  requireOneOf('mapConcurrent.order', order, ['completed', 'input']);
  requireInteger('mapConcurrent.maxResults', maxResults, 1);
  if (schedule === undefined) {
    const queue = (): WaitingCalls<T, K> => new CallQueue(concurrency, order === 'input' ? 'here' : 'taken');
    return { order, maxResults, queue };
  }
  requireMethods('mapConcurrent.schedule', schedule, ['factsOf', 'use', 'requirePlaces'], 'schedule({ … })');
  schedule.requirePlaces(concurrency);
  if (order === 'input') throw new OptionError("mapConcurrent.order 'input' and schedule contradict each other: give one of them");
  return { order, maxResults, queue: (): WaitingCalls<T, K> => new ScheduledQueue(schedule, concurrency) };
}
