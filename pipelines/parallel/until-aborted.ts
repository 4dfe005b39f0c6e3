/** The values of a source up to its end, or to the signal, whichever is first: a source that says nothing for hours must not hold up who wants to stop. It is left then, and what it is at ends in its own time. */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  const aborted = Promise.withResolvers<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  let isOver = false;
  try {
    while (!signal.aborted) {
      const next = await Promise.race([iterator.next(), aborted.promise]);
      isOver = next?.done === true;
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // a generator is left behind what it waits for, which nobody may wait for
    if (!isOver) void iterator.return?.().catch(() => undefined);
  }
}
