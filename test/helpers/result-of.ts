import { lastValueFrom, type Observable, toArray } from 'rxjs';

/** All that a call emits. */
export const allOf = <T>(call: Observable<T>): Promise<T[]> => lastValueFrom(call.pipe(toArray()), { defaultValue: [] });

/** The last that a call emits; a call that emits nothing is an error. */
export async function resultOf<T>(call: Observable<T>): Promise<T> {
  const all = await allOf(call);
  const last = all.at(-1);
  if (last === undefined) throw new Error('expected the call to emit something, got nothing');
  return last;
}
