import { map, Observable, throwError } from 'rxjs';
import type { BackendChunk, ChatOptions, ChatTurn, Model } from '../../../src/inference/model.ts';
import type { ToyBackend } from '../../helpers/inference/toy-backend.ts';
import type { Changes } from '../toy.ts';

/** A back end that breaks one promise, and the rule that says so. */
export interface PlantedFault {
  readonly rule: number;
  readonly fault: string;
  readonly changes: Changes;
}

type Chat = ToyBackend['chat'];
type Pieces = (chunks: Observable<BackendChunk>, turns: readonly ChatTurn[], options: ChatOptions) => Observable<BackendChunk>;

/** Other pieces. */
export const pieces = (change: Pieces): Changes => ({
  backend: ({ chat }) => ({ chat: (turns, options, ctx) => change(chat(turns, options, ctx), turns, options) }),
});
export const each = (change: (chunk: BackendChunk) => BackendChunk): Changes => pieces((chunks) => chunks.pipe(map(change)));
/** Other options, or another prompt. */
export const asking = (change: (turns: readonly ChatTurn[], options: ChatOptions) => Parameters<Chat>): Changes => ({
  backend: ({ chat }) => ({ chat: (turns, options) => chat(...change(turns, options)) }),
});
export const without = (...names: readonly (keyof ChatOptions)[]): Changes =>
  asking((turns, options) => [
    turns,
    Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name as keyof ChatOptions))),
  ]);
export const model = (change: (sound: Model, toy: ToyBackend) => Partial<Model>): Changes => ({ model: change });
/** A call that goes on when nobody listens any more. */
export const unstoppable = <T>(call: Observable<T>): Observable<T> =>
  new Observable<T>((out) => {
    call.subscribe({
      next: (value) => {
        out.next(value);
      },
      error: (error: unknown) => {
        out.error(error);
      },
      complete: () => {
        out.complete();
      },
    });
  });
export const last = (change: (chunk: BackendChunk & Required<Pick<BackendChunk, 'usage'>>) => Partial<BackendChunk>): Changes =>
  each((chunk) => (chunk.usage ? { ...chunk, ...change({ ...chunk, usage: chunk.usage }) } : chunk));
export const failing = (error: () => Error): Observable<never> => throwError(() => error());
