/** What an engine says of itself at one moment. */
export interface EngineLoad {
  /** Requests that it works on. */
  readonly running: number;
  /** Requests that wait inside of it. */
  readonly waiting: number;
  /** The share of its KV cache that is taken, 0 to 1; absent where it does not tell. */
  readonly kvUse?: number;
  /** How many it can work on at once; absent where it does not tell. */
  readonly slots?: number;
}

export interface GateSettings {
  readonly maxWaiting: number;
  readonly kvFrom: number;
  readonly kvTo: number;
  readonly reopenMs: number;
  readonly staleMs: number;
}

/** What keeps calls out; undefined while some may pass. */
export type GateReason = 'silent' | 'queue' | 'cache' | 'full' | undefined;

const leastStep = 4; // of an engine that does not tell its slots, and has nothing to do
const growth = 0.5; // of what runs: more at once would be queued before it is seen

/**
 * How many calls an engine may be given until it speaks again. The gate closes at once and opens slowly: a burst at the first sign of
 * room would fill the queue again.
 */
export class EngineGateState {
  readonly #settings: GateSettings;
  #load: EngineLoad | undefined;
  #heardMs = Number.NEGATIVE_INFINITY;
  #openness = 0;
  #places = 0;
  /** Parts of a place that ended calls have left. */
  #credit = 0;
  #isCurrent = false;
  #admitted = 0;
  #completed = 0;
  /** The least in flight since the engine was asked. */
  #leastInFlight = 0;

  constructor(settings: GateSettings) {
    this.#settings = settings;
  }

  get load(): EngineLoad | undefined {
    return this.#load;
  }

  get heardMs(): number {
    return this.#heardMs;
  }

  /** Calls let through since the beginning. */
  get admitted(): number {
    return this.#admitted;
  }

  /** 0 is closed, 1 as open as it gets. */
  get openness(): number {
    return this.#openness;
  }

  /** Why no call may pass now. */
  closedBy(nowMs: number): GateReason {
    if (this.#load === undefined || nowMs - this.#heardMs >= this.#settings.staleMs) return 'silent';
    if (this.#places > 0) return undefined;
    if (this.#room(this.#load) > 0) return 'full';
    return this.#load.waiting >= this.#settings.maxWaiting ? 'queue' : 'cache';
  }

  /** One call passes; ask `closedBy` first. */
  admit(): void {
    this.#places -= 1;
    this.#admitted += 1;
  }

  /** The engine is being asked: its answer will be of some moment from now on. */
  asked(): void {
    this.#leastInFlight = this.#admitted - this.#completed;
  }

  /** How many calls more may run than the engine has counted, whichever the moment was of which its answer tells. */
  get unseen(): number {
    return this.#admitted - this.#completed - this.#leastInFlight;
  }

  /**
   * A call that was let through has got its answer: its place is free, before the engine says so, and its successor's, in proportion to how open the
   * gate is. Calls in flight and free places together never rise by it. None of one that failed or was aborted: the engine may still be
   * at it. None while requests wait in the engine: one of those takes the place.
   */
  completed(): void {
    this.#completed += 1;
    this.#leastInFlight = Math.min(this.#leastInFlight, this.#admitted - this.#completed);
    if (!this.#isCurrent || this.#load === undefined || this.#load.waiting > 0) return;
    this.#credit += this.#openness;
    if (this.#credit < 1) return;
    this.#credit -= 1;
    this.#places += 1;
  }

  /**
   * The engine has spoken, and may not have counted `unseen` calls that were let through since it was asked; `chance`, 0 to 1, keeps
   * several that share an engine from opening in step.
   */
  heard(load: EngineLoad, unseen: number, nowMs: number, chance: number): void {
    const sinceMs = Math.min(nowMs - this.#heardMs, this.#settings.staleMs); // after a silence it opens from the first step on
    const wasSilent = nowMs - this.#heardMs >= this.#settings.staleMs;
    const room = this.#room(load);
    const step = ((0.5 + chance) * sinceMs) / this.#settings.reopenMs;
    this.#load = load;
    this.#isCurrent = true;
    this.#credit = 0;
    this.#heardMs = nowMs;
    this.#openness = Math.min(room, (wasSilent ? 0 : this.#openness) + step);
    this.#places = this.#openness <= 0 ? 0 : Math.max(0, this.#free(load) - unseen);
  }

  /** Nobody had anything to ask for until now: that the engine was not heard meanwhile is no silence. What it said is old, though. */
  rested(nowMs: number): void {
    this.#heardMs = Math.max(this.#heardMs, nowMs);
    this.#places = 0;
    this.#isCurrent = false;
  }

  /** How much the engine itself leaves: 1 with nothing in its way, 0 at the bound of its queue or its cache, in proportion between. */
  #room({ waiting, kvUse = 0 }: EngineLoad): number {
    const { maxWaiting, kvFrom, kvTo } = this.#settings;
    const byCache = (kvTo - kvUse) / (kvTo - kvFrom);
    return Math.max(0, Math.min(1, 1 - waiting / maxWaiting, byCache));
  }

  #free({ running, waiting, slots }: EngineLoad): number {
    if (slots === undefined) return Math.ceil(this.#openness * Math.max(leastStep, running * growth));
    const free = slots - running - waiting;
    return free <= 0 ? 0 : Math.max(1, Math.floor(this.#openness * free));
  }
}
