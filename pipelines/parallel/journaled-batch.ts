import { from, mergeMap, type Observable, of } from 'rxjs';
import { isStreamError, type Journal } from 'millrace';

export type AskBatch<In, Out> = (inputs: readonly In[]) => Observable<readonly (Out | Error)[]>;

/**
 * As `journaled`, for a call with several inputs and a result for each: what is in the journal is answered from it, `ask` gets the rest, and its results are emitted when they are on the disk. What
 * is an Error is not written. A result that JSON cannot hold fails its input alone; a journal that cannot be read or written fails all.
 */
export const journaledBatch =
  <In, Out>(journal: Journal, of_: string, ask: AskBatch<In, Out>): AskBatch<In, Out> =>
  (inputs) => {
    const keyOf = (input: In) => ({ of: of_, input });
    const write = async (input: In, result: Out | Error): Promise<Out | Error> => {
      if (result instanceof Error) return result;
      try {
        await journal.append(keyOf(input), [result]); // a list, as `journaled` writes it
        return result;
      } catch (error) {
        if (isStreamError(error) && error.code === 'encode_failed') return error;
        throw error;
      }
    };
    return from(Promise.all(inputs.map((input) => journal.get(keyOf(input))))).pipe(
      mergeMap((entries) => {
        const left = inputs.filter((_, at) => !entries[at]);
        const asked = left.length === 0 ? of([]) : ask(left);
        return asked.pipe(
          mergeMap((results) => Promise.all(left.map((input, at) => write(input, results[at] as Out | Error)))),
          mergeMap((results) => {
            const fresh = results.values();
            return of(entries.map((entry) => (entry ? (lastOf(entry.value) as Out) : (fresh.next().value as Out | Error))));
          }),
        );
      }),
    );
  };

const lastOf = (value: unknown): unknown => (Array.isArray(value) ? (value as readonly unknown[]).at(-1) : value);
