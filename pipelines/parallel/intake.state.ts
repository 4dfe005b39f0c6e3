/** A submission, as far as its turn depends on it. */
export interface Turn {
  readonly priority: number;
  /** Larger: taken from so many times as often among equals; above 0. */
  readonly weight: number;
  /** Tasks taken, each by 1 / weight: among equals the lowest is next. */
  served: number;
  /** How often another one of higher priority went first since it was last served. */
  passed: number;
}

/** A lower priority is passed over at most this often before it has a turn: urgent work without end must not shut out all other. */
export const mostPassed = 16;

/** Whose turn it is among those that have a task to give: the highest priority, then the least served, unless one was passed over too often. */
export function nextTurn<T extends Turn>(ready: Iterable<T>): T | undefined {
  let best: T | undefined;
  let overdue: T | undefined;
  for (const one of ready) {
    if (one.passed >= mostPassed && (!overdue || one.passed > overdue.passed)) overdue = one;
    if (!best || one.priority > best.priority || (one.priority === best.priority && one.served < best.served)) best = one;
  }
  return overdue ?? best;
}

/** Notes that `chosen` has given a task. */
export function tookTurn<T extends Turn>(chosen: T, ready: Iterable<T>): void {
  chosen.served += 1 / chosen.weight;
  chosen.passed = 0;
  for (const one of ready) if (one !== chosen && one.priority < chosen.priority) one.passed += 1;
}

/** Where a newcomer begins: beside those that are there, with no claim to what it did not ask for. */
export function firstServed(there: Iterable<Turn>): number {
  let least = Infinity;
  for (const { served } of there) least = Math.min(least, served);
  return least === Infinity ? 0 : least;
}
