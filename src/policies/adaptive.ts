import { type OptionNames, requireOptions } from '../check-options.ts';
import type { Clock } from '../clock.ts';
import { OptionError, requireInteger, requireNumber } from '../errors.ts';
import type { BatchObserver } from '../record/handle.ts';
import type { Resource } from '../resource.ts';
import { BatchSize } from './batch-size.state.ts';
import type { PolicyState, WatchedPolicy } from './policy-state.ts';

export interface AdaptiveOptions {
  /** How long a batch's call should take, in ms; above 0. */
  readonly targetLatencyMs: number;
  /** Fewest values allowed in a batch, with which it begins; at least 1. @defaultValue 1 */
  readonly min?: number;
  /** Most values allowed in a batch; from `min` to 10,000. @defaultValue 256 */
  readonly max?: number;
}

/** A size of batches that follows the latency of their calls; `batchWithin` and `batchDynamic` obey it. */
export interface AdaptiveSize extends WatchedPolicy {
  /** Values allowed in a batch now. */
  readonly limit: number;
  readonly max: number;
  /** Watches the calls for a batch of `size` that leaves now. */
  observe(size: number, clock: Pick<Clock, 'nowMs'>): BatchObserver;
  describe(): PolicyState;
}

/**
 * Lets batches grow while their calls take less than `targetLatencyMs`, and shrink when they take longer: for `maxSize` of
 * `batchWithin` and `batchDynamic`. Without it somebody has to measure the right size anew for each model and machine.
 *
 * Begins with `min` and doubles with each full batch until a call takes longer than the target; from there a full batch
 * below 95 % of the target adds one value (or 1 %), and one above it takes away a tenth, or as much as it was too long, a
 * half at most; the size that took too long is tried again after 20 full batches. So a size of 100 is found in about 7
 * rounds (of the calls side by side, and of the one batch that waits for its call), stays within 15 % of what the target
 * allows, and oversteps it with less than one batch in 20.
 *
 * The latency is that of one call, from its start to its end, without what it waited for policies that let its record's
 * time stand still. A call that was tried again, or failed in less than the target, says nothing; one that failed later
 * (a timeout) counts as too long. Where a batch passes several calls, the slowest decides.
 *
 * A policy: share it between operators that call the same service. Holds three numbers.
 * @throws OptionError at call time, for an option outside its range.
 * @see "Clipper: A Low-Latency Online Prediction Serving System" (NSDI 2017), whose batches grow by one and shrink by a tenth.
 */
export function adaptive(options: AdaptiveOptions): AdaptiveSize & Resource<AdaptiveSize> {
  const rules = checked(options);
  const state = new BatchSize(rules);
  const name = `adaptive(${String(rules.targetLatencyMs)} ms)`;
  const self: AdaptiveSize & Resource<AdaptiveSize> = {
    name,
    get limit() {
      return state.limit;
    },
    max: rules.max,
    observe: (size, clock) => {
      const { limit, generation } = state;
      return timed(clock, (latencyMs, completed) => state.took({ size, limit, generation, latencyMs, completed }));
    },
    describe: () => ({
      name,
      kind: 'adaptive-size',
      used: state.limit,
      limit: rules.max,
      waiting: 0,
      numbers: { target_latency_ms: rules.targetLatencyMs },
    }),
    open: () => Promise.resolve({ value: self, close: () => Promise.resolve() }),
  };
  return self;
}

/** Times calls, without the waits in them. */
function timed(clock: Pick<Clock, 'nowMs'>, took: (latencyMs: number, completed: boolean) => void): BatchObserver {
  let beganMs = 0;
  let waits = 0;
  let waitsSinceMs = 0;
  return {
    at: (place) => {
      if (place === 'calling') beganMs = clock.nowMs();
    },
    waits: (change) => {
      if (waits === 0) waitsSinceMs = clock.nowMs();
      waits += change;
      if (waits === 0) beganMs += clock.nowMs() - waitsSinceMs;
    },
    ended: (madeOnce, completed) => {
      if (madeOnce) took(clock.nowMs() - beganMs, completed);
    },
  };
}

const names: OptionNames<AdaptiveOptions> = { targetLatencyMs: true, min: true, max: true };

function checked(options: AdaptiveOptions): Required<AdaptiveOptions> {
  requireOptions('adaptive', options, names);
  const { targetLatencyMs, min = 1, max = Math.max(256, min) } = options;
  requireNumber('adaptive.targetLatencyMs', targetLatencyMs, 0);
  if (targetLatencyMs === 0) throw new OptionError('adaptive.targetLatencyMs must be above 0, got 0');
  requireInteger('adaptive.min', min, 1, 10_000);
  requireInteger('adaptive.max', max, min, 10_000);
  return { targetLatencyMs, min, max };
}
