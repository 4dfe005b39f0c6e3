/** Who waits until when. Holds an entry for each that waits. */
export class Parking<T> {
  readonly #dueMs = new Map<T, number>();

  park(item: T, dueMs: number): void {
    this.#dueMs.set(item, dueMs);
  }

  leave(item: T): void {
    this.#dueMs.delete(item);
  }

  /** Takes out those whose time has come, earliest first. */
  due(nowMs: number): readonly T[] {
    const found = [...this.#dueMs].filter(([, dueMs]) => dueMs <= nowMs).sort(([, a], [, b]) => a - b);
    for (const [item] of found) this.#dueMs.delete(item);
    return found.map(([item]) => item);
  }

  /** When the next one's time comes; undefined when nobody waits. */
  get nextMs(): number | undefined {
    return this.#dueMs.size === 0 ? undefined : Math.min(...this.#dueMs.values());
  }
}
