import {
  concat,
  defer,
  EMPTY,
  map,
  type MonoTypeOperatorFunction,
  Observable,
  type OperatorFunction,
  pipe,
  tap,
  throwError,
  toArray,
} from 'rxjs';
import { currentScope } from '../../call.ts';
import { abortReason } from '../../clock.ts';
import { InferenceError } from '../../errors.ts';
import type { BackendChunk, FinishReason, Usage } from '../model.ts';

/** A whole answer. */
export interface Reply {
  readonly text: string;
  readonly usage: Usage;
  readonly finishReason: FinishReason;
  readonly model: string | undefined;
}

const cutOff = (): InferenceError =>
  new InferenceError('model_failed', 'expected an answer that ends with a finish reason and its usage, got one that was cut off');

/** Passes pieces on; a stream that completes without usage and finish reason was cut, and fails. */
export function endsProperly<T extends BackendChunk>(): MonoTypeOperatorFunction<T> {
  return (source) =>
    defer(() => {
      let ended = false;
      const { tries } = currentScope();
      const watched = source.pipe(
        tap(({ finishReason, usage }) => {
          tries.answering = true;
          ended = finishReason !== undefined && usage !== undefined;
        }),
      );
      return concat(
        watched,
        defer(() => (ended ? EMPTY : throwError(() => cutOff()))),
      );
    });
}

/** The pieces of one answer as one; holds the answer, which the call's `maxTokens` bounds. */
export function collect(): OperatorFunction<BackendChunk, Reply> {
  return pipe(
    endsProperly(),
    toArray(),
    map((chunks) => {
      const last = chunks.at(-1);
      if (last?.finishReason === undefined || last.usage === undefined) throw cutOff();
      const text = chunks.map((chunk) => chunk.text).join('');
      return { text, usage: last.usage, finishReason: last.finishReason, model: last.model };
    }),
  );
}

/** Fails with the signal's reason as soon as it aborts, and stops the work: for callers who hold a signal, not a subscription. */
export function untilAborted<T>(signal: AbortSignal | undefined): MonoTypeOperatorFunction<T> {
  return (source) =>
    signal === undefined
      ? source
      : new Observable<T>((out) => {
          const onAbort = (): void => {
            out.error(abortReason(signal));
          };
          if (signal.aborted) {
            onAbort();
            return;
          }
          signal.addEventListener('abort', onAbort, { once: true });
          out.add(() => {
            signal.removeEventListener('abort', onAbort);
          });
          source.subscribe(out);
        });
}

/** Both usages together. */
export const addUsage = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  cachedTokens: a.cachedTokens + b.cachedTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  totalTokens: a.totalTokens + b.totalTokens,
});

export const noUsage: Usage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, totalTokens: 0 };
