import { createHash } from 'node:crypto';
import { Observable, type Subscriber, Subscription } from 'rxjs';
import { type CallScope, currentScope, inScope } from '../../../call.ts';
import type { CancelTimer } from '../../../clock.ts';
import { InferenceError, isStreamError, OverloadError, type StreamError } from '../../../errors.ts';
import type { OpenContext } from '../../../resource.ts';
import { closedModel } from '../../internal/closed-model.ts';
import { ProcessPoolState } from '../../internal/process-pool.state.ts';
import { Suspects } from '../../internal/suspects.state.ts';
import type { ModelState } from '../../model.ts';
import type { ProgramEnd } from './program-run.ts';
import { type ProgramListener, ServerProgram } from './server-program.ts';
import type { ResolvedServerOptions } from './server-options.ts';

/** A call that somebody wants. */
interface Open {
  /** What is asked for, as data: the same for the same request. */
  readonly request: readonly unknown[];
  /** Begins it in the scope of who asked, also when another one's end makes room for it. */
  readonly begin: () => Subscription;
  readonly out: Subscriber<never>;
  inner: Subscription | undefined;
  cancelDoubt: CancelTimer;
}

/** A connection that breaks off is seen before the end of the program that held it. */
const doubtMs = 1_000;

/**
 * The calls of a program that is kept running. They wait here for a place, and while it is started again. Its end fails those in it with
 * `model_crashed`; these are suspects: tried again, each is in the program alone, and one that brings it down twice, alone, fails with
 * `model_killed`. Holds at most `maxCalls` and `maxWaiting`, and what {@link Suspects} holds.
 */
export class ProgramCalls implements ProgramListener {
  readonly #options: ResolvedServerOptions;
  readonly #context: Pick<OpenContext, 'clock' | 'log'>;
  readonly #state: ProcessPoolState;
  readonly #suspects = new Suspects();
  readonly #open = new Map<number, Open>();
  readonly program: ServerProgram;
  #nextId = 1;

  constructor(options: ResolvedServerOptions, context: Pick<OpenContext, 'clock' | 'log'>) {
    this.#options = options;
    this.#context = context;
    this.#state = new ProcessPoolState(1, options.maxCalls);
    this.program = new ServerProgram(options, context, this);
  }

  /** `call`, begun on subscription as soon as there is a place. */
  run<T>(request: readonly unknown[], call: Observable<T>): Observable<T> {
    return new Observable<T>((out) => {
      const refusal = this.#refusal();
      if (refusal) {
        out.error(refusal);
        return;
      }
      const id = this.#nextId;
      this.#nextId += 1;
      const begin = this.#beginning(id, call, out, currentScope());
      this.#open.set(id, { request, begin, out: out, inner: undefined, cancelDoubt: () => undefined });
      out.add(() => {
        this.#over(id);
      });
      const isSuspect = this.#suspects.any && this.#suspects.has(keyOf(request), this.#context.clock.nowMs());
      this.#state.ask({ id, takesPlace: true, beginning: '', isSuspect });
      this.#handOut();
    });
  }

  state(): ModelState {
    const { waiting } = this.#state;
    return { running: this.#open.size - waiting, waiting, slots: this.#options.maxCalls, restarts: this.program.restarts };
  }

  /** Ends the program; open calls fail with `model_unavailable`. Idempotent. */
  async close(): Promise<void> {
    const closing = this.program.close();
    this.#fail([...this.#open.keys()], closedModel);
    await closing;
  }

  ready(): void {
    this.#state.ready(0);
    this.#handOut();
  }

  gone(end: ProgramEnd): void {
    const ids = this.#state.gone(0, this.program.phase === 'starting');
    const keys = this.#found(ids).map(({ request }) => keyOf(request));
    const isKiller = keys.length > 0 && this.#suspects.crashed(keys, end.by, this.#context.clock.nowMs());
    if (isKiller) this.#context.log('error', `a call brings the program of ${this.#options.name} down`, { how: end.how });
    this.#fail(ids, () => (isKiller ? killedBy(end) : crashedWith(end, ids.length)));
    const refusal = this.#downReason();
    if (refusal) this.#fail(this.#state.leaveAll(), () => refusal);
  }

  #beginning<T>(id: number, call: Observable<T>, out: Subscriber<T>, scope: CallScope): () => Subscription {
    const follow = {
      next: (value: T) => {
        out.next(value);
      },
      error: (error: unknown) => {
        this.#onError(id, error);
      },
      complete: () => {
        this.program.useful();
        const open = this.#open.get(id);
        this.#suspects.cleared(this.#suspects.any && open ? keyOf(open.request) : undefined);
        out.complete();
      },
    };
    return () => inScope(scope, () => call.subscribe(follow));
  }

  #refusal(): StreamError | undefined {
    const down = this.#downReason();
    if (down) return down;
    const most = this.#options.maxCalls + this.#options.maxWaiting;
    if (this.#open.size < most) return undefined;
    return new OverloadError(`expected at most ${String(most)} calls of the model at once: use a permit, or raise server.maxWaiting`);
  }

  #downReason(): StreamError | undefined {
    const { phase, restMs } = this.program;
    if (phase === 'closed') return closedModel();
    if (phase !== 'resting') return undefined;
    const message = `the program of ${this.#options.name} keeps ending; it is started again later`;
    return new InferenceError('model_unavailable', message, { retryAfterMs: restMs });
  }

  #handOut(): void {
    for (let given = this.#state.next(); given; given = this.#state.next()) {
      const open = this.#open.get(given.id);
      if (!open) continue;
      open.inner = new Subscription();
      open.inner.add(open.begin());
    }
  }

  #onError(id: number, error: unknown): void {
    const open = this.#open.get(id);
    if (!open) return;
    if (!isBrokenOff(error)) {
      open.out.error(error);
      return;
    }
    open.cancelDoubt = this.#context.clock.schedule(doubtMs, () => {
      open.out.error(error);
    });
  }

  /** Answered, failed, or left by who asked. */
  #over(id: number): void {
    const open = this.#open.get(id);
    if (!open) return;
    this.#open.delete(id);
    open.cancelDoubt();
    open.inner?.unsubscribe();
    this.#state.leave(id);
    this.#state.over(id);
    this.#handOut();
  }

  #fail(ids: readonly number[], error: () => Error): void {
    for (const { out } of this.#found(ids)) out.error(error());
  }

  #found(ids: readonly number[]): readonly Open[] {
    return ids.flatMap((id) => this.#open.get(id) ?? []);
  }
}

const keyOf = (request: readonly unknown[]): string => createHash('sha256').update(JSON.stringify(request)).digest('base64');

/** Whether the end of the program may be the reason: no answer with a status came. */
const isBrokenOff = (error: unknown): boolean =>
  isStreamError(error) && (error.code === 'model_failed' || error.code === 'model_unavailable') && error.status === undefined;

const crashedWith = (end: ProgramEnd, calls: number): InferenceError =>
  new InferenceError(
    'model_crashed',
    `the program of the model ended (${end.how}) with ${String(calls)} calls in it, this among them; that counts as no attempt`,
  );

const killedBy = (end: ProgramEnd): InferenceError =>
  new InferenceError(
    'model_killed',
    `this call brings the program of the model down: it ended again, with nothing else in it (${end.how}); shorten or change the prompt, or look into the program's log`,
  );
