import { catchError, concatMap, defer, from, map, type MonoTypeOperatorFunction, Observable, throwError } from 'rxjs';
import { type CallContext, type CallScope, currentScope } from '../../call.ts';
import { InferenceError, isStreamError } from '../../errors.ts';
import { noUsage } from '../internal/collect.ts';
import { withinScope } from '../internal/within-scope.ts';
import type { ChatChunk, Prompt } from '../model.ts';
import type { Trouble } from './answering-options.ts';
import { concatInScope, type Spent, together, watchingUse } from './spent.ts';
import { type Asking, type Next, type Rules, wayOut } from './ways-out.ts';

/** What became of the calls. */
export type AnsweringCounts = Record<Trouble | 'calls' | 'givenUp', number>;

export interface AnsweringRules extends Rules {
  readonly counts: AnsweringCounts;
}

/** How one kind of call is made, and made again. */
export interface Kind<T> {
  readonly prompt: Prompt;
  /** Undefined where answers have no length. */
  readonly maxTokens: number | undefined;
  readonly ask: (asking: Asking) => Observable<T>;
  /** With what was spent before, and what was done. */
  readonly added: (value: T, asking: Asking) => T;
  /** What is given without an answer; nothing where it does not fit. */
  readonly instead: (value: unknown, asking: Asking) => Observable<readonly T[]>;
  readonly ctx: CallContext | undefined;
}

/** A text that ended in trouble: if nothing helps it is what the call gives, as it would without us. */
export class HeldText extends InferenceError {
  readonly chunks: readonly ChatChunk[];
  constructor(trouble: Trouble, chunks: readonly ChatChunk[]) {
    super(trouble, 'a text that is not passed on as it is');
    this.chunks = chunks;
  }
}

/** A call that is made again, otherwise, as long as something is the matter with its answer and a way out is left. */
export function mendedCall<T>(kind: Kind<T>, rules: AnsweringRules): Observable<T> {
  const { prompt, maxTokens } = kind;
  const first: Asking = { model: rules.model, prompt, maxTokens, steps: [], spent: { usage: noUsage, cost: undefined }, tried: new Set() };
  void kind.ask(first); // options that are wrong are so at the call
  return defer(() => {
    rules.counts.calls += 1;
    return new Mending(kind, rules, currentScope()).asked(first);
  });
}

class Mending<T> {
  readonly #kind: Kind<T>;
  readonly #rules: AnsweringRules;
  readonly #scope: CallScope;

  constructor(kind: Kind<T>, rules: AnsweringRules, scope: CallScope) {
    this.#kind = kind;
    this.#rules = rules;
    this.#scope = scope;
  }

  asked(asking: Asking): Observable<T> {
    const used = { usage: noUsage };
    let hasEmitted = false;
    return watchingUse(this.#kind.ask(asking), used).pipe(
      map((value) => {
        hasEmitted = true;
        return this.#kind.added(value, asking);
      }),
      degrading(asking.steps),
      catchError((error: unknown) => {
        const trouble = troubleOf(error);
        if (trouble === undefined || hasEmitted) return throwError(() => error as Error);
        this.#rules.counts[trouble] += 1;
        const cost = error instanceof HeldText ? error.chunks.at(-1)?.cost : undefined;
        const spent = together(asking.spent, { usage: used.usage, ...(cost === undefined ? {} : { cost }) });
        const giveUp = (): Observable<T> => this.#givenUp(error, asking);
        return withinScope(this.#scope, this.#goOn({ ...asking, spent }, trouble, giveUp)); // the error may have come on another call's stack
      }),
    );
  }

  #goOn(asking: Asking, trouble: Trouble, giveUp: () => Observable<T>): Observable<T> {
    const used = { usage: noUsage };
    return watchingUse(wayOut(asking, trouble, this.#rules, this.#kind.ctx), used).pipe(
      concatMap((next) => withinScope(this.#scope, next === undefined ? giveUp() : this.#taken(next, used, trouble, giveUp))),
    );
  }

  #taken({ asking, skip }: Next, used: Partial<Spent>, trouble: Trouble, giveUp: () => Observable<T>): Observable<T> {
    const going: Asking = { ...asking, spent: together(asking.spent, used) };
    if (skip) return this.#skipped(going, skip.value, trouble, giveUp);
    if (trouble !== 'prompt_too_long') this.#scope.tries.repairs += 1; // the record's history counts every call that was made for it
    return this.asked(going);
  }

  #skipped(asking: Asking, value: unknown, trouble: Trouble, giveUp: () => Observable<T>): Observable<T> {
    const skipping: Asking = { ...asking, steps: [...asking.steps, 'skipped'] };
    return this.#kind.instead(value, asking).pipe(
      concatInScope((values) =>
        values.length === 0
          ? this.#goOn(asking, trouble, giveUp)
          : from(values).pipe(
              map((one) => this.#kind.added(one, skipping)),
              degrading(skipping.steps),
            ),
      ),
    );
  }

  #givenUp(error: unknown, asking: Asking): Observable<T> {
    this.#rules.counts.givenUp += 1;
    if (!(error instanceof HeldText)) return throwError(() => error as Error);
    return from(error.chunks as readonly T[]).pipe(
      map((chunk) => this.#kind.added(chunk, asking)),
      degrading(asking.steps),
    );
  }
}

const troubles: ReadonlySet<string> = new Set([
  'prompt_too_long',
  'answer_truncated',
  'answer_refused',
  'answer_empty',
] satisfies Trouble[]);

const troubleOf = (error: unknown): Trouble | undefined =>
  isStreamError(error) && troubles.has(error.code) ? (error.code as Trouble) : undefined;

/** The record's output says what was done; not where the call fails, or ends before it has given anything: it may be made again, without. */
const degrading =
  <T>(steps: readonly string[]): MonoTypeOperatorFunction<T> =>
  (source) =>
    steps.length === 0
      ? source
      : new Observable<T>((out) => {
          const scope = currentScope();
          const undos = steps.map((step) => scope.degrade(step));
          let isKept = false;
          const undo = (): void => {
            for (const one of undos.splice(0)) one();
          };
          out.add(() => {
            if (!isKept) undo();
          });
          return source.subscribe({
            next: (value) => {
              isKept = true;
              out.next(value);
            },
            error: (error: unknown) => {
              undo();
              out.error(error);
            },
            complete: () => {
              out.complete();
            },
          });
        });
