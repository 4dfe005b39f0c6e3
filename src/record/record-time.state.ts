/**
 * The time that a record may take. It starts anew with the record's first call, and stands still while one of its calls waits for a
 * policy: what is left of it afterwards is what was left before.
 */
export class RecordTime {
  readonly #timeMs: number;
  #deadlineMs: number;
  /** The moment that it came with, which nothing moves. */
  #ownDeadlineMs = Number.POSITIVE_INFINITY;
  #begun = false;
  /** Waits that are not over; undefined where there never was one, as for most records. */
  #standing: { waits: number; sinceMs: number } | undefined;

  constructor(timeMs: number, nowMs: number) {
    this.#timeMs = timeMs;
    this.#deadlineMs = nowMs + timeMs;
  }

  get begun(): boolean {
    return this.#begun;
  }

  /** When it is up, if it does not stand still from now on. */
  deadlineMs(nowMs: number): number {
    return Math.min(this.#ownDeadlineMs, this.#deadlineMs + this.#stoodMs(nowMs));
  }

  /** From then on nobody wants the answer: it comes with the record, and stands still for no wait of ours. */
  limit(ownDeadlineMs: number): void {
    this.#ownDeadlineMs = ownDeadlineMs;
  }

  isTooLate(nowMs: number): boolean {
    return this.#ownDeadlineMs <= nowMs;
  }

  /** The first call starts. */
  begin(nowMs: number): void {
    if (this.#begun) return;
    this.#begun = true;
    this.extend(nowMs);
  }

  /** All of it is left again. */
  extend(nowMs: number): void {
    this.#deadlineMs = nowMs + this.#timeMs;
    if (this.#standing) this.#standing.sinceMs = nowMs;
  }

  /** It stands still from now on. Waits overlap: it goes on after the last one. */
  suspend(nowMs: number): void {
    this.#standing ??= { waits: 0, sinceMs: nowMs };
    if (this.#standing.waits === 0) this.#standing.sinceMs = nowMs;
    this.#standing.waits += 1;
  }

  /** One wait is over; once for each `suspend`. */
  resume(nowMs: number): void {
    if (this.#standing === undefined) return;
    if (this.#standing.waits === 1) this.#deadlineMs += this.#stoodMs(nowMs);
    this.#standing.waits -= 1;
  }

  #stoodMs(nowMs: number): number {
    return this.#standing === undefined || this.#standing.waits === 0 ? 0 : Math.max(0, nowMs - this.#standing.sinceMs);
  }
}
