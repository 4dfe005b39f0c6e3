import { defer, type Observable, throwError } from 'rxjs';
import type { CallContext } from '../../call.ts';
import { InferenceError } from '../../errors.ts';
import type { ChatOptions, ChatTurn, ModelBackend, ModelState } from '../model.ts';
import { CallCounter } from './call-counter.ts';
import { missingSampling } from './capability.ts';
import { untilAborted } from './collect.ts';
import { Disposal } from './disposal.ts';
import { isBlank } from './prompt.ts';

/** Runs the calls of one model: counted, and cut off by their signal, or by the end of the model. */
export class Runner {
  readonly #backend: ModelBackend;
  readonly #calls = new CallCounter();
  readonly #disposal: Disposal;

  constructor(backend: ModelBackend) {
    this.#backend = backend;
    this.#disposal = new Disposal(backend.name);
  }

  run<T>(ctx: CallContext | undefined, work: () => Observable<T>): Observable<T> {
    return defer(work).pipe(this.#calls.counted(), this.#disposal.until(), untilAborted(ctx?.signal));
  }

  /** A call about text: there has to be some, and nothing may be asked for that would be left out in silence. */
  ask<T>(
    turns: readonly ChatTurn[],
    options: ChatOptions | undefined,
    ctx: CallContext | undefined,
    work: () => Observable<T>,
  ): Observable<T> {
    const { name, capabilities } = this.#backend;
    return this.run(ctx, () => {
      const refusal = isBlank(turns) ? blank() : missingSampling(name, capabilities, options);
      return refusal === undefined ? work() : throwError(() => refusal);
    });
  }

  state(): ModelState {
    return this.#calls.state();
  }

  /** Fails what runs, and what comes later. */
  end(): void {
    this.#disposal.end();
  }
}

const blank = (): InferenceError => new InferenceError('model_rejected', 'expected a prompt with some text, got a blank one');
