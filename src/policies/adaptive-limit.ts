import { telling } from '../classify.ts';
import { type OptionNames, requireFunction, requireOptions } from '../check-options.ts';
import { requireInteger, requireNumber, requireOneOf } from '../errors.ts';
import type { Resource } from '../resource.ts';
import { retryAfterOf } from '../retry-after.ts';
import { AdaptiveLimitState, type CallMark } from './adaptive-limit.state.ts';
import { AimdLimitState } from './aimd-limit.state.ts';
import { type EndedCall, PermitQueue } from './internal/permit-queue.ts';
import { type BackEnd, overloadAnswers, saysOverload } from './overload-answers.ts';
import type { Permits } from './permits.ts';
import type { PolicyState } from './policy-state.ts';

export interface AdaptiveLimitOptions {
  /** Never fewer calls at a time; at least 1. @defaultValue 1 */
  readonly min?: number;
  /** Never more; at least `min`. A bound for when nothing else tells: it costs memory per call. @defaultValue 256 */
  readonly max?: number;
  /** Where it begins; from `min` to `max`. @defaultValue 4, within `min` and `max` */
  readonly initial?: number;
  /**
   * `knee`: what the throughput tells, see below. `aimd`: overloads alone; each cuts it by a quarter, and after each 25 successes while all of it is used there is one more, up to `max`. For a few calls at once, 8 or so, of which there will
   * never be more: nothing is tried out there that would cost more than it finds. `share` and `probeEveryMs` mean nothing to it. @defaultValue 'knee'
   */
  readonly algorithm?: 'knee' | 'aimd';
  /** The share of the best throughput seen that the limit must give, 0.5 to 0.99: less means shorter latencies. @defaultValue 0.95 */
  readonly share?: number;
  /** How long the limit neither rises nor is cut again after an overload that names no time of its own, in ms; more than 0. @defaultValue 100 */
  readonly coolDownMs?: number;
  /** From reaching the knee to the next look for a better one, in ms; more than 0. @defaultValue 2,000 */
  readonly probeEveryMs?: number;
  /** Whose answers are read; see {@link overloadAnswers}. @defaultValue 'any' */
  readonly backEnd?: BackEnd;
  /** Whether what a call failed with means "overloaded", instead of the table's answer. */
  readonly isOverload?: (error: unknown) => boolean;
}

const names: OptionNames<AdaptiveLimitOptions> = {
  min: true,
  max: true,
  initial: true,
  algorithm: true,
  share: true,
  coolDownMs: true,
  probeEveryMs: true,
  backEnd: true,
  isOverload: true,
};

/**
 * Permits whose number finds itself: the smallest that gives 95 % of the best throughput seen in the last 30 s (the knee, above which calls
 * only wait for each other inside the server). Use it where the other side's capacity is not known or changes; `withPermit` obeys it.
 *
 * It begins at `initial` and doubles while that pays, looks 25 % higher every 2 s (one more after each 25 successes), and lower when it has risen or
 * what it knows has grown old or wrong. An overload cuts it by a quarter, at most once per cool-down, which lasts as long as Retry-After says; then it
 * goes back to what held before, one more with each success. It learns only while all of it is used. A probe may cost one overload answer.
 *
 * Bounds, for knees of 8 to 100 and calls of 5 ms to 2 s: near the knee (20 %) within 2,500 calls, then 87 % of the best throughput or more, and at most
 * 2 % overload answers; a knee that jumps from 32 to 8 and back, with calls of 100 ms, is found in 15 and 20 s, one that doubles in 15 s is followed with up to 6
 * times as many calls as it needs. It cannot do so where lengths scatter as widely as their mean: there it has 80 % of the best throughput, between 0.6 and 2
 * times the knee, and needs up to a minute after a jump; nor below 8, where one more or less is much. Give `min` and `max` there, or `algorithm: 'aimd'`.
 *
 * Several pipelines may share one. Holds one entry per waiting call, 1,600 latencies and 64 measured limits.
 *
 * @throws OptionError for an option outside its range.
 * @see Netflix's concurrency-limits and Envoy's adaptive concurrency, which compare latencies; TCP BBR, which looks for the best
 * throughput and the least delay in turn; Little's law.
 */
export function adaptiveLimit(options: AdaptiveLimitOptions = {}): Permits & Resource<Permits> {
  const { isOverload, algorithm, ...settings } = checked(options);
  const state = algorithm === 'aimd' ? new AimdLimitState(settings) : new AdaptiveLimitState(settings);
  const end = ({ begun, outcome, startedMs, nowMs, running }: EndedCall<CallMark>): void => {
    const call = { begun, startedMs, nowMs, running };
    if (outcome.end === 'completed') state.ended({ ...call, result: 'success' });
    else if (outcome.end === 'failed' && isOverload(outcome.error)) {
      state.ended({ ...call, result: 'overload', retryAfterMs: retryAfterOf(telling(outcome.error) ?? outcome.error, nowMs) });
    }
  };
  const queue = new PermitQueue<CallMark>({ limit: () => state.limit, begin: () => state.begin(), end });
  const self: Permits & Resource<Permits> = {
    name: 'adaptiveLimit',
    get limit() {
      return state.limit;
    },
    get used() {
      return queue.used;
    },
    get waiting() {
      return queue.waiting;
    },
    acquire: (granted, clock) => queue.acquire(granted, clock),
    describe: (nowMs) => stateOf(state, queue, nowMs),
    open: () => Promise.resolve({ value: self, close: () => Promise.resolve() }),
  };
  return self;
}

function stateOf(state: AdaptiveLimitState | AimdLimitState, { used, waiting, recent }: PermitQueue<CallMark>, nowMs: number): PolicyState {
  const coolsDown = nowMs < state.coolDownUntilMs;
  return {
    name: 'adaptiveLimit',
    kind: 'adaptive-limit',
    used,
    limit: state.limit,
    waiting,
    ...(waiting > 0 ? { reason: coolsDown ? 'the other side is overloaded' : 'all permits are taken' } : {}),
    numbers: {
      wait_p50_ms: recent.waitMs(0.5, nowMs),
      wait_p99_ms: recent.waitMs(0.99, nowMs),
      use_share: recent.meanUse(nowMs) / state.limit,
      ...(state instanceof AdaptiveLimitState ? { calls_per_s: state.perSecond(nowMs) } : {}),
      overloads_total: state.lowered,
    },
  };
}

function checked(options: AdaptiveLimitOptions) {
  requireOptions('adaptiveLimit', options, names);
  const { min = 1, max = Math.max(256, min), share = 0.95, coolDownMs = 100, probeEveryMs = 2_000, backEnd = 'any' } = options;
  requireInteger('adaptiveLimit.min', min, 1);
  requireInteger('adaptiveLimit.max', max, min);
  const { initial = Math.min(max, Math.max(min, 4)), algorithm = 'knee', isOverload } = options;
  requireOneOf('adaptiveLimit.algorithm', algorithm, ['knee', 'aimd']);
  requireInteger('adaptiveLimit.initial', initial, min, max);
  requireNumber('adaptiveLimit.share', share, 0.5, 0.99);
  requireNumber('adaptiveLimit.coolDownMs', coolDownMs, Number.MIN_VALUE);
  requireNumber('adaptiveLimit.probeEveryMs', probeEveryMs, Number.MIN_VALUE);
  requireOneOf('adaptiveLimit.backEnd', backEnd, Object.keys(overloadAnswers) as BackEnd[]);
  if (isOverload !== undefined) requireFunction('adaptiveLimit.isOverload', isOverload, '(error) => boolean');
  const answers = overloadAnswers[backEnd];
  return {
    min,
    max,
    initial,
    algorithm,
    share,
    coolDownMs,
    probeEveryMs,
    isOverload: isOverload ?? ((error: unknown) => saysOverload(error, answers)),
  };
}
