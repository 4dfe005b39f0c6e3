import { catchError, defer, EMPTY, merge, NEVER, Observable, of } from 'rxjs';
import { InferenceError } from '../../../src/errors.ts';
import type { BackendChunk } from '../../../src/inference/model.ts';
import { failing, model, pieces, unstoppable, type PlantedFault } from './planted-fault.ts';

const wholeEnd: BackendChunk = {
  text: '',
  index: 9,
  usage: { inputTokens: 1, cachedTokens: 0, outputTokens: 1, totalTokens: 2 },
  finishReason: 'stop',
};

export const endFaults: readonly PlantedFault[] = [
  { rule: 14, fault: 'goes on for nobody', changes: pieces((chunks) => unstoppable(chunks)) },
  {
    rule: 15,
    fault: 'cannot be left before its first piece',
    changes: pieces(
      (chunks) =>
        new Observable((out) => {
          let hasBegun = false;
          const call = chunks.subscribe({
            next: (chunk) => {
              hasBegun = true;
              out.next(chunk);
            },
            error: (error: unknown) => {
              out.error(error);
            },
            complete: () => {
              out.complete();
            },
          });
          return () => {
            if (hasBegun) call.unsubscribe();
          };
        }),
    ),
  },
  { rule: 16, fault: 'does not look at its signal', changes: model(({ chat }) => ({ chat: (prompt, options) => chat(prompt, options) })) },
  {
    rule: 16,
    fault: 'looks at its signal before alone',
    changes: model(({ chat }) => ({
      chat: (prompt, options, ctx) => (ctx?.signal.aborted === true ? chat(prompt, options, ctx) : chat(prompt, options)),
    })),
  },
  { rule: 17, fault: 'does not notice that it is left from within', changes: pieces((chunks) => unstoppable(chunks)) },
  {
    rule: 18,
    fault: 'takes its neighbours along',
    changes: {
      backend: (toy) => ({
        chat: (...asked) =>
          new Observable((out) => {
            const call = toy.chat(...asked).subscribe(out);
            return () => {
              call.unsubscribe();
              if (!out.closed || asked[0][0]?.content.startsWith('Count') === true) toy.crash();
            };
          }),
      }),
    },
  },
  { rule: 19, fault: 'only says that it is gone', changes: model(() => ({ dispose: () => EMPTY })) },
  {
    rule: 19,
    fault: 'ends by another code',
    changes: model(({ dispose }, toy) => ({
      dispose: () =>
        defer(() => {
          toy.crash();
          return dispose();
        }),
    })),
  },
  { rule: 19, fault: 'never says that it is gone', changes: model(({ dispose }) => ({ dispose: () => merge(dispose(), NEVER) })) },
  { rule: 20, fault: 'is not closed', changes: { close: () => () => Promise.resolve() } },
  {
    rule: 21,
    fault: 'calls an end a whole answer',
    changes: pieces((chunks) => chunks.pipe(catchError(() => of(wholeEnd)))),
  },
  {
    rule: 21,
    fault: 'stays down',
    changes: {
      backend: (toy) => {
        let isDown = false;
        return {
          crash: () => {
            isDown = true;
            toy.crash();
          },
          chat: (...asked) => defer(() => (isDown ? failing(() => new InferenceError('model_crashed', 'down')) : toy.chat(...asked))),
        };
      },
    },
  },
  {
    rule: 22,
    fault: 'calls every fault the same',
    changes: pieces((chunks) => chunks.pipe(catchError(() => failing(() => new InferenceError('model_failed', 'no'))))),
  },
  {
    rule: 22,
    fault: 'throws what is no error of ours',
    changes: pieces((chunks, turns) => (turns[0]?.content.startsWith('Fail') === true ? failing(() => new Error('no')) : chunks)),
  },
  {
    rule: 22,
    fault: 'tells its key in an error’s cause',
    changes: pieces((chunks, turns) =>
      turns[0]?.content === 'Fail: model_failed'
        ? failing(() => new InferenceError('model_failed', 'no', { cause: new Error('key sk-very-secret') }))
        : chunks,
    ),
  },
];
