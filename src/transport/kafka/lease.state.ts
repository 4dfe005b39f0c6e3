/**
 * Whether a group member may still take itself for one. The broker counts a session from the last request that it saw, so it
 * is counted here from when that request was *sent*: its answer may have lain in a socket while this process stood still
 * (stopped, starved, asleep), and says nothing of the time since. Holds three numbers.
 */
export class Lease {
  readonly #sessionMs: number;
  /** From when on the broker counts, at the earliest. */
  #sinceMs: number;
  /** When this process was last seen to run. */
  #ranMs: number;
  #joining = false;

  constructor(sessionMs: number, nowMs: number) {
    this.#sessionMs = sessionMs;
    this.#sinceMs = nowMs;
    this.#ranMs = nowMs;
  }

  /** This process runs; to be said several times a session. */
  runs(nowMs: number): void {
    this.#ranMs = nowMs;
  }

  /** The broker has answered a request that begins the session anew. */
  renewed(sentMs: number): void {
    this.#sinceMs = Math.max(this.#sinceMs, sentMs);
  }

  /** A join has begun. While it lasts the broker waits for others and counts nothing, but it may end at any time. */
  joining(): void {
    this.#joining = true;
  }

  /** The join is over, done or broken; done, the session began while this process ran. */
  joined(isMember: boolean): void {
    this.#joining = false;
    if (isMember) this.renewed(this.#ranMs);
  }

  /** Whether others may own by now what this member does. */
  hasEnded(nowMs: number): boolean {
    return nowMs - (this.#joining ? Math.max(this.#sinceMs, this.#ranMs) : this.#sinceMs) > this.#sessionMs;
  }
}
