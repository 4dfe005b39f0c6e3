/** What becomes of one request: it is done or not, and the answer says so or not. */
export interface Fate {
  readonly applied: boolean;
  readonly answered: boolean;
}

interface Planned extends Fate {
  left: number;
}

const healthy: Fate = { applied: true, answered: true };

/** Decides the fate of sends and commits: planned failures come in the order in which they were planned, then all is well. */
export class Faults {
  readonly #planned: Planned[] = [];

  /** The next `count` requests fail; with `applied` they are carried out all the same, and only the answer is missing. */
  failNext(count: number, applied: boolean): void {
    if (count > 0) this.#planned.push({ left: count, applied, answered: false });
  }

  next(): Fate {
    const [fate] = this.#planned;
    if (!fate) return healthy;
    fate.left -= 1;
    if (fate.left === 0) this.#planned.shift();
    return fate;
  }
}
