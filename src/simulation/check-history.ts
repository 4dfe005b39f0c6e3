import { checkCommits } from './check-commits.ts';
import { checkDelays } from './check-delays.ts';
import { checkEnds } from './check-ends.ts';
import { checkHoldings } from './check-holdings.ts';
import { checkOrder } from './check-order.ts';
import { checkRepetitions } from './check-repetitions.ts';
import type { Event } from './history.ts';
import type { Problem } from './problem.ts';

/**
 * Says what is wrong with a run: lost, duplicated, wrong, reordered, seen from an aborted transaction, committed too early,
 * called again after it was committed, and more (`ProblemKind`). In: what was seen from outside, in the order it happened; nothing
 * is asked of the engine. Out: the problems, none for a good run. It is pure, and linear in the events and what is in flight.
 *
 * A repetition is no problem where something that has happened before explains it: at least once is what is promised then. With
 * `exactly-once` promised nothing explains an output that stands there twice.
 */
export function checkHistory(history: readonly Event[]): readonly Problem[] {
  const checks = [checkCommits, checkEnds, checkRepetitions, checkOrder, checkDelays, checkHoldings];
  return checks.flatMap((check) => [...check(history)]);
}
