import { ResultQueue } from './result-queue.ts';

/** How a piece of work ended that nobody may be waiting for yet. */
type Ended<R> = { readonly value: R } | { readonly error: unknown };

/** An input of either kind. */
export type Source<T> = AsyncIterable<T> | Iterable<T>;

export const iteratorOf = <T>(source: Source<T>): Iterator<T, unknown> | AsyncIterator<T, unknown> =>
  Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();

const ended = <R>(work: Promise<R>): Promise<Ended<R>> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

/**
 * What `start` makes of each value, in order, begun ahead of the reader: at most `most` are begun and not read. It begins with the first read; leaving early aborts what runs and leaves the source.
 */
export async function* readAhead<T, R>(
  source: Source<T>,
  most: number,
  start: (value: T, signal: AbortSignal) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const iterator = iteratorOf(source);
  const over = new AbortController();
  const queue = new ResultQueue<{ readonly made: Promise<Ended<R>> }>(() => undefined);
  let open = 0;
  let isPumping = false;
  const state = { isOver: false }; // of the source
  const pump = async (): Promise<void> => {
    if (isPumping) return;
    isPumping = true;
    try {
      while (!state.isOver && open < most) {
        const next = await iterator.next();
        if (next.done === true) {
          state.isOver = true;
          queue.complete();
        } else if (!over.signal.aborted) {
          open += 1;
          queue.push({ made: ended(start(next.value, over.signal)) });
        }
      }
    } catch (error) {
      state.isOver = true;
      queue.fail(error);
    }
    isPumping = false;
  };
  try {
    for (;;) {
      void pump();
      const next = await queue.next();
      if (next.done === true) return;
      const end = await next.value.made;
      open -= 1;
      void pump(); // before the reader has done with this one
      if ('error' in end) throw end.error;
      yield end.value;
    }
  } finally {
    const isLeft = !state.isOver;
    state.isOver = true;
    over.abort();
    if (isLeft) await iterator.return?.();
  }
}
