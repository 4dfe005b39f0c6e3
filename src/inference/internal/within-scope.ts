import { Observable } from 'rxjs';
import { type CallScope, inScope } from '../../call.ts';

/** A call that begins when another one has ended, perhaps on somebody else's stack: in the scope of the call that both are for. */
export const withinScope = <T>(scope: CallScope, call: Observable<T>): Observable<T> =>
  new Observable<T>((out) => inScope(scope, () => call.subscribe(out)));
