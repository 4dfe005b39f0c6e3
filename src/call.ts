import { AsyncLocalStorage } from 'node:async_hooks';
import { Observable } from 'rxjs';
import { type Clock, systemClock } from './clock.ts';
import { isAbortError } from './errors.ts';
import { noContext, type RecordContext } from './record/record-context.ts';
import { notDegraded } from './record/degraded.ts';
import type { ModelUse } from './record/spending.ts';
import { type Tries, noTries } from './record/tries.ts';
import type { Position, RecordHeaders } from './record/record.ts';

/** What a call may know of the record it is made for. For a batch, of the batch's first record. */
export interface CallContext {
  /** Aborted when nobody waits for the result any more: unsubscribed, timed out, given back. */
  readonly signal: AbortSignal;
  /**
   * 1 for the first attempt; counted by `retryWithBackoff`, or by the pipeline's default retry. An overload (429, 503, 529) is no
   * attempt: the call is made again under the same number.
   */
  readonly attempt: number;
  /**
   * When the record's time is up, in the clock's milliseconds since 1970; Infinity outside a pipeline. The time stands still while a
   * call waits for a policy.
   */
  readonly deadlineMs: number;
  /** The record; undefined outside a pipeline. */
  readonly position: Position | undefined;
  readonly key: unknown;
  readonly headers: RecordHeaders;
  /** The request that the record belongs to: request id, identity, tenant, priority, trace. */
  readonly context: RecordContext;
  /** The steps that have stood in for another one so far, for this record: names given to `fallbackTo`. */
  readonly degraded: readonly string[];
}

/** What a call tells the budgets around it while it runs: whoever makes the call has it from its scope, and may leave out any of it. */
export interface CallMeter {
  /** The headers of a response, as soon as they are there. */
  observe(headers: { get(name: string): string | null }): void;
  /** So many more tokens of the answer have come; 0 says at the start that they will be told. */
  received(tokens: number): void;
  /** A request of this call is over, and has used so much; what is received from now on is another's. */
  used(usage: { readonly inputTokens: number; readonly outputTokens: number; readonly cachedTokens?: number }): void;
  /** Whether a request may have left. False: certainly not, it waits here or could not be sent. True takes that back. */
  sent(isSent: boolean): void;
}

/**
 * What the operators on one call share without being wired: it is set when a stream operator subscribes to a call, and
 * travels with the subscription, also across timers and promises.
 */
export interface CallScope extends Omit<CallContext, 'signal'> {
  readonly clock: Clock;
  /** Chance, from 0 up to 1. */
  readonly random: () => number;
  /** What was tried so far, for the record's dead letter; shared by all scopes of one call. */
  readonly tries: Tries;
  /** A retry operator further out makes the attempts: one inside of it makes none of its own. */
  readonly isRetried: boolean;
  /** A retry further out, the pipeline's default included, waits out overloads. */
  readonly waitsOut: boolean;
  /** What the call emits from now on is marked as coming of `step`, which stands in for another one; the result takes that back. */
  degrade(step: string): () => void;
  /** Whether a `fallbackTo` further out takes `error`: who would wait for the service then fails at once instead. */
  takesOver(error: unknown): boolean;
  /** Whether it is aborted since another attempt at the same call has answered: what it asked is paid for, though nobody told. */
  isBeaten(): boolean;
  /** Asks the source to hold back until `untilMs`, and to say why. */
  hold(reason: string, untilMs: number): void;
  /**
   * The record's time stands still until the result is called (which may be called again): for a call that waits for a policy before
   * it runs. Of a batch, the time of all its members. `deadlineMs` moves with it; the end of the call ends it, too.
   */
  suspend(reason: string): () => void;
  /** Told of what a model has used for an answer, and of what it was asked. Absent outside a pipeline. */
  readonly used?: ((use: ModelUse) => void) | undefined;
  /** Told of what was thrown in the course of this call where nobody awaits it: it fails the call. Absent outside a pipeline. */
  readonly stray?: ((error: unknown) => void) | undefined;
  /** Of the budgets around; absent where there is none. */
  readonly meter?: CallMeter | undefined;
}

const storage = new AsyncLocalStorage<CallScope>();

const outside: CallScope = {
  clock: systemClock,
  random: Math.random,
  attempt: 1,
  deadlineMs: Number.POSITIVE_INFINITY,
  position: undefined,
  key: null,
  headers: [],
  context: noContext,
  degraded: notDegraded,
  degrade: () => () => undefined,
  tries: noTries(),
  isRetried: false,
  waitsOut: false,
  takesOver: () => false,
  isBeaten: () => false,
  hold: () => undefined,
  suspend: () => () => undefined,
};

/** The scope of the call that is being subscribed to or runs; a neutral one with the system clock outside a pipeline. */
export const currentScope = (): CallScope => storage.getStore() ?? outside;

/** A scope of no record, with a clock: for what is called while resources are opened. */
export const scopeOf = (clock: Clock): CallScope => ({ ...outside, clock, tries: noTries() });

type Fields = Partial<Pick<CallScope, 'attempt' | 'isRetried' | 'waitsOut' | 'meter' | 'degrade' | 'suspend' | 'takesOver' | 'isBeaten'>>;

/** A class, so that all have one shape: see `operators/internal/describe-call.ts`. */
class InnerScope implements CallScope {
  readonly clock: Clock;
  readonly random: () => number;
  readonly attempt: number;
  readonly position: Position | undefined;
  readonly key: unknown;
  readonly headers: RecordHeaders;
  readonly context: RecordContext;
  readonly tries: Tries;
  readonly isRetried: boolean;
  readonly waitsOut: boolean;
  readonly #outer: CallScope;
  readonly #fields: Fields;

  constructor(outer: CallScope, fields: Fields) {
    this.#outer = outer;
    this.#fields = fields;
    this.clock = outer.clock;
    this.random = outer.random;
    this.attempt = fields.attempt ?? outer.attempt;
    this.position = outer.position;
    this.key = outer.key;
    this.headers = outer.headers;
    this.context = outer.context;
    this.tries = outer.tries;
    this.isRetried = fields.isRetried ?? outer.isRetried;
    this.waitsOut = fields.waitsOut ?? outer.waitsOut;
  }

  get deadlineMs(): number {
    return this.#outer.deadlineMs;
  }

  get degraded(): readonly string[] {
    return this.#outer.degraded;
  }

  get meter(): CallMeter | undefined {
    return this.#fields.meter ?? this.#outer.meter;
  }

  get used(): CallScope['used'] {
    return this.#outer.used;
  }

  get stray(): CallScope['stray'] {
    return this.#outer.stray;
  }

  degrade(step: string): () => void {
    return (this.#fields.degrade ?? ((one) => this.#outer.degrade(one)))(step);
  }

  takesOver(error: unknown): boolean {
    return this.#fields.takesOver?.(error) ?? this.#outer.takesOver(error);
  }

  isBeaten(): boolean {
    return (this.#fields.isBeaten ?? (() => this.#outer.isBeaten()))();
  }

  hold(reason: string, untilMs: number): void {
    this.#outer.hold(reason, untilMs);
  }

  suspend(reason: string): () => void {
    return (this.#fields.suspend ?? ((one) => this.#outer.suspend(one)))(reason);
  }
}

/** `scope` with other fields, for what runs further in. */
export const scopeWith = (scope: CallScope, fields: Fields): CallScope => new InnerScope(scope, fields);

/** Runs `body` with `scope` as the current one. */
export const inScope = <T>(scope: CallScope, body: () => T): T => storage.run(scope, body);

/** Why work that a call has left behind is aborted: one for all, since a new one costs more than the rest of a short call. */
const over = new DOMException('the call has ended', 'AbortError');

/**
 * Makes an async function a cold call: it runs once per subscription, emits its result and completes. Unsubscribing
 * aborts `ctx.signal`; the function is expected to stop then, and what it does afterwards is ignored.
 */
export function call<T>(work: (ctx: CallContext) => Promise<T>): Observable<T> {
  return new Observable<T>((out) => {
    const scope = currentScope();
    const controller = new AbortController();
    let isOver = false;
    out.add(() => {
      controller.abort(isOver ? over : undefined);
    });
    const { attempt, deadlineMs, position, key, headers, context, degraded } = scope;
    const ctx = { signal: controller.signal, attempt, deadlineMs, position, key, headers, context, degraded };
    const start = async (): Promise<T> => work(ctx);
    start().then(
      (value) => {
        out.next(value);
        isOver = true;
        out.complete();
      },
      (error: unknown) => {
        if (!(controller.signal.aborted && isAbortError(error))) out.error(error);
      },
    );
  });
}
