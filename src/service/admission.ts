import type { Clock } from '../clock.ts';
import { OverloadError } from '../errors.ts';
import { type Job, ScheduleState } from '../policies/schedule.state.ts';
import { CallerLimits } from './caller-limits.ts';
import type { Caller } from './callers.ts';
import { ServiceTimes } from './service-times.state.ts';

export interface AdmissionOptions {
  /** Calls at once. */
  readonly places: number;
  /** Calls that wait for a place; more are refused. */
  readonly maxWaiting: number;
  readonly clock: Clock;
  /** What callers may have in a minute; shared by the queues of all models. @defaultValue its own */
  readonly limits?: CallerLimits;
}

/** Who asks, and for how much. */
export interface AdmissionRequest {
  readonly caller: Caller;
  /** -1,000 to 1,000; the higher, the more urgent. */
  readonly priority: number;
  /** What the call may cost: shares are measured in it. */
  readonly tokens: number;
}

/** How long a step of priority lets others pass, and the longest time for which anything does. */
const msPerPriority = 10_000;
const patienceMs = 60_000;

/**
 * Which request is worked on next: callers share by weight in deficit rounds, and of one caller's the more urgent goes first, passed by none that came more than 60 s
 * after it. Holds an entry for each request that waits or runs. Who comes when `maxWaiting` wait is refused, and told when it may be worth to come again.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #limits: CallerLimits;
  readonly #state: ScheduleState<() => void>;
  readonly #times = new ServiceTimes();
  readonly #open = new Map<string, number>();
  #arrivals = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#limits = options.limits ?? new CallerLimits();
    this.#state = new ScheduleState({ places: options.places, heldBack: [0, 0, 0], mostPassed: 1, prefixSlackMs: 0 });
  }

  get running(): number {
    return this.#state.running;
  }

  get waiting(): number {
    return this.#state.waiting;
  }

  get places(): number {
    return this.#options.places;
  }

  /**
   * Calls `granted` when there is a place, perhaps before this returns. The result gives up the place, or the wait for it, and says how many tokens the call has
   * used; twice does nothing.
   * @throws OverloadError with `retryAfterMs` when too many wait, or the caller has as many open as it may, or has had what it may in a minute.
   */
  enter(request: AdmissionRequest, granted: () => void): (usedTokens?: number) => void {
    const { caller, priority, tokens } = request;
    this.#refuseIfFull(caller);
    const nowMs = this.#options.clock.nowMs();
    const taken = this.#limits.take(caller, tokens, nowMs);
    const passableMs = Math.min(patienceMs, Math.max(0, patienceMs / 2 - priority * msPerPriority));
    let startedMs: number | undefined;
    const job: Job<() => void> = this.#state.add(
      () => {
        startedMs = this.#options.clock.nowMs();
        granted();
      },
      {
        ...{ rank: 0, tenant: caller.name, weight: caller.weight, tokens, arrival: this.#arrivals++, priority, prefixes: [] },
        passableUntilMs: nowMs + passableMs,
      },
    );
    this.#count(caller, 1);
    let isOver = false;
    const leave = (usedTokens?: number): void => {
      if (isOver) return;
      isOver = true;
      taken(usedTokens);
      this.#count(caller, -1);
      if (job.state === 'waiting') this.#state.sweep((item) => item !== job.item);
      else this.#state.end(job);
      if (startedMs !== undefined) this.#times.took(this.#options.clock.nowMs() - startedMs);
      this.#fill();
    };
    this.#fill();
    return leave;
  }

  #refuseIfFull({ name, maxOpen }: Caller): void {
    const open = this.#open.get(name) ?? 0;
    if (open >= maxOpen)
      throw new OverloadError(`${name} may have ${String(maxOpen)} requests open at a time, and has: wait for one to end`, {
        ...{ status: 429, retryAfterMs: this.#times.retryAfterMs(1, maxOpen) },
      });
    const { maxWaiting, places } = this.#options;
    if (this.waiting < maxWaiting || (maxWaiting === 0 && this.running < places)) return;
    throw new OverloadError(
      `${String(this.running)} requests run and ${String(this.waiting)} wait, which is all there is room for: try again later`,
      {
        ...{ status: 429, retryAfterMs: this.#times.retryAfterMs(this.waiting + 1, places) },
      },
    );
  }

  #count({ name }: Caller, by: 1 | -1): void {
    const open = (this.#open.get(name) ?? 0) + by;
    if (open > 0) this.#open.set(name, open);
    else this.#open.delete(name);
  }

  #fill(): void {
    for (let job = this.#state.next(); job !== undefined; job = this.#state.next()) job.item();
  }
}
