import { type OptionNames, requireOptions } from '../check-options.ts';
import { OptionError, requireInteger } from '../errors.ts';
import { LearnedState } from './learned-p95.state.ts';

export interface LearnedP95Options {
  /** Answers of a step that must be known before less than its longest answer is reserved; at least 20. @defaultValue 40 */
  readonly minCalls?: number;
  /** The last answers of a step that it is learnt from; at least `minCalls`. @defaultValue 200 */
  readonly lastCalls?: number;
  /** Most steps that are known; the one not used for longest is forgotten, and begins anew. At least 1. @defaultValue 1,000 */
  readonly maxSteps?: number;
}

/** How much of an answer's longest length is reserved before a call. */
export interface Reserve {
  /** For an answer of at most `longest` tokens; never more than that. */
  outputTokens(step: string, longest: number): number;
  /** An answer has ended by itself, and was so long. */
  learn(step: string, outputTokens: number): void;
}

const names: OptionNames<LearnedP95Options> = { minCalls: true, lastCalls: true, maxSteps: true };

/**
 * For `tokenBudget({ reserve: learnedP95() })`: reserves what 95 of the last 100 answers of the same model and step stayed within
 * (`model` and `step` of `withinBudget`), not the longest answer that `maxTokens` allows. More calls run at a time where answers are much
 * shorter than allowed.
 *
 * The price is overshoot: of calls that go on as before, 5 in 100 use more than was reserved, each at most its longest answer less the
 * p95. What is beyond is spent when it becomes known, and the next calls wait for it; until then a window may hold more than the
 * limit: with n calls at a time about n / 20 such excesses, and n of them when answers grow longer all at once, until
 * `lastCalls` / 20 have been learnt. `describe().numbers` counts them (`overshoot_tokens`, `overshoot_calls`). Where nothing may
 * pass the limit, leave `reserve: 'cap'`.
 *
 * Learns from answers that ended by themselves and told their usage; the aborted would teach it too little. Holds `lastCalls`
 * numbers a step.
 * @throws OptionError for options out of range.
 */
export function learnedP95(options: LearnedP95Options = {}): Reserve {
  requireOptions('learnedP95', options, names);
  const { minCalls = 40, lastCalls = Math.max(200, minCalls), maxSteps = 1_000 } = options;
  requireInteger('learnedP95.minCalls', minCalls, 20);
  requireInteger('learnedP95.lastCalls', lastCalls, 20, 100_000);
  requireInteger('learnedP95.maxSteps', maxSteps, 1);
  if (lastCalls < minCalls)
    throw new OptionError(`learnedP95.lastCalls must be >= minCalls (${String(minCalls)}), got ${String(lastCalls)}`);
  const state = new LearnedState({ quantile: 0.95, minCalls, lastCalls, maxSteps });
  return {
    outputTokens: (step, longest) => Math.min(longest, state.length(step) ?? longest),
    learn: (step, outputTokens) => state.learn(step, outputTokens),
  };
}
