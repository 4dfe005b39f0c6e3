import { type CallContext, type CallScope, currentScope } from '../../src/call.ts';
import { type Envelope, runOf } from '../../src/record/envelope.ts';
import type { Part } from '../../src/record/part.ts';
import { noTries } from '../../src/record/tries.ts';
import { Waits } from './waits.ts';

/** What one call may know, and how it is told of its end. */
export interface DescribedCall {
  readonly scope: CallScope;
  readonly ctx: CallContext;
  readonly abort: () => void;
  /** Ends the waits that the call has not ended itself: its record's time goes on. */
  readonly goOn: () => void;
}

/** @param fail ends the call with an error; false when it has ended before. */
export function describeCall(envelope: Envelope<unknown, unknown>, part: Part, fail: (error: unknown) => boolean): DescribedCall {
  const { position, key, headers, context } = envelope;
  const run = runOf(envelope);
  const tries = noTries();
  const waits = new Waits(part, run, tries);
  const degraded = [...envelope.degraded];
  const scope: CallScope = {
    clock: run.clock,
    random: run.random,
    attempt: 1,
    get deadlineMs() {
      return part.deadlineMs;
    },
    position,
    key,
    headers,
    context,
    degraded,
    degrade: (step) => {
      degraded.push(step);
      return () => {
        degraded.splice(degraded.lastIndexOf(step), 1);
      };
    },
    tries,
    isRetried: false,
    waitsOut: false,
    takesOver: () => false,
    hold: (reason, untilMs) => {
      run.hold(reason, untilMs);
    },
    suspend: (reason) => waits.begin(reason),
    used: (usage) => {
      run.used?.(usage);
    },
    stray: (error) => {
      if (!fail(error)) run.strayed?.(position, error);
    },
  };
  const goOn = (): void => {
    waits.endAll();
  };
  return { scope, goOn, ...contextOf(scope) };
}

function contextOf(scope: CallScope): Pick<DescribedCall, 'ctx' | 'abort'> {
  let controller: AbortController | undefined; // most calls never look at the signal
  let aborted = false;
  const ctx: CallContext = {
    get deadlineMs() {
      return scope.deadlineMs;
    },
    position: scope.position,
    key: scope.key,
    headers: scope.headers,
    context: scope.context,
    degraded: scope.degraded,
    get signal() {
      controller ??= new AbortController();
      if (aborted) controller.abort();
      return controller.signal;
    },
    get attempt() {
      const now = currentScope();
      // a callback may run in the scope of the call that set it off
      return now.tries === scope.tries ? now.attempt : Math.max(1, scope.tries.count);
    },
  };
  const abort = (): void => {
    aborted = true;
    controller?.abort();
  };
  return { ctx, abort };
}
