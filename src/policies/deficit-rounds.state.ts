/** One of those who take turns. */
export interface Turn<K, T> {
  readonly key: K;
  readonly item: T;
  /** What it may cost in a round, against the others. */
  readonly weight: number;
  /** What it may still cost before the turn passes on; below 0 it pays off what it has had too much. */
  credit: number;
  isBusy: boolean;
  next: Turn<K, T> | undefined;
  before: Turn<K, T> | undefined;
}

/**
 * Deficit round robin: who has work takes turns, each costing by its weight. What the last piece of a turn costs beyond the credit is
 * paid off in later rounds, also by those who have no work meanwhile; they are forgotten once they owe nothing. Between any two that
 * have work all the time, costs by weight differ by at most a quantum and a largest piece (by weight) of each.
 *
 * A decision is O(1) where pieces cost about a quantum, and at most two looks at each member whatever they cost. Holds an entry for
 * each that has work or owes.
 * @see Shreedhar and Varghese, "Efficient Fair Queuing using Deficit Round Robin" (1995); surplus round robin
 */
export class DeficitRounds<K, T> {
  /** What a weight of 1 may cost in one round; above 0. */
  quantum: number;
  readonly #turns = new Map<K, Turn<K, T>>();
  #now: Turn<K, T> | undefined;
  #busy = 0;

  constructor(quantum: number) {
    this.quantum = quantum;
  }

  /** Those who have work. */
  get busy(): number {
    return this.#busy;
  }

  /** Those who have work, or owe. */
  get size(): number {
    return this.#turns.size;
  }

  find(key: K): Turn<K, T> | undefined {
    return this.#now?.key === key ? this.#now : this.#turns.get(key); // mostly it is asked of whose turn it is
  }

  /** All of them, in the order in which they came. */
  turns(): readonly Turn<K, T>[] {
    return [...this.#turns.values()];
  }

  /** It has work from now on; whoever comes anew waits for a round. */
  enter(key: K, weight: number, make: () => T): T {
    const turn =
      this.#turns.get(key) ?? this.#link({ key, item: make(), weight, credit: 0, isBusy: false, next: undefined, before: undefined });
    if (!turn.isBusy) this.#busy += 1;
    turn.isBusy = true;
    return turn.item;
  }

  /** It has no work any more: what it may still cost is lost, what it owes is not. */
  leave(key: K): void {
    const turn = this.find(key);
    if (!turn?.isBusy) return;
    turn.isBusy = false;
    this.#busy -= 1;
    turn.credit = Math.min(0, turn.credit);
    if (this.#busy === 0)
      this.#forgetAll(); // nobody is there to be fair to
    else if (turn.credit === 0) this.#unlink(turn);
  }

  /** Whose turn it is; undefined when nobody has work. */
  turn(): Turn<K, T> | undefined {
    if (this.#busy === 0) return undefined;
    for (let looked = 0; ; looked += 1) {
      const now = this.#now;
      if (now === undefined || (now.isBusy && now.credit > 0)) return now;
      if (looked === this.#turns.size) this.#skipRounds();
      this.#pass(now);
    }
  }

  /** It has done something of this cost; a negative one is given back. */
  charge(key: K, cost: number): void {
    const turn = this.find(key);
    if (turn) turn.credit -= cost;
  }

  #pass(from: Turn<K, T>): void {
    const next = from.next ?? from;
    this.#now = next;
    if (!from.isBusy && from.credit >= 0) this.#unlink(from);
    next.credit += this.quantum * next.weight;
    if (!next.isBusy) next.credit = Math.min(0, next.credit);
  }

  /** Nobody could go in a whole round, as after pieces far above the quantum: as many rounds at once as change nothing. */
  #skipRounds(): void {
    let rounds = Infinity;
    for (const { isBusy, credit, weight } of this.#turns.values())
      if (isBusy) rounds = Math.min(rounds, Math.floor(-credit / (this.quantum * weight)));
    for (const one of this.#turns.values()) one.credit = Math.min(0, one.credit + rounds * this.quantum * one.weight);
  }

  #link(turn: Turn<K, T>): Turn<K, T> {
    this.#turns.set(turn.key, turn);
    const now = this.#now;
    turn.next = now ?? turn;
    turn.before = now?.before ?? turn;
    turn.next.before = turn;
    turn.before.next = turn;
    if (now === undefined) {
      this.#now = turn;
      turn.credit = this.quantum * turn.weight;
    }
    return turn;
  }

  #unlink(turn: Turn<K, T>): void {
    this.#turns.delete(turn.key);
    const { next, before } = turn;
    if (next) next.before = before;
    if (before) before.next = next;
    if (this.#now !== turn) return;
    this.#now = next === turn ? undefined : next;
    if (this.#now) this.#now.credit += this.quantum * this.#now.weight;
  }

  #forgetAll(): void {
    this.#turns.clear();
    this.#now = undefined;
  }
}
