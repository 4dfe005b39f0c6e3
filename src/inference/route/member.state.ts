import { type BreakerPass, BreakerState } from '../../policies/circuit-breaker.state.ts';
import { PeakEwma } from './peak-ewma.state.ts';

/** What is known of a model in a pool before it is asked. */
export interface MemberRules {
  readonly name: string;
  /** 0 is asked first. */
  readonly tier: number;
  readonly weight: number;
  /** Most calls at a time. */
  readonly maxCalls: number;
  /** For a million tokens. */
  readonly inputPrice: number;
  readonly outputPrice: number;
}

export interface HealthRules {
  /** Failures in a row after which it is left alone. */
  readonly failures: number;
  /** For how long at first, and at most. */
  readonly coolDownMs: number;
  readonly maxCoolDownMs: number;
}

/** How a call ended, as far as it tells of the model. */
export type TurnEnd =
  | { readonly end: 'succeeded' }
  /** `isFinal`: one is enough, for as long as is asked. `needsPerson`: the error, where no time mends it. */
  | {
      readonly end: 'failed';
      readonly isFinal: boolean;
      readonly random: number;
      readonly retryAfterMs: number;
      readonly needsPerson?: unknown;
    }
  /** It tells nothing. */
  | { readonly end: 'left' };

/** One call's place with a model; ended once. */
export interface Turn {
  readonly member: number;
  readonly fromMs: number;
  readonly pass: BreakerPass;
  /** Tokens that are still to be done, at most. */
  left: number;
  isOver: boolean;
}

/** Nobody waits so long without a sign for nothing: a model that was silent until the call was given up counts as failed. */
const silentMs = 5_000;

/** One model of a pool: what it has to do, how it fares. Holds an entry for each call that runs, and about 30 numbers. */
export class MemberState {
  readonly rules: MemberRules;
  readonly #health: BreakerState;
  readonly #latency = new PeakEwma();
  /** In the order of their beginning. */
  readonly #running = new Set<Turn>();
  #outstanding = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  isOpen = false;
  calls = 0;
  failures = 0;
  coolDowns = 0;
  /** Why it answers nobody until a person has acted; while that was its last word. */
  needsPerson: unknown;

  constructor(rules: MemberRules, { failures, coolDownMs, maxCoolDownMs }: HealthRules) {
    this.rules = rules;
    const never = { failureShare: Infinity, windowMs: 1_000, minCalls: 1 };
    this.#health = new BreakerState({ ...never, failures, openMs: coolDownMs, maxOpenMs: maxCoolDownMs, probes: 1 });
  }

  get running(): number {
    return this.#running.size;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  /** `open`: nobody asks it; `half-open`: one call tries. */
  health(nowMs: number): ReturnType<BreakerState['phase']> {
    return this.#health.phase(nowMs);
  }

  /** Until when it is left alone; only while it is. */
  get untilMs(): number {
    return this.#health.untilMs;
  }

  /** A call that takes longer than any before counts before it has ended. */
  latencyMs(nowMs: number): number {
    const [oldest] = this.#running;
    return Math.max(this.#latency.value(nowMs), oldest ? nowMs - oldest.fromMs : 0);
  }

  mayBeAsked(nowMs: number): boolean {
    return this.isOpen && this.#health.hasRoom(nowMs) && this.running < this.rules.maxCalls;
  }

  /** Well, but with as many calls as it may have. */
  isFull(nowMs: number): boolean {
    return this.isOpen && this.#health.hasRoom(nowMs) && this.running >= this.rules.maxCalls;
  }

  /** Ask `mayBeAsked` first. */
  begin(member: number, tokens: number, nowMs: number): Turn {
    const pass = this.#health.enter(nowMs);
    if (!pass) throw new Error('expected a model that may be asked');
    const turn: Turn = { member, fromMs: nowMs, pass, left: tokens, isOver: false };
    this.calls += 1;
    this.#outstanding += tokens;
    this.#running.add(turn);
    return turn;
  }

  /** Something has come, and so many tokens less are to be done. */
  told(turn: Turn, tokens: number, nowMs: number): void {
    this.#toldAtMs = nowMs;
    if (turn.isOver) return;
    const done = Math.min(tokens, turn.left);
    turn.left -= done;
    this.#outstanding -= done;
  }

  ended(turn: Turn, how: TurnEnd, nowMs: number): void {
    if (turn.isOver) return;
    turn.isOver = true;
    this.#running.delete(turn);
    this.#outstanding -= turn.left;
    const wasSilent = this.#toldAtMs < turn.fromMs && nowMs - turn.fromMs >= silentMs;
    if (how.end === 'succeeded') this.#succeeded(turn, nowMs);
    else if (how.end === 'failed') this.#failed(turn, how, nowMs);
    else if (wasSilent) this.#failed(turn, { isFinal: false, random: 1, retryAfterMs: 0 }, nowMs);
    else this.#health.left(turn.pass);
  }

  #succeeded({ fromMs, pass }: Turn, nowMs: number): void {
    this.#toldAtMs = nowMs;
    this.needsPerson = undefined;
    this.#latency.observe(nowMs - fromMs, nowMs);
    this.#health.succeeded(pass, nowMs);
  }

  #failed({ pass }: Turn, failed: Omit<TurnEnd & { end: 'failed' }, 'end'>, nowMs: number): void {
    this.failures += 1;
    const { isFinal, random, retryAfterMs, needsPerson } = failed;
    this.needsPerson = needsPerson;
    const wasOut = this.health(nowMs) === 'open';
    this.#health.failed(pass, { nowMs, random, retryAfterMs, opensAtOnce: isFinal });
    if (!wasOut && this.health(nowMs) === 'open') this.coolDowns += 1;
  }
}
