import { Observable, type Subscriber, type Subscription } from 'rxjs';
import { type CallScope, currentScope, inScope } from '../../src/call.ts';
import { classify } from '../../src/classify.ts';
import { type Grade, isAbortError, messageOf, RecordError } from '../../src/errors.ts';
import type { Bisection, Results } from './bisection.state.ts';
import { whileWanted } from './operate.ts';

export interface BisectRules {
  readonly maxCalls: number;
  readonly bisectIf: (error: unknown, grade: Grade) => boolean;
}

export interface BisectedCallOptions<R> {
  readonly bisection: Bisection<R>;
  /** The call for the members from `start` up to `end`; may throw. */
  readonly callFor: (start: number, end: number) => Observable<readonly R[]>;
  readonly rules: BisectRules;
  /** Told of errors that are not one member's. */
  readonly out: Subscriber<Results<R>>;
  readonly done: (results: Results<R>) => void;
}

/** The calls for one batch, one after the other, as its bisection says. */
export class BisectedCall<R> {
  readonly #options: BisectedCallOptions<R>;
  readonly #scope: CallScope;
  #running: Subscription | undefined;
  #isRunning = false;
  #looping = false;

  constructor(options: BisectedCallOptions<R>) {
    this.#options = options;
    this.#scope = currentScope();
  }

  /** A loop, not a call in a call: those that end at once must not pile up on the stack. */
  goOn(): void {
    if (this.#looping) return;
    const { bisection, out, done } = this.#options;
    this.#looping = true;
    for (let next = bisection.next; next && !this.#isRunning && !out.closed; next = bisection.next) this.#call(next.start, next.end);
    this.#looping = false;
    if (bisection.next === undefined && !out.closed) done(bisection.results);
  }

  stop(): void {
    this.#running?.unsubscribe();
  }

  #call(start: number, end: number): void {
    const { bisection, callFor, out } = this.#options;
    this.#isRunning = true;
    // a call that begins when another one ends would find itself in that one's scope
    inScope(this.#scope, () => {
      this.#running = whileWanted(
        onePerMember(end - start, () => callFor(start, end)),
        out,
      ).subscribe({
        next: (results) => {
          bisection.succeeded(results);
          this.#ended();
        },
        error: (error: unknown) => {
          this.#failed(error);
        },
      });
    });
    if (out.closed) this.stop();
  }

  #failed(error: unknown): void {
    try {
      if (this.#place(error)) this.#ended();
      else this.#options.out.error(error);
    } catch (thrown) {
      this.#options.out.error(thrown); // bisectIf
    }
  }

  /** Says what becomes of the members; false when it is for those around to say, such as a retry. */
  #place(error: unknown): boolean {
    const { bisection, rules } = this.#options;
    const { calls, canCut } = bisection;
    if (isAbortError(error)) return false;
    const grade = classify(error);
    if (rules.bisectIf(error, grade) && (canCut || calls > 0)) bisection.failed(asError(error));
    else if (calls > 0 && grade !== 'pipeline' && this.#hasOwnRetry) bisection.failedWhole(asError(error));
    else return false;
    return true;
  }

  #ended(): void {
    if (this.#options.bisection.calls > 1 && !this.#hasOwnRetry) this.#scope.tries.repairs += 1; // else the retry has counted it
    this.#isRunning = false;
    this.goOn();
  }

  /** A retry operator has worked on the calls themselves: one that fails has had its attempts. */
  get #hasOwnRetry(): boolean {
    const { tries, isRetried } = this.#scope;
    return tries.hasOperator && !isRetried;
  }
}

/** The one array of a call, once the call has completed. */
function onePerMember<R>(members: number, callFor: () => Observable<readonly R[]>): Observable<readonly R[]> {
  return new Observable((out) => {
    const given: unknown[] = [];
    return whileWanted(callFor(), out).subscribe({
      next: (results) => given.push(results),
      error: (error: unknown) => {
        out.error(error);
      },
      complete: () => {
        const [results] = given;
        if (given.length === 1 && Array.isArray(results) && results.length === members) out.next(results as readonly R[]);
        else out.error(mismatch(members, given));
        out.complete();
      },
    });
  });
}

function mismatch(members: number, given: readonly unknown[]): Error {
  const [results] = given;
  const got =
    given.length !== 1
      ? `${String(given.length)} arrays`
      : Array.isArray(results)
        ? `${String(results.length)} results`
        : `a value of type ${typeof results}`;
  const text = `a call for a batch of ${String(members)} must return one array of ${String(members)} results in their order, got ${got}`;
  return new RecordError('batch_size_mismatch', text);
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new RecordError('project_threw', `the call failed with something that is no Error: ${messageOf(error)}`);
