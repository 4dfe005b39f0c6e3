/** A call that waits for company. */
export interface WaitingCall<T> {
  readonly call: T;
  /** Calls of one kind may be joined: the same inputs, of the same shape but for their rows. */
  readonly kind: string;
  readonly rows: number;
  /** Most rows of a request of its kind. */
  readonly maxRows: number;
}

interface Group<T> {
  readonly calls: readonly WaitingCall<T>[];
  readonly rows: number;
  readonly sinceMs: number;
}

/** Which calls become one request: those of one kind that come within `maxWaitMs`, of `maxRows` together; one that has more rows goes alone. Holds what waits, `maxRows` of each kind at most. */
export class JoinedCalls<T> {
  readonly #maxWaitMs: number;
  readonly #groups = new Map<string, Group<T>>();

  constructor(maxWaitMs: number) {
    this.#maxWaitMs = maxWaitMs;
  }

  /** Takes a call; returns those that go now. */
  add(one: WaitingCall<T>, nowMs: number): readonly (readonly T[])[] {
    const { kind, rows, maxRows } = one;
    const group = this.#groups.get(kind);
    const isTooMany = group !== undefined && group.rows + rows > maxRows;
    const before = isTooMany ? [group.calls.map(({ call }) => call)] : [];
    const joined =
      group === undefined || isTooMany
        ? { calls: [one], rows, sinceMs: nowMs }
        : { ...group, calls: [...group.calls, one], rows: group.rows + rows };
    if (joined.rows >= maxRows) {
      this.#groups.delete(kind);
      return [...before, joined.calls.map(({ call }) => call)];
    }
    this.#groups.set(kind, joined);
    return before;
  }

  /** A call that nobody waits for any more. */
  remove(call: T): void {
    for (const [kind, group] of this.#groups) {
      const calls = group.calls.filter((one) => one.call !== call);
      if (calls.length === 0) this.#groups.delete(kind);
      else if (calls.length < group.calls.length)
        this.#groups.set(kind, { ...group, calls, rows: calls.reduce((sum, { rows }) => sum + rows, 0) });
    }
  }

  /** What has waited long enough. */
  due(nowMs: number): readonly (readonly T[])[] {
    const groups = [...this.#groups].filter(([, { sinceMs }]) => nowMs >= sinceMs + this.#maxWaitMs);
    for (const [kind] of groups) this.#groups.delete(kind);
    return groups.map(([, { calls }]) => calls.map(({ call }) => call));
  }

  /** When something is due next; undefined while nothing waits. */
  get nextMs(): number | undefined {
    const times = [...this.#groups.values()].map(({ sinceMs }) => sinceMs + this.#maxWaitMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}
