import { LatencyWindow } from './internal/latency-window.state.ts';
import { ThroughputCurve } from './internal/throughput-curve.state.ts';

export interface LimitSettings {
  readonly min: number;
  readonly max: number;
  readonly initial: number;
  /** Of the best throughput seen, what the limit must give. */
  readonly share: number;
  /** After an overload that names no time of its own. */
  readonly coolDownMs: number;
  readonly probeEveryMs: number;
}

/** What a call takes along from its start. */
export interface CallMark {
  readonly settled: number;
  readonly lowered: number;
}

export interface CallSample {
  readonly begun: CallMark;
  /** `other`: it failed for reasons of its own, or was aborted, and tells nothing. */
  readonly result: 'success' | 'overload' | 'other';
  readonly startedMs: number;
  readonly nowMs: number;
  /** Calls that ran until now, this one included. */
  readonly running: number;
  readonly retryAfterMs?: number | undefined;
}

interface Measure {
  readonly level: number;
  readonly rate: number;
  /** The standard error, as a share of the rate. */
  readonly error: number;
  readonly atMs: number;
}

/** `climb`: goes up to a target and measures there; `descend`: measures lower limits; `rest`: stays at the knee. */
export type LimitPhase = 'climb' | 'descend' | 'rest';

const successesPerStep = 25;
const stepUp = 1.25;
const stepDown = 0.8;
const backOff = 0.75;
const flat = 0.1; // a tenth of the gain that a server without any load would show is no gain
const steep = 0.35; // from a third of it on the knee is far: no need to go up step by step
const changed = 0.15; // so far from what is known, it is another world
const confirmed = 0.05;
const risen = 1.15; // less is chance, or what a knee is known to
const roughly = 64; // calls, to tell whether twice as many give more

/**
 * Where the knee of the throughput is. Throughput is Little's: calls in flight by their typical latency, measured only while all of the
 * limit is used; what is not used tells nothing, and changes nothing.
 */
export class AdaptiveLimitState {
  readonly #settings: LimitSettings;
  readonly #curve = new ThroughputCurve();
  readonly #window = new LatencyWindow();
  #limit: number;
  #phase: LimitPhase = 'climb';
  /** Where the climb began, with the throughput there; undefined: nothing is known yet. */
  #from: Measure | undefined;
  #target: number;
  /** The last step of a slow climb, measured on the way: an overload may come before the target does. */
  #step: Measure | undefined;
  #fast = true;
  #starting = true;
  /** Below it the limit grows by one with each success: it held before. */
  #threshold: number;
  #coolDownUntilMs = Number.NEGATIVE_INFINITY;
  #restedMs = Number.NEGATIVE_INFINITY;
  /** It only looks down to be sure, and is to climb again. */
  #goesOn = false;
  /** The last limit that lower ones were compared with. */
  #confirmed = 0;
  /** Counts changes of the limit: calls that began before the last one measure something else. */
  #settled = 0;
  /** Counts decreases: what was sent before one is no reason for the next. */
  #lowered = 0;

  constructor(settings: LimitSettings) {
    this.#settings = settings;
    this.#limit = settings.initial;
    this.#target = settings.initial;
    this.#threshold = settings.initial;
  }

  get limit(): number {
    return this.#limit;
  }

  get phase(): LimitPhase {
    return this.#phase;
  }

  /** How often an overload has lowered the limit. */
  get lowered(): number {
    return this.#lowered;
  }

  get coolDownUntilMs(): number {
    return this.#coolDownUntilMs;
  }

  /** Calls per second at the present limit, as last measured; 0 while unknown. */
  perSecond(nowMs: number): number {
    return 1000 * (this.#curve.at(this.#limit, nowMs) ?? 0);
  }

  begin(): CallMark {
    return { settled: this.#settled, lowered: this.#lowered };
  }

  ended(call: CallSample): void {
    if (call.result === 'overload') this.#overloaded(call);
    else if (call.result === 'success') this.#succeeded(call);
  }

  #succeeded({ begun, startedMs, nowMs, running }: CallSample): void {
    if (nowMs < this.#coolDownUntilMs || running < this.#limit) return;
    if (running > this.#limit) {
      this.#settle(); // calls of a higher limit still run, and slow the others down
      return;
    }
    if (this.#limit < this.#threshold) {
      this.#moveTo(this.#limit + 1);
      return;
    }
    if (this.#phase === 'climb' && this.#limit < this.#target) {
      this.#ascend(nowMs - startedMs, nowMs);
      return;
    }
    if (begun.settled !== this.#settled) return;
    this.#window.add(nowMs - startedMs, nowMs);
    if (!this.#window.isTelling(Math.max(successesPerStep, this.#limit), nowMs, this.#starting ? roughly : undefined)) return;
    const found = { level: this.#limit, rate: this.#limit / this.#window.typicalMs(), error: this.#window.error(), atMs: nowMs };
    this.#curve.took(this.#window.tookMs(nowMs));
    this.#window.clear();
    this.#measured(found, nowMs);
  }

  #ascend(latencyMs: number, nowMs: number): void {
    this.#window.add(latencyMs, nowMs);
    if (!this.#fast && this.#window.size < successesPerStep) return;
    // most of these calls began one step lower
    if (!this.#fast)
      this.#step = { level: this.#limit, rate: (this.#limit - 0.5) / this.#window.typicalMs(), error: this.#window.error(), atMs: nowMs };
    this.#moveTo(this.#limit + 1);
  }

  #measured(found: Measure, nowMs: number): void {
    const { level, rate, error } = found;
    const known = this.#curve.at(level, nowMs);
    const ratio = known === undefined ? 1 : rate / known;
    if (this.#phase === 'climb') {
      if (Math.abs(ratio - 1) > confirmed) this.#curve.forgetFrom(level);
      this.#curve.put(level, rate, error, nowMs);
      const isConfirmed = known !== undefined && Math.abs(ratio - 1) <= confirmed;
      if (level < this.#settings.max && !isConfirmed && this.#gain(found) >= flat) this.#climbOn(found);
      else this.#seek(nowMs);
      return;
    }
    if (Math.abs(ratio - 1) > changed) {
      this.#curve.forgetFrom(0); // another world; this window may be half of the old one
      if (ratio < 1) this.#restedMs = nowMs; // the way is down
      this.#settle();
      return;
    }
    this.#curve.put(level, rate, error, nowMs);
    if (this.#phase === 'rest' && nowMs - this.#restedMs >= this.#settings.probeEveryMs) this.#probe(found);
    else this.#seek(nowMs);
  }

  /** Up; but down where what is known of lower limits may be of another world, as when the limit has just risen. */
  #probe(found: Measure): void {
    const { level, atMs } = found;
    if (level > this.#confirmed * risen) {
      this.#lookDown(found);
      return;
    }
    this.#confirmed = Math.min(level, this.#confirmed);
    if (level >= this.#settings.max) {
      this.#seek(atMs);
      return;
    }
    this.#from = undefined;
    this.#fast = false;
    this.#climb(found);
  }

  /** Of the gain that a server without any load would show, from where the climb began: 0 is none, 1 all of it. */
  #gain({ level, rate, error }: Measure): number {
    if (this.#from === undefined) return Infinity;
    const sure = this.#starting ? 0 : Math.hypot(error, this.#from.error); // chance alone would lead it ever higher
    return (rate / this.#from.rate - 1 - sure) / (level / this.#from.level - 1);
  }

  /** Twice as high as what was compared with less, it is compared again first: in a world that grows by itself each limit seems better. */
  #climbOn(found: Measure): void {
    if (this.#starting || found.level < 2 * this.#confirmed) {
      this.#climb(found);
      return;
    }
    this.#lookDown(found);
    this.#goesOn = true;
  }

  #lookDown({ level, atMs }: Measure): void {
    this.#confirmed = level;
    this.#curve.forgetBelow(level);
    this.#restedMs = atMs;
    this.#seek(atMs);
  }

  #climb(found: Measure): void {
    const { level } = found;
    const gain = this.#gain(found);
    if (this.#from !== undefined) this.#fast = gain >= steep;
    this.#starting &&= this.#fast;
    const next = this.#starting ? level * 2 : Math.max(level + 1, Math.floor(level * stepUp));
    this.#phase = 'climb';
    this.#from = found;
    this.#step = undefined;
    this.#target = Math.min(this.#settings.max, next);
    this.#window.clear();
  }

  /** To the knee, if it lies between what was measured; else to a lower limit, to measure that. */
  #seek(nowMs: number): void {
    const { min, share } = this.#settings;
    const knee = this.#curve.knee(share, nowMs) ?? { level: this.#limit, lowest: min, bracketed: true };
    this.#starting = false;
    this.#step = undefined;
    if (!knee.bracketed && knee.lowest > min) {
      if (this.#phase === 'descend') this.#goesOn = false;
      this.#phase = 'descend';
      this.#threshold = Math.max(min, Math.min(knee.lowest - 1, Math.floor(knee.lowest * stepDown)));
      this.#moveTo(this.#threshold);
      return;
    }
    if (this.#phase !== 'rest') this.#restedMs = this.#goesOn ? Number.NEGATIVE_INFINITY : nowMs;
    this.#goesOn = false;
    this.#restAt(knee.level);
  }

  #restAt(level: number): void {
    this.#phase = 'rest';
    this.#threshold = level;
    if (this.#limit > level) this.#moveTo(level);
  }

  #overloaded({ begun, nowMs, running, retryAfterMs }: CallSample): void {
    if (begun.lowered !== this.#lowered) return;
    this.#lowered += 1;
    const { min, coolDownMs, share } = this.#settings;
    const coolsDown = nowMs < this.#coolDownUntilMs;
    const level = Math.min(this.#limit, running);
    this.#coolDownUntilMs = Math.max(this.#coolDownUntilMs, nowMs + (retryAfterMs ?? coolDownMs));
    if (coolsDown) {
      this.#moveTo(Math.max(min, Math.min(this.#limit, running - 1))); // no second cut: what else runs is the most that can be right
      return;
    }
    this.#confirmed = Math.max(this.#confirmed, level); // a limit that is too high does not go unnoticed here
    const wasKnown = this.#phase === 'climb' && this.#from !== undefined && this.#from.level < level;
    this.#curve.forgetFrom(wasKnown ? level : 0);
    if (wasKnown && this.#step && this.#step.level < level) this.#curve.put(this.#step.level, this.#step.rate, this.#step.error, nowMs);
    this.#moveTo(Math.max(min, Math.min(level - 1, Math.round(level * backOff))));
    this.#starting = false;
    this.#restedMs = nowMs;
    const held = this.#curve.knee(share, nowMs);
    if (held && held.level >= this.#limit) this.#restAt(held.level);
    else this.#beginAnew();
  }

  /** Nothing is known of the limits around: measure here, then climb. */
  #beginAnew(): void {
    this.#phase = 'climb';
    this.#from = undefined;
    this.#step = undefined;
    this.#fast = false;
    this.#target = this.#limit;
    this.#threshold = this.#limit;
  }

  #moveTo(limit: number): void {
    this.#limit = limit;
    this.#settle();
  }

  #settle(): void {
    this.#settled += 1;
    this.#window.clear();
  }
}
