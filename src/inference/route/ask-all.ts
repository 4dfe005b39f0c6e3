import { Observable, type Subscriber, Subscription } from 'rxjs';
import { currentScope, inScope, scopeWith } from '../../call.ts';
import { isAbortError } from '../../errors.ts';
import { whileWanted } from '../../policies/internal/while-wanted.ts';
import type { Model } from '../model.ts';
import { AttemptMeters } from './attempt-meters.ts';
import { mostTelling } from './verdict.ts';

/** How a model has answered. */
export type Heard<T> = { readonly index: number; readonly value: T } | { readonly index: number; readonly error: unknown };

export interface AskAll<T, R> {
  readonly models: readonly Model[];
  readonly work: (model: Model) => Observable<T>;
  /** For those that are not heard to their end. */
  readonly inputTokens: () => number;
  /** Answers without which there is no result. */
  readonly atLeast: number;
  /** Asked after each answer; undefined: the others are waited for. */
  readonly resultOf: (heard: readonly Heard<T>[], isAll: boolean) => R | undefined;
}

/**
 * Asks all at once, and emits what is made of their answers as soon as that is known; who still runs then is aborted. Fails as soon as fewer than `atLeast` can
 * answer, with the most telling of their errors; with an AbortError at once. Holds an answer a model.
 */
export const askAll = <T, R>(asked: AskAll<T, R>): Observable<R> =>
  new Observable<R>((out) => {
    const hearing = new Hearing(asked, out);
    for (const index of asked.models.keys()) if (!out.closed) hearing.ask(index);
  });

/** One call of all models. */
class Hearing<T, R> {
  readonly #asked: AskAll<T, R>;
  readonly #out: Subscriber<R>;
  readonly #scope = currentScope();
  readonly #meters = new AttemptMeters(this.#scope);
  readonly #inputTokens: number;
  readonly #heard: Heard<T>[] = [];
  readonly #running = new Set<Subscription>();
  #isOver = false;

  constructor(asked: AskAll<T, R>, out: Subscriber<R>) {
    this.#asked = asked;
    this.#out = out;
    this.#inputTokens = asked.inputTokens();
    out.add(() => {
      this.#isOver = true; // before those are stopped that nobody wants any more
      this.#stop();
    });
  }

  ask(index: number): void {
    const model = this.#asked.models[index] as Model;
    const meter = this.#meters.begin(this.#inputTokens, model.name);
    const one = new Subscription();
    let last: { readonly value: T } | undefined;
    let hasEnded = false;
    this.#running.add(one);
    one.add(() => {
      this.#running.delete(one);
      if (!hasEnded && !this.#isOver) meter.abandoned();
    });
    const ended = (how: Heard<T>): void => {
      hasEnded = true;
      one.unsubscribe();
      this.#hear(how);
    };
    const work = this.#asked.work(model);
    inScope(scopeWith(this.#scope, { meter }), () => {
      one.add(
        whileWanted(work, one).subscribe({
          next: (value) => {
            last = { value };
          },
          error: (error: unknown) => {
            if (isAbortError(error)) this.#out.error(error);
            else ended({ index, error });
          },
          complete: () => {
            if (last && !one.closed) ended({ index, value: last.value }); // else it was aborted
          },
        }),
      );
    });
  }

  #hear(one: Heard<T>): void {
    this.#heard.push(one);
    const { models, atLeast, resultOf } = this.#asked;
    const errors = this.#heard.flatMap((each) => ('error' in each ? [each.error] : []));
    if (errors.length > models.length - atLeast) {
      this.#stop();
      this.#out.error(mostTelling(errors));
    } else if (this.#heard.length - errors.length >= atLeast) {
      try {
        const result = resultOf(this.#heard, this.#heard.length === models.length);
        if (result === undefined) return;
        this.#stop();
        this.#out.next(result);
        this.#out.complete();
      } catch (error) {
        this.#out.error(error); // a comparison of the user's
      }
    }
  }

  #stop(): void {
    for (const one of this.#running) one.unsubscribe();
  }
}
