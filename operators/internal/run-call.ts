import type { Observable, Observer, Subscription } from 'rxjs';
import { type CallContext, inScope } from '../../src/call.ts';
import { type Grade, isRetryable, messageOf } from '../../src/errors.ts';
import { type Envelope, membersOf, runOf } from '../../src/record/envelope.ts';
import type { Handle } from '../../src/record/handle.ts';
import { tooLate as notCalled } from '../../src/record/lost.ts';
import type { Place } from '../../src/record/part.ts';
import { recordError } from '../../src/record/record-error.ts';
import { formatPosition, type Position } from '../../src/record/record.ts';
import type { Run } from '../../src/record/run.ts';
import type { Tries } from '../../src/record/tries.ts';
import { DescribedCall } from './describe-call.ts';
import { fail, threw } from './fail.ts';
import { observableOf } from './observable-of.ts';
import { whileWanted } from './operate.ts';
import { retryLoop } from './retry-loop.ts';

declare const never: unique symbol;

/** Nothing is one of these: the name is what the type checker says to a function that returns a promise. */
export interface PromisesGoInCall {
  readonly [never]: never;
}

/** Makes one cold call of a value: an Observable, or `call(async (ctx) => …)`. */
export type Project<T, R> = (value: T, ctx: CallContext) => Observable<R> | PromisesGoInCall;

export interface CallOptions<T, R, K> {
  readonly envelope: Envelope<T, K>;
  /** Of the envelope; held until the call has ended, or the part would be taken for lost. */
  readonly handle: Handle;
  readonly project: Project<T, R>;
  readonly maxResults: number;
  /** A result, as soon as it is there. */
  readonly onValue: (value: R) => void;
  /**
   * The last word: a completed call's part is still to be retired, that of one that was taken back waits again, any other is settled.
   * Not called after a stop.
   */
  readonly onEnd: (end: EndOfCall) => void;
}

export type EndOfCall = 'completed' | 'failed' | 'taken back';

/** A call in the making: `start` it once. `stop` aborts it without settling anything, for when the whole operator ends. */
export interface RunningCall {
  /** The steps that have stood in for another one so far, for its record. */
  degraded(): readonly string[];
  start(): void;
  stop(): void;
  /**
   * Aborts it as if it had not been made: nothing is settled, no attempt counted, its work has ended and what it held is free when this
   * returns. False when it is over, its answer has begun, or attempts of it have failed, which would be made again.
   */
  takeBack(): boolean;
}

/**
 * One call for one envelope. It fails the part when the call fails: by an error, without a result, at the deadline; it
 * is aborted when the part is closed from outside.
 */
export function runningCall<T, R, K>({ envelope, handle, project, maxResults, onValue, onEnd }: CallOptions<T, R, K>): RunningCall {
  const { part } = handle;
  part.at('calling'); // first: it may start the record's time
  const scope = new DescribedCall(envelope, part, (error) => end(failedWith(error)));
  const state = { closed: false, begun: false, count: 0 };
  let subscription: Subscription | undefined;

  const close = (): void => {
    state.closed = true;
    unlisten();
    subscription?.unsubscribe();
    scope.goOn();
  };
  const leave = (to: Place): void => {
    close();
    scope.abort();
    part.at(to);
  };
  const end = (failure?: (position: Position) => Error): boolean => {
    if (state.closed) return false;
    const completed = failure === undefined && part.live;
    close(); // before the part is settled: what frees its place must find the work ended
    if (!completed) scope.abort();
    if (state.begun) part.attempted(callsOf(scope.tries), scope.tries.failed, completed);
    if (failure) fail(envelope, handle, failure);
    onEnd(completed ? 'completed' : 'failed');
    return true;
  };
  const unlisten = part.onEnd((reason) => void end(reason === 'deadline' ? tooLate : undefined));
  const subscribe = (): void => {
    const call = withDefaultRetry(observableOf<R>('mapConcurrent', project(envelope.value, scope.ctx)), runOf(envelope));
    subscription = whileWanted(call, state).subscribe(observer(state, { maxResults, onValue, end }));
    if (state.closed) subscription.unsubscribe();
  };
  return {
    degraded: () => scope.degraded,
    start: () => {
      runOf(envelope).verify(); // a process that has stood still must not begin what others work on by now
      try {
        state.begun = !isTooLate(envelope, handle, scope.clock.nowMs());
        if (state.begun) inScope(scope, subscribe);
        else end(notCalled);
      } catch (error) {
        end(threw('mapConcurrent', error));
      }
    },
    stop: () => leave('flowing'), // nobody works on it any more: if the stream goes on without this operator, its deadline finds it
    takeBack: () => {
      if (state.closed || state.count > 0 || !isUntried(scope.tries)) return false;
      leave('queued');
      onEnd('taken back');
      return true;
    },
  };
}

interface Observed<R> extends Pick<CallOptions<unknown, R, unknown>, 'maxResults' | 'onValue'> {
  readonly end: (failure?: (position: Position) => Error) => void;
}

/** What the values and the end of a call mean for it. */
function observer<R>(state: { count: number }, { maxResults, onValue, end }: Observed<R>): Observer<R> {
  return {
    next: (value) => {
      state.count += 1;
      if (state.count > maxResults) end(tooMany(maxResults));
      else onValue(value);
    },
    error: (error: unknown) => end(failedWith(error)),
    complete: () => end(state.count === 0 ? noResult : undefined),
  };
}

/** Whether nothing has come of a call yet, no failure either: nobody sees whether it was made. */
const isUntried = ({ answering, failed, repairs }: Tries): boolean => !answering && failed.length === 0 && repairs === 0;

const callsOf = ({ count, repairs, hasOperator }: Tries): number => Math.max(1, hasOperator ? count : count + 1) + repairs;

/** Whether there is nobody in time to call for. Members of a batch that are late fail alone. */
function isTooLate(envelope: Envelope<unknown, unknown>, handle: Handle, nowMs: number): boolean {
  for (const [member, own] of membersOf(envelope, handle) ?? []) if (own.part.deadlineMs <= nowMs) fail(member, own, notCalled);
  return !handle.part.live || handle.part.deadlineMs <= nowMs;
}

/** Calls without a retry operator get the pipeline's default; which those are, the loop finds out when one fails. */
function withDefaultRetry<R>(call: Observable<R>, { retry }: Run): Observable<R> {
  return retry === undefined ? call : retryLoop(call, { ...retry, retryIf: isWorthIt }, 'default');
}

const isWorthIt = (_error: unknown, grade: Grade): boolean => isRetryable(grade);

const tooLate = (position: Position): Error =>
  recordError(
    'deadline_exceeded',
    `record ${formatPosition(position)} passed its deadline while a call was made for it, which was aborted: raise deadlineMs, or give callTimeout and attempts less`,
    position,
  );

const noResult = (position: Position): Error =>
  recordError(
    'no_result',
    `the call for record ${formatPosition(position)} completed without a value: return one, or use keepOnly or drop where none is due`,
    position,
  );

const tooMany =
  (maxResults: number) =>
  (position: Position): Error =>
    recordError(
      'too_many_parts',
      `the call for record ${formatPosition(position)} gave more than ${String(maxResults)} results (maxResults)`,
      position,
    );

const failedWith =
  (error: unknown) =>
  (position: Position): Error =>
    error instanceof Error
      ? error
      : recordError(
          'project_threw',
          `the call for record ${formatPosition(position)} failed with something that is no Error: ${messageOf(error)}`,
          position,
          error,
        );
