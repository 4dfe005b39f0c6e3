/** What the run waits for at present. */
export interface Wait {
  readonly reason: string;
  /** When it asks again. */
  readonly untilMs: number;
}

export interface Away {
  /** Models that are asked no more. */
  readonly models: readonly string[];
  /** When the run gives up, unless an answer comes. */
  readonly givenUpMs: number;
}

/** The clock's time, as a person reads it. */
const timeText = (ms: number): string => new Date(ms).toTimeString().slice(0, 8);

/** So many reasons are told apart. */
const mostReasons = 20;

/**
 * What holds a run up, in words, and for how long each did. Looked at now and then; a wait is counted from one look to the next. Holds 20 reasons.
 */
export class Waits {
  readonly #ms = new Map<string, number>();
  #lookedMs: number | undefined;

  /** Takes note of what holds it up now; gives what to say about it. */
  look(holds: readonly Wait[], { models, givenUpMs }: Away, nowMs: number): readonly string[] {
    const passedMs = this.#lookedMs === undefined ? 0 : Math.max(0, nowMs - this.#lookedMs);
    this.#lookedMs = nowMs;
    const others = models.length === 0 ? holds : holds.filter(({ reason }) => !reason.includes('circuit breaker'));
    const away = models.map((name) => `${name} does not answer`);
    for (const reason of new Set([...others.map(({ reason }) => reason), ...away])) this.#add(reason, passedMs);
    return [
      ...away.map((reason) => `${reason}: given up at ${timeText(givenUpMs)}`),
      ...others.map(({ reason, untilMs }) => `waits until ${timeText(untilMs)}: ${reason}`),
    ];
  }

  /** How long was waited for what, in ms, the longest first. */
  get list(): readonly { readonly reason: string; readonly ms: number }[] {
    return [...this.#ms].map(([reason, ms]) => ({ reason, ms })).sort((a, b) => b.ms - a.ms);
  }

  #add(reason: string, ms: number): void {
    const known = this.#ms.get(reason);
    if (known !== undefined || this.#ms.size < mostReasons) this.#ms.set(reason, (known ?? 0) + ms);
  }
}
