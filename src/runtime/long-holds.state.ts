const longMs = 60_000;
const mostReasons = 100;

/** Which holds of the source are long enough to be talked about, each once. Holds 100 reasons. */
export class LongHolds {
  readonly #toldUntil = new Map<string, number>();

  /** Whether to say it: one that goes on, or is put off by less than a minute, was said before. */
  isNews(reason: string, untilMs: number, nowMs: number): boolean {
    if (untilMs - nowMs < longMs) return false;
    const toldMs = this.#toldUntil.get(reason) ?? Number.NEGATIVE_INFINITY;
    if (toldMs >= nowMs && untilMs - toldMs < longMs) return false;
    this.#toldUntil.delete(reason); // the ones said last are kept
    this.#toldUntil.set(reason, untilMs);
    for (const [oldest] of this.#toldUntil) if (this.#toldUntil.size > mostReasons) this.#toldUntil.delete(oldest);
    return true;
  }
}
