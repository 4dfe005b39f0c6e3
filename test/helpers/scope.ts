import { Observable } from 'rxjs';
import { type CallScope, inScope } from '../../src/call.ts';
import type { Clock } from '../../src/clock.ts';
import { noContext } from '../../src/record/record-context.ts';
import { noTries } from '../../src/record/tries.ts';

export interface TestScope extends CallScope {
  readonly holds: { readonly reason: string; readonly untilMs: number }[];
  /** What the record's time stands still for at present. */
  readonly waits: string[];
}

/** The scope of a call that no pipeline makes. */
export function testScope(clock: Clock, fields: Partial<CallScope> = {}): TestScope {
  const holds: TestScope['holds'] = [];
  const position = { topic: 'test', partition: 0, offset: 0n, epoch: 1 };
  const hold = (reason: string, untilMs: number): void => {
    holds.push({ reason, untilMs });
  };
  const degraded: string[] = [];
  const waits: string[] = [];
  const suspend = (reason: string): (() => void) => {
    waits.push(reason);
    let over = false;
    return () => {
      if (!over) waits.splice(waits.indexOf(reason), 1);
      over = true;
    };
  };
  return {
    clock,
    random: Math.random,
    attempt: 1,
    deadlineMs: Infinity,
    position,
    key: null,
    headers: [],
    context: noContext,
    degraded,
    degrade: (step) => {
      degraded.push(step);
      return () => {
        degraded.splice(degraded.lastIndexOf(step), 1);
      };
    },
    tries: noTries(),
    isRetried: false,
    waitsOut: false,
    takesOver: () => false,
    isBeaten: () => false,
    hold,
    holds,
    suspend,
    waits,
    ...fields,
  };
}

/** `call`, subscribed to in `scope`. */
export const within = <T>(scope: CallScope, call: Observable<T>): Observable<T> =>
  new Observable((out) => inScope(scope, () => call.subscribe(out)));
