import { concatMap, defer, EMPTY, from, identity, map, type MonoTypeOperatorFunction, Observable, of, throwError } from 'rxjs';
import { call, currentScope } from '../../call.ts';
import { sleep } from '../../clock.ts';
import { type ErrorCode, gradeOf, InferenceError, isStreamError, OptionError } from '../../errors.ts';
import type { OpenContext, Opened, Resource } from '../../resource.ts';
import type { Model } from '../model.ts';
import { type Asked, type Entry, keyOf, stableJson } from './entry.ts';
import type { Tape } from './tape.ts';

/** Of a question, in a message. */
const shownPrompt = 60;

interface PlayerOptions {
  readonly model: Resource<Model>;
  readonly tape: Tape;
  readonly mode: 'replay' | 'record' | 'auto';
  readonly isTimed: boolean;
  readonly context: OpenContext;
}

/** Answers from the tape, or from the model onto the tape. */
export class Player {
  readonly tape: Tape;
  readonly #options: PlayerOptions;
  #opened: Promise<Opened<Model>> | undefined;

  constructor(options: PlayerOptions) {
    this.#options = options;
    this.tape = options.tape;
  }

  async begin(): Promise<void> {
    const { tape, mode } = this.#options;
    if (mode === 'record') {
      await tape.beginAnew();
      tape.header = undefined;
    }
    if (mode === 'replay' && !tape.header)
      throw new InferenceError(
        'model_not_found',
        `cassette ${tape.file} does not exist: record it with MILLRACE_CASSETTE=record, or mode: 'record'`,
      );
    if (!tape.header) await this.#open();
  }

  /** Disposes of the model, where it is open. */
  dispose(): Observable<never> {
    return defer(() => (this.#opened === undefined ? EMPTY : from(this.#opened).pipe(concatMap(({ value }) => value.dispose()))));
  }

  async close(): Promise<void> {
    await this.tape.saved();
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.close();
  }

  /**
   * The answer to a question, which the model is asked by `ask`.
   * @param counted tells what a replayed one used; of one that is recorded the model itself does
   */
  play<T>(asked: Asked, ask: (model: Model) => Observable<T>, counted: MonoTypeOperatorFunction<T> = identity): Observable<T> {
    return defer(() => {
      const key = keyOf(asked);
      const { tape, mode, isTimed } = this.#options;
      const entry = tape.find(key);
      if (entry) return replayed<T>(entry, isTimed).pipe(counted);
      if (mode === 'replay') return throwError(() => missing(tape.file, asked, key));
      return from(this.#open()).pipe(concatMap((model) => this.#recorded(asked, key, ask(model))));
    });
  }

  async #open(): Promise<Model> {
    const { model, tape, context } = this.#options;
    this.#opened ??= model.open(context);
    const { value } = await this.#opened;
    const { name, capabilities } = value;
    tape.header ??= { cassette: 1, model: name, capabilities };
    if (tape.header.model !== name)
      throw new OptionError(
        `cassette ${tape.file} holds answers of ${tape.header.model}, and the model is ${name}: begin it anew with mode: 'record'`,
      );
    return value;
  }

  #recorded<T>(asked: Asked, key: string, answer: Observable<T>): Observable<T> {
    return new Observable<T>((out) => {
      const { clock } = currentScope();
      const emitted: T[] = [];
      const afterMs: number[] = [];
      let lastMs = clock.nowMs();
      const times = (): Pick<Entry, 'afterMs'> => (this.#options.isTimed ? { afterMs } : {});
      return answer.subscribe({
        next: (value) => {
          emitted.push(value);
          afterMs.push(Math.round(clock.nowMs() - lastMs));
          lastMs = clock.nowMs();
          out.next(value);
        },
        error: (error: unknown) => {
          if (isStreamError(error) && gradeOf[error.code] === 'record')
            this.tape.keep({
              ...asked,
              key,
              ...(emitted.length > 0 ? { emitted } : {}),
              error: { code: error.code, message: error.message },
            });
          out.error(error);
        },
        complete: () => {
          this.tape.keep({ ...asked, key, emitted, ...times() });
          out.complete();
        },
      });
    });
  }
}

/** Never within the call that subscribes: a model answers later. */
function replayed<T>({ emitted = [], afterMs = [], error }: Entry, isTimed: boolean): Observable<T> {
  const { clock } = currentScope();
  const piece = (value: unknown, at: number): Observable<T> => {
    const waitMs = isTimed ? (afterMs[at] ?? 0) : 0;
    return waitMs === 0 ? of(value as T) : call(({ signal }) => sleep(clock, waitMs, signal)).pipe(map(() => value as T));
  };
  const end: readonly Observable<T>[] = error ? [throwError(() => new InferenceError(error.code as ErrorCode, error.message))] : [];
  return from(Promise.resolve()).pipe(
    concatMap(() => from([...emitted.map(piece), ...end])),
    concatMap((one) => one),
  );
}

function missing(file: string, { method, request }: Asked, key: string): InferenceError {
  const text = stableJson(request);
  const shown = text.length > shownPrompt ? `${text.slice(0, shownPrompt)}…` : text;
  return new InferenceError(
    'model_not_found',
    `cassette ${file} has no answer to ${method} ${shown} (${key}): record it with MILLRACE_CASSETTE=record, or mode: 'record'`,
  );
}
