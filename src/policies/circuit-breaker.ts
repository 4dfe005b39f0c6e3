import { type OptionNames, requireFunction, requireOptions } from '../check-options.ts';
import { classify } from '../classify.ts';
import { type Grade, isAbortError, isRetryable, OptionError, requireInteger, requireNumber } from '../errors.ts';
import type { Resource } from '../resource.ts';
import { defaultMaxPauseMs } from '../retry-after.ts';
import { type BreakerPhase, BreakerState } from './circuit-breaker.state.ts';
import { BreakerQueue, type BreakerRequest } from './internal/breaker-queue.ts';
import type { PolicyState, WatchedPolicy } from './policy-state.ts';

export interface CircuitBreakerOptions {
  /** Failures in a row that open it; at least 1. @defaultValue 5, or none where only `failureShare` is given */
  readonly failures?: number;
  /** Share of the last `windowMs`'s calls that opens it by failing; above 0, at most 1. @defaultValue none */
  readonly failureShare?: number;
  /** With `failureShare`; more than 0. @defaultValue 10,000 */
  readonly windowMs?: number;
  /** With `failureShare`: calls that the window must have seen; at least 1. @defaultValue 20 */
  readonly minCalls?: number;
  /** Longest time that it is open at first, in ms; doubles with each probe that fails. More than 0. @defaultValue 1,000 */
  readonly openMs?: number;
  /** Longest time of all, in ms, Retry-After aside; at least `openMs`. @defaultValue 10,000 */
  readonly maxOpenMs?: number;
  /** How long it stays open at most because the other side asks for it (Retry-After), in ms; at least 0. @defaultValue 900,000 */
  readonly maxPauseMs?: number;
  /** Most calls that try while it is half-open; at least 1. @defaultValue 1 */
  readonly probes?: number;
  /** Calls that have waited begin spread over so many ms after it closed; at least 0. @defaultValue 2,000 */
  readonly recoveryMs?: number;
  /** Whether `error` tells that the service is not well; never asked for an AbortError. @defaultValue grade `transient`, `overload` or `resource` */
  readonly isFailure?: (error: unknown, grade: Grade) => boolean;
}

/** Keeps calls from a service that fails; `withBreaker` obeys it. */
export interface CircuitBreaker extends WatchedPolicy {
  phase(nowMs: number): BreakerPhase;
  /** Calls that wait for it to close. */
  readonly waiting: number;
  /** The result gives up the place of a call that waits. */
  enter(request: BreakerRequest): () => void;
}

const names: OptionNames<CircuitBreakerOptions> = {
  ...{ failures: true, failureShare: true, windowMs: true, minCalls: true, openMs: true, maxOpenMs: true, probes: true },
  ...{ recoveryMs: true, isFailure: true, maxPauseMs: true },
};

/**
 * A circuit breaker, shared by all that call one service. It opens after so many failures in a row, or at a share of failures, and
 * lets nothing through; when its time is over one call probes (`probes`): a success closes it, a failure opens it for longer. The value works at once,
 * and is a resource of itself. Holds about 20 sums, and an entry per call that waits; the calls are bounded by those who make them.
 *
 * An error that says `retryAfterMs` keeps it open for at least as long, and `maxPauseMs` at most.
 * @throws OptionError for an option outside its range or without its partner.
 * @see "Release It!" (Nygard); Resilience4j's `CircuitBreaker`, which lets all of its calls back at once.
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker & Resource<CircuitBreaker> {
  const { isFailure, recoveryMs, maxPauseMs, ...limits } = checked(options);
  const state = new BreakerState(limits);
  const tellsTrouble = (error: unknown): boolean => !isAbortError(error) && isFailure(error, classify(error));
  const queue = new BreakerQueue(state, { recoveryMs, maxPauseMs, isFailure: tellsTrouble });
  const self: CircuitBreaker & Resource<CircuitBreaker> = {
    name: 'circuitBreaker',
    phase: (nowMs) => state.phase(nowMs),
    get waiting() {
      return queue.waiting;
    },
    enter: (request) => queue.enter(request),
    describe: (nowMs) => stateOf(state, queue, limits.failures, nowMs),
    open: () => Promise.resolve({ value: self, close: () => Promise.resolve() }),
  };
  return self;
}

const degreeOf = { closed: 0, 'half-open': 1, open: 2 } as const satisfies Record<BreakerPhase, number>;

function stateOf(state: BreakerState, { waiting, opened }: BreakerQueue, limit: number, nowMs: number): PolicyState {
  const phase = state.phase(nowMs);
  return {
    name: 'circuitBreaker',
    kind: 'circuit-breaker',
    used: state.failuresInARow,
    limit,
    waiting,
    ...(phase === 'open' ? { pausedUntilMs: state.untilMs } : {}),
    ...(phase === 'closed' ? {} : { reason: 'the circuit breaker is open' }),
    numbers: { open_degree: degreeOf[phase], openings_total: opened },
  };
}

function checked(options: CircuitBreakerOptions) {
  requireOptions('circuitBreaker', options, names);
  const { failureShare = Infinity, failures = failureShare === Infinity ? 5 : Infinity, windowMs = 10_000, minCalls = 20 } = options;
  const { openMs = 1_000, maxOpenMs = Math.max(10_000, openMs), probes = 1, recoveryMs = 2_000 } = options;
  const { maxPauseMs = defaultMaxPauseMs } = options;
  const { isFailure = (_error: unknown, grade: Grade): boolean => isRetryable(grade) } = options;
  if (options.failures !== undefined) requireInteger('circuitBreaker.failures', failures, 1);
  if (options.failureShare !== undefined) requireNumber('circuitBreaker.failureShare', failureShare, Number.MIN_VALUE, 1);
  else if (options.windowMs !== undefined || options.minCalls !== undefined)
    throw new OptionError('circuitBreaker.windowMs and minCalls belong to failureShare: give it too, or leave them out');
  requireNumber('circuitBreaker.windowMs', windowMs, Number.MIN_VALUE);
  requireInteger('circuitBreaker.minCalls', minCalls, 1);
  requireNumber('circuitBreaker.openMs', openMs, Number.MIN_VALUE);
  requireNumber('circuitBreaker.maxOpenMs', maxOpenMs, openMs);
  requireInteger('circuitBreaker.probes', probes, 1);
  requireNumber('circuitBreaker.recoveryMs', recoveryMs, 0);
  requireNumber('circuitBreaker.maxPauseMs', maxPauseMs, 0);
  requireFunction('circuitBreaker.isFailure', isFailure, '(error, grade) => boolean');
  return { failures, failureShare, windowMs, minCalls, openMs, maxOpenMs, probes, recoveryMs, maxPauseMs, isFailure };
}
