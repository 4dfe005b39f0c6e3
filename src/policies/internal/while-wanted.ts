import { type Observable, takeWhile } from 'rxjs';

/** `source` until `out` is closed: a synchronous source has no other way to be told. */
export const whileWanted = <T>(source: Observable<T>, out: { readonly closed: boolean }): Observable<T> =>
  // eslint-disable-next-line rxjs-x/no-ignored-takewhile-value -- asks about downstream, not about the value
  source.pipe(takeWhile(() => !out.closed));
