import { Observable, Subject } from 'rxjs';
import { mapConcurrent, type MapConcurrentOptions } from '../../operators/index.ts';
import type { CallContext } from '../../src/call.ts';
import { feed } from '../helpers/feed.ts';

/** Calls whose results the test gives by hand; `running` are those that are subscribed to. */
export function byHand(options: MapConcurrentOptions) {
  const calls = new Map<number, Subject<string>>();
  const contexts = new Map<number, CallContext>();
  const started: number[] = [];
  const running = new Set<number>();
  const fed = feed<number, string>(
    mapConcurrent((value, ctx) => {
      const subject = new Subject<string>();
      calls.set(value, subject);
      contexts.set(value, ctx);
      return new Observable<string>((out) => {
        started.push(value);
        running.add(value);
        out.add(() => running.delete(value));
        return subject.subscribe(out);
      });
    }, options),
  );
  const answer = (value: number, ...results: string[]): void => {
    for (const result of results) calls.get(value)?.next(result);
    calls.get(value)?.complete();
  };
  return { ...fed, calls, contexts, started, running, answer };
}
