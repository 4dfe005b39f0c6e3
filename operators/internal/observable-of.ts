import { isObservable, type Observable } from 'rxjs';
import { refusePromise } from './refuse-promise.ts';

/** What came back from user code, whatever its type said. */
export function observableOf<R>(operator: string, source: unknown): Observable<R> {
  if (source instanceof Promise) refusePromise(operator, source);
  if (!isObservable(source)) throw new TypeError(`it must return an Observable, got ${typeof source}`);
  return source as Observable<R>;
}
