import { AdaptiveLimitState, type CallMark, type LimitSettings } from '../../src/policies/adaptive-limit.state.ts';

/** A server at one moment of its life. */
export interface ServerNow {
  /** Calls that it works on at full speed. */
  readonly knee: number;
  /** Calls at a time that callers would make, were there no limit. */
  readonly demand: number;
}

export interface WorldOptions {
  /** What becomes of calls above the knee: they wait, they slow all down, or they are refused. */
  readonly above: 'queues' | 'slows' | 'refuses';
  readonly baseMs: number;
  readonly at: (ms: number) => ServerNow;
  /** The length of a call as a multiple of `baseMs`; 1 in the mean. */
  readonly factor?: (random: () => number) => number;
  readonly retryAfterMs?: number;
  readonly seed?: number;
  readonly settings?: Partial<LimitSettings>;
}

interface Call {
  readonly begun: CallMark;
  readonly startedMs: number;
  /** What is left of it, in ms of a server that is not slowed down. */
  leftMs: number;
}

interface Refusal {
  readonly atMs: number;
  readonly call: Call;
}

const stepsPerBase = 20;

/** Callers, a limit and a server, in steps of a twentieth of a call: quick enough to try a whole family of servers. */
export class LimitedWorld {
  readonly state: AdaptiveLimitState;
  nowMs = 0;
  served = 0;
  refused = 0;
  readonly #options: WorldOptions;
  readonly #working = new Set<Call>();
  readonly #queue = new Set<Call>();
  readonly #refusing = new Set<Refusal>();
  #seed: number;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#seed = options.seed ?? 1;
    this.state = new AdaptiveLimitState({
      ...{ min: 1, max: 256, initial: 4, share: 0.95, coolDownMs: 100, probeEveryMs: 2_000 },
      ...options.settings,
    });
  }

  readonly random = (): number => (this.#seed = (this.#seed * 48_271) % 2_147_483_647) / 2_147_483_647;

  get running(): number {
    return this.#working.size + this.#queue.size + this.#refusing.size;
  }

  /** Until then, telling what the limit is 20 times a `baseMs`. */
  run(untilMs: number, seen?: (limit: number) => void): void {
    const stepMs = this.#options.baseMs / stepsPerBase;
    while (this.nowMs < untilMs) {
      this.#fill();
      seen?.(this.state.limit);
      this.nowMs += stepMs;
      this.#work(stepMs);
    }
  }

  #fill(): void {
    const { above, at, baseMs, factor = () => 1 } = this.#options;
    const { knee, demand } = at(this.nowMs);
    while (this.running < Math.min(this.state.limit, demand)) {
      const call = { begun: this.state.begin(), startedMs: this.nowMs, leftMs: baseMs * factor(this.random) * (0.9 + 0.2 * this.random()) };
      if (above === 'slows' || this.#working.size < knee) this.#working.add(call);
      else if (above === 'queues') this.#queue.add(call);
      else this.#refusing.add({ atMs: this.nowMs + Math.min(5, baseMs / 4), call });
    }
  }

  #work(stepMs: number): void {
    const { above, at } = this.#options;
    const { knee } = at(this.nowMs);
    const doneMs = above === 'slows' ? stepMs * Math.min(1, knee / this.#working.size) : stepMs;
    const done: Call[] = [];
    for (const call of this.#working) if ((call.leftMs -= doneMs) <= 0) done.push(call);
    for (const call of done) {
      this.#end(call, 'success');
      this.#working.delete(call);
      this.served += 1;
      for (const next of this.#queue) {
        if (this.#working.size >= knee) break;
        this.#queue.delete(next);
        this.#working.add(next);
      }
      this.#fill(); // one begins as another ends: the limit stays used for as long as there is demand
    }
    for (const end of [...this.#refusing].filter(({ atMs }) => atMs <= this.nowMs)) {
      this.#end(end.call, 'overload');
      this.#refusing.delete(end);
      this.refused += 1;
      this.#fill();
    }
  }

  #end({ begun, startedMs }: Call, result: 'success' | 'overload'): void {
    const { retryAfterMs } = this.#options;
    this.state.ended({ begun, result, startedMs, nowMs: this.nowMs, running: this.running, retryAfterMs });
  }
}
