import { type OptionNames, requireMethods, requireOptions } from './check-options.ts';
import { OptionError, requireInteger, requireNumber, requireText } from './errors.ts';
import type { RetryBudget } from './policies/retry-budget.ts';
import { defaultMaxPauseMs } from './retry-after.ts';
import type { Ordering } from './record/ordering.ts';

/** How often and how soon a failed call is tried again; see `retryWithBackoff`, which takes the same. */
export interface DefaultRetry {
  /** Most attempts, the first one included; at least 1. @defaultValue 3 */
  readonly attempts?: number;
  /** Longest wait before the second attempt, in ms; doubles from there. @defaultValue 250 */
  readonly initialMs?: number;
  /** Longest wait of all, in ms, Retry-After aside; at least `initialMs`. @defaultValue 30,000 */
  readonly maxMs?: number;
  /** What is heeded at most of what the other side asks for (Retry-After), in ms; at least 0. @defaultValue 900,000 */
  readonly maxPauseMs?: number;
  /** Bounds the retries of all calls that share it: when it is spent they wait, and never fail for it. @defaultValue none */
  readonly budget?: RetryBudget;
}

/** With the defaults filled in. */
export interface ResolvedRetry extends Required<Omit<DefaultRetry, 'budget'>> {
  readonly budget: RetryBudget | undefined;
}

/** @throws OptionError */
export function resolveRetry(given: DefaultRetry | 'none' = {}): ResolvedRetry | 'none' {
  if (given === 'none') return given;
  if (!isObject(given))
    throw new OptionError(`retry must be { attempts, initialMs, maxMs, maxPauseMs, budget } or 'none', got ${typeof given}`);
  requireOptions('retry', given, retryNames);
  const { attempts = 3, initialMs = 250, maxMs = Math.max(30_000, initialMs), maxPauseMs = defaultMaxPauseMs, budget } = given;
  requireInteger('retry.attempts', attempts, 1);
  requireNumber('retry.initialMs', initialMs, 0);
  requireNumber('retry.maxMs', maxMs, 0);
  requireNumber('retry.maxPauseMs', maxPauseMs, 0);
  if (maxMs < initialMs) throw new OptionError(`retry.maxMs must be >= initialMs (${String(initialMs)}), got ${String(maxMs)}`);
  if (budget !== undefined) requireMethods('retry.budget', budget, ['called', 'retry'], 'a retryBudget({ … })');
  return { attempts, initialMs, maxMs, maxPauseMs, budget };
}

/** Topics in which records wait that failed for a reason that may pass, while others go on. */
export interface RetryTopics {
  /**
   * How long a record waits before each further run, in ms, 1 to 16 of them, each at most 3 days (half of what Kafka keeps by
   * default). Each has a topic of its own, `PREFIX.1`, `PREFIX.2`, …, so that a long wait never stands before a short one.
   * Take one away only when its topic has been read to its end: nobody reads it afterwards.
   */
  readonly delaysMs: readonly number[];
  /** @defaultValue the group's name and `.retry` */
  readonly prefix?: string;
  /**
   * Must be `'accept'` unless `ordering` is `none`: a record that waits is overtaken by later ones of its key or partition.
   * Among the records of one retry topic the order holds.
   */
  readonly orderLoss?: 'accept';
}

/** One topic of records that wait. */
export interface RetryTopic {
  readonly name: string;
  readonly delayMs: number;
}

const retryNames: OptionNames<DefaultRetry> = { attempts: true, initialMs: true, maxMs: true, maxPauseMs: true, budget: true };
const topicsNames: OptionNames<RetryTopics> = { delaysMs: true, prefix: true, orderLoss: true };
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const mostRounds = 16;
const longestDelayMs = 3 * 86_400_000; // well within the 7 days that Kafka keeps records by default: what is deleted is lost

/** @throws OptionError */
export function resolveRetryTopics(given: RetryTopics | undefined, groupId: string, ordering: Ordering): readonly RetryTopic[] {
  if (given === undefined) return [];
  if (!isObject(given)) throw new OptionError(`retryTopics must be { delaysMs: [60_000, …] }, got ${typeof given}`);
  requireOptions('retryTopics', given, topicsNames);
  const { delaysMs, prefix = `${groupId}.retry`, orderLoss } = given;
  if (!Array.isArray(delaysMs) || delaysMs.length < 1 || delaysMs.length > mostRounds)
    throw new OptionError(`retryTopics.delaysMs must be 1 to ${String(mostRounds)} waits in ms`);
  requireText('retryTopics.prefix', prefix);
  if (!/^[\w.-]{1,240}$/.test(prefix))
    throw new OptionError(
      `retryTopics.prefix must be 1 to 240 letters, digits, '.', '_' or '-', got ${JSON.stringify(prefix)}; set it where groupId is no name of a topic`,
    );
  for (const [i, delayMs] of delaysMs.entries()) requireInteger(`retryTopics.delaysMs[${String(i)}]`, delayMs, 1, longestDelayMs);
  if (orderLoss !== undefined && (orderLoss as string) !== 'accept')
    throw new OptionError(`retryTopics.orderLoss must be 'accept' or left out`);
  if (ordering !== 'none' && orderLoss === undefined)
    throw new OptionError(
      `retryTopics let records overtake the one that waits, which ordering '${ordering}' excludes: set ordering: 'none', or retryTopics.orderLoss: 'accept'`,
    );
  return delaysMs.map((delayMs: number, i) => ({ name: `${prefix}.${String(i + 1)}`, delayMs }));
}
