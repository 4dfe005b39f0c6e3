interface Arrival {
  readonly atMs: number;
  readonly tokens: number;
  readonly taken: boolean;
}

/** Counts tokens when they arrive, in every window, and refuses what would pass the limit: as a provider does, to the token. */
export class StrictWindow {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #arrivals: Arrival[] = [];
  #from = 0;
  #sum = 0;
  #most = 0;
  #refused = 0;

  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  get refused(): number {
    return this.#refused;
  }

  get answered(): number {
    return this.#arrivals.length;
  }

  /** The most that stood in one window or was refused it. */
  get most(): number {
    return this.#most;
  }

  take(tokens: number, nowMs: number): boolean {
    for (let oldest = this.#arrivals[this.#from]; oldest && oldest.atMs <= nowMs - this.#windowMs; oldest = this.#arrivals[this.#from]) {
      if (oldest.taken) this.#sum -= oldest.tokens;
      this.#from += 1;
    }
    this.#most = Math.max(this.#most, this.#sum + tokens);
    const taken = this.#sum + tokens <= this.#limit;
    if (taken) this.#sum += tokens;
    else this.#refused += 1;
    this.#arrivals.push({ atMs: nowMs, tokens, taken });
    return taken;
  }

  used(fromMs: number, toMs: number): number {
    return this.#taken.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** What stood in the window, on the average of all moments between these, as a share of the limit; when bursts come does not matter to it. */
  use(fromMs: number, toMs: number): number {
    let area = 0;
    for (const { atMs, tokens } of this.#taken)
      area += tokens * Math.max(0, Math.min(toMs, atMs + this.#windowMs) - Math.max(fromMs, atMs));
    return area / (this.#limit * (toMs - fromMs));
  }

  get #taken(): readonly Arrival[] {
    return this.#arrivals.filter(({ taken }) => taken);
  }
}
