/** One of those who have something to give, as far as its turn depends on it. */
export interface Turn {
  /** To change it, take the turn out and put it in again. */
  priority: number;
  /** What was taken, by what it cost: among equals the lowest is next. */
  served: number;
  /** Among those equal in that, too: who came first. */
  order: number;
  /** Its place in the heap of its priority; -1 while it is in none. */
  at: number;
}

export const newTurn = (priority: number): Turn => ({ priority, served: -Infinity, order: -1, at: -1 });

/** A lower priority is passed over at most this often before it has a turn: urgent work without end must not shut out all other. */
export const mostPassed = 16;

interface Level<T> {
  readonly priority: number;
  readonly heap: T[];
  /** How often a higher level went first since this one was last served. */
  passed: number;
  /** Where the one stood that was served last: who comes anew, or back, has no claim to what it did not ask for. */
  nowAt: number;
}

/**
 * Whose turn it is: the highest priority, in it the least served; a lower priority after at most 16 others. A decision is O(log n), for there may be thousands of submissions. Holds those that are in it, and a level for each
 * priority that ever was.
 * @see start-time fair queueing (Goyal, Vin and Cheng, 1996)
 */
export class Intake<T extends Turn> {
  /** The most urgent first. */
  readonly #levels: Level<T>[] = [];
  #orders = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** It may have something to give. Nothing happens where it is in already. */
  add(turn: T): void {
    if (turn.at >= 0) return;
    const level = this.#levelOf(turn.priority);
    turn.served = Math.max(turn.served, level.nowAt);
    if (turn.order < 0) turn.order = this.#orders++;
    this.#size += 1;
    level.heap.push(turn);
    rise(level.heap, turn, level.heap.length - 1);
  }

  /** It has nothing to give, at present or any more. */
  remove(turn: T): void {
    if (turn.at < 0) return;
    const { heap } = this.#levelOf(turn.priority);
    const last = heap.pop();
    this.#size -= 1;
    if (last && last !== turn) {
      rise(heap, last, turn.at);
      sink(heap, last);
    }
    turn.at = -1;
  }

  next(): T | undefined {
    let best: Level<T> | undefined;
    let overdue: Level<T> | undefined;
    for (const level of this.#levels) {
      if (level.heap.length === 0) continue;
      if (level.passed >= mostPassed && (!overdue || level.passed > overdue.passed)) overdue = level;
      best ??= level;
    }
    return (overdue ?? best)?.heap[0];
  }

  /** Notes that it has given something of this cost. */
  took(turn: T, cost = 1): void {
    for (const level of this.#levels) {
      if (level.priority < turn.priority && level.heap.length > 0) level.passed += 1;
      if (level.priority !== turn.priority) continue;
      level.passed = 0;
      level.nowAt = turn.served;
      turn.served += cost;
      if (turn.at >= 0) sink(level.heap, turn);
    }
  }

  #levelOf(priority: number): Level<T> {
    const found = this.#levels.find((one) => one.priority === priority);
    if (found) return found;
    const level = { priority, heap: [], passed: 0, nowAt: 0 };
    this.#levels.push(level);
    this.#levels.sort((a, b) => b.priority - a.priority);
    return level;
  }
}

const isBefore = (a: Turn, b: Turn): boolean => (a.served === b.served ? a.order < b.order : a.served < b.served);

/** Puts it at `from`, or as far above as it belongs. */
function rise<T extends Turn>(heap: T[], turn: T, from: number): void {
  let at = from;
  while (at > 0) {
    const up = (at - 1) >> 1;
    const above = heap[up] as T;
    if (!isBefore(turn, above)) break;
    place(heap, above, at);
    at = up;
  }
  place(heap, turn, at);
}

function sink<T extends Turn>(heap: T[], turn: T): void {
  let { at } = turn;
  for (;;) {
    const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
    const least = left && right && isBefore(right, left) ? right : left;
    if (!least || !isBefore(least, turn)) break;
    const free = least.at;
    place(heap, least, at);
    at = free;
  }
  place(heap, turn, at);
}

function place<T extends Turn>(heap: T[], turn: T, at: number): void {
  heap[at] = turn;
  turn.at = at;
}
