import { OptionError, requireInteger } from 'millrace';
import { iteratorOf, type Source } from './read-ahead.ts';

/**
 * Read from the source once, and then from memory: for the epochs of a training run, and for workers that each read their part of it. Whoever reads first brings the values, for all: what was read when a reading is left is
 * kept, and the next goes on from there, as a generator can be read once. It is asked for one value at a time, however many read.
 *
 * What the source fails with, readings fail with behind what came before; the next one begins anew, where the source can be read anew. Holds all values, up to `maxItems` (1,000,000 by default), beyond which readings
 * fail.
 */
export function cached<T>(source: Source<T>, { maxItems = 1_000_000 }: { readonly maxItems?: number } = {}): AsyncIterable<T> {
  requireInteger('inputs.cache.maxItems', maxItems, 1);
  let values: T[] = [];
  let iterator: Iterator<T, unknown> | AsyncIterator<T, unknown> | undefined;
  let isWhole = false;
  let failure: { readonly error: unknown } | undefined;
  let pulling: Promise<void> | undefined;
  const next = async (of: Iterator<T, unknown> | AsyncIterator<T, unknown>): Promise<void> => {
    const { done, value } = await of.next();
    if (done === true) {
      isWhole = true;
      return;
    }
    if (values.length >= maxItems) {
      await of.return?.();
      throw new OptionError(`inputs.cache holds at most ${String(maxItems)} items, and there are more: raise maxItems, or leave it out`);
    }
    values.push(value);
  };
  const pull = async (): Promise<void> => {
    if (failure) throw failure.error;
    iterator ??= iteratorOf(source);
    try {
      await next(iterator);
    } catch (error) {
      const isOnce = (iterator as unknown) === source;
      if (isOnce) failure = { error };
      else [values, iterator] = [[], undefined];
      throw error;
    } finally {
      pulling = undefined;
    }
  };
  return {
    async *[Symbol.asyncIterator]() {
      for (let at = 0; ; at += 1) {
        while (at >= values.length && !isWhole) await (pulling ??= pull());
        if (at >= values.length) return;
        yield values[at] as T;
      }
    },
  };
}
