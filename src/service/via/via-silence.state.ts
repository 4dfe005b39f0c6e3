/**
 * Who has gone, told by the log itself: somebody is given up that was not heard while `most` of one's own signs of life came back. So a log that is away, or a process that
 * stood still, makes nobody look dead. Holds an entry for each that is watched.
 */
export class ViaSilence {
  readonly #most: number;
  readonly #missed = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  watch(who: string): void {
    if (!this.#missed.has(who)) this.#missed.set(who, 0);
  }

  forget(who: string): void {
    this.#missed.delete(who);
  }

  heard(who: string): void {
    if (this.#missed.has(who)) this.#missed.set(who, 0);
  }

  /** One's own sign came back: those that have been silent for too long. */
  tick(): readonly string[] {
    const gone: string[] = [];
    for (const [who, missed] of this.#missed) {
      this.#missed.set(who, missed + 1);
      if (missed + 1 >= this.#most) gone.push(who);
    }
    return gone;
  }
}
