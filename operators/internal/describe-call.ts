import { type CallContext, type CallScope, currentScope } from '../../src/call.ts';
import { type Envelope, runOf } from '../../src/record/envelope.ts';
import type { Part } from '../../src/record/part.ts';
import type { Position, RecordHeaders } from '../../src/record/record.ts';
import type { RecordContext } from '../../src/record/record-context.ts';
import type { Run } from '../../src/record/run.ts';
import { noTries, type Tries } from '../../src/record/tries.ts';
import type { Clock } from '../../src/clock.ts';
import { notDegraded } from '../../src/record/degraded.ts';
import { Waits } from './waits.ts';

/*
 * Classes, whose accessors stand on their prototypes: an object literal with a getter has a shape of its own each time, which costs
 * 1 µs, and which keeps all that the getter knows alive until V8's next full collection.
 */

/** What one call may know, and how it is told of its end. */
export class DescribedCall implements CallScope {
  readonly clock: Clock;
  readonly random: () => number;
  readonly attempt = 1;
  readonly position: Position;
  readonly key: unknown;
  readonly headers: RecordHeaders;
  readonly context: RecordContext;
  readonly tries: Tries = noTries();
  readonly isRetried = false;
  readonly waitsOut: boolean;
  readonly ctx: OwnContext;
  readonly #run: Run;
  readonly #part: Part;
  readonly #fail: (error: unknown) => boolean;
  #waits: Waits | undefined; // most calls never wait
  #degraded: readonly string[];
  #stray: ((error: unknown) => void) | undefined;
  #used: CallScope['used'];

  /** @param fail ends the call with an error; false when it has ended before. */
  constructor(envelope: Envelope<unknown, unknown>, part: Part, fail: (error: unknown) => boolean) {
    const run = runOf(envelope);
    this.#run = run;
    this.#part = part;
    this.#fail = fail;
    this.clock = run.clock;
    this.random = run.random;
    this.position = envelope.position;
    this.key = envelope.key;
    this.headers = envelope.headers;
    this.context = envelope.context;
    this.waitsOut = run.retry !== undefined;
    this.#degraded = envelope.degraded;
    this.ctx = new OwnContext(this);
  }

  get deadlineMs(): number {
    return this.#part.deadlineMs;
  }

  /** A list that stays as it is: what comes later is in another one. */
  get degraded(): readonly string[] {
    return this.#degraded;
  }

  degrade(step: string): () => void {
    this.#degraded = [...this.#degraded, step];
    return () => {
      const at = this.#degraded.lastIndexOf(step);
      const rest = this.#degraded.filter((_, index) => index !== at);
      this.#degraded = rest.length === 0 ? notDegraded : rest;
    };
  }

  takesOver(): boolean {
    return false;
  }

  isBeaten(): boolean {
    return false;
  }

  hold(reason: string, untilMs: number): void {
    this.#run.hold(reason, untilMs);
  }

  suspend(reason: string): () => void {
    this.#waits ??= new Waits(this.#part, this.#run, this.tries);
    return this.#waits.begin(reason);
  }

  get used(): CallScope['used'] {
    if (this.#run.used === undefined && this.#run.modelHeaders !== true) return undefined;
    return (this.#used ??= (use) => {
      this.#run.used?.(use);
      if (this.#run.modelHeaders === true) this.#part.spent(use);
    });
  }

  get stray(): (error: unknown) => void {
    return (this.#stray ??= (error) => {
      if (!this.#fail(error)) this.#run.strayed?.(this.position, error);
    });
  }

  /** Ends the waits that the call has not ended itself: its record's time goes on. */
  goOn(): void {
    this.#waits?.endAll();
  }

  abort(): void {
    OwnContext.abort(this.ctx);
  }
}

/** The signal of a call that nobody may have asked for yet, and the moment's attempt and deadline. Copies are data of their moment. */
class OwnContext implements CallContext {
  declare readonly signal: AbortSignal;
  declare readonly attempt: number;
  declare readonly deadlineMs: number;
  declare readonly degraded: readonly string[];
  readonly position: Position;
  readonly key: unknown;
  readonly headers: RecordHeaders;
  readonly context: RecordContext;
  readonly #scope: DescribedCall;
  #controller: AbortController | undefined; // most calls never look at the signal
  #aborted = false;

  constructor(scope: DescribedCall) {
    this.#scope = scope;
    this.position = scope.position;
    this.key = scope.key;
    this.headers = scope.headers;
    this.context = scope.context;
    // its own, not the prototype's, or `{ ...ctx }` would be without them; one function for all of them, so that all have one shape
    Object.defineProperty(this, 'signal', OwnContext.#signal);
    Object.defineProperty(this, 'attempt', OwnContext.#attempt);
    Object.defineProperty(this, 'deadlineMs', OwnContext.#deadlineMs);
    Object.defineProperty(this, 'degraded', OwnContext.#degraded);
  }

  static abort(ctx: OwnContext): void {
    ctx.#aborted = true;
    ctx.#controller?.abort();
  }

  static readonly #signal = read((ctx) => {
    ctx.#controller ??= new AbortController();
    if (ctx.#aborted) ctx.#controller.abort();
    return ctx.#controller.signal;
  });
  static readonly #attempt = read((ctx) => {
    const now = currentScope();
    const { tries } = ctx.#scope;
    // a callback may run in the scope of the call that set it off
    return now.tries === tries ? now.attempt : Math.max(1, tries.count);
  });
  static readonly #deadlineMs = read((ctx) => ctx.#scope.deadlineMs);
  static readonly #degraded = read((ctx) => ctx.#scope.degraded);
}

function read(get: (ctx: OwnContext) => unknown): PropertyDescriptor {
  return {
    enumerable: true,
    get(this: OwnContext) {
      return get(this);
    },
  };
}
