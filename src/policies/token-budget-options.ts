import { type OptionNames, requireMethods, requireOptions } from '../check-options.ts';
import { OptionError, requireInteger, requireNumber, requireOneOf } from '../errors.ts';
import type { TokenPrices } from '../record/token-prices.ts';
import { defaultMaxPauseMs } from '../retry-after.ts';
import { type Amounts, moneyUnits } from './call-amounts.state.ts';
import type { Reserve } from './learned-p95.ts';
import type { BudgetLimits } from './token-budget.state.ts';

export interface TokenBudgetOptions {
  /** Most tokens a minute, prompts and answers together. @defaultValue no limit */
  readonly tokensPerMinute?: number;
  /** Most tokens of prompts a minute. @defaultValue no limit */
  readonly inputTokensPerMinute?: number;
  /** Most tokens of answers a minute. @defaultValue no limit */
  readonly outputTokensPerMinute?: number;
  /** Most calls a minute. @defaultValue no limit */
  readonly requestsPerMinute?: number;
  /**
   * The stretch of time in which no more is spent than so many minutes allow, in ms, 100 to 86,400,000. Providers that say
   * "60 a minute" and mean 1 a second want 1,000; 1,000 calls a day are `requestsPerMinute: 1_000 / 1_440` in 86,400,000.
   * Each limit must come to at least 1 in it. @defaultValue 60,000
   */
  readonly windowMs?: number;
  /** Most money a day, in the currency of `prices`, above 0, at most 1,000,000. @defaultValue no limit */
  readonly moneyPerDay?: number;
  /** Needed with `moneyPerDay`. */
  readonly prices?: TokenPrices;
  /**
   * `'sliding'`: in no 24 hours more is spent, and so in no day of any calendar. `'utc'`: all of it is free again at midnight in UTC,
   * as on the provider's bill. @defaultValue 'sliding'
   */
  readonly moneyDay?: 'sliding' | 'utc';
  /**
   * What of an answer is reserved before a call: the longest it can be, or what was learnt ({@link learnedP95}, which may pass the
   * limit). @defaultValue 'cap'
   */
  readonly reserve?: 'cap' | Reserve;
  /**
   * How much sooner than another a request may reach the provider, in ms, 0 to 10,000: what is spent counts for so much longer than
   * the window. Without it two bursts a window apart are refused when the second is on a warm connection. @defaultValue 250
   */
  readonly jitterMs?: number;
  /**
   * How long at most nothing is asked for because a provider asks for a pause (`retry-after`), in ms, at least 0: one absurd header must
   * not stop a day's work. What its other headers say is left counts until their reset, a day at most. @defaultValue 900,000
   */
  readonly maxPauseMs?: number;
  /**
   * `'partitions'`: the limits are for all instances of the pipeline together. Each may spend the share of the partitions that it is
   * assigned, a limit / number of partitions each, and notes what it may spend with their commits, before it does. One value for one
   * pipeline. @defaultValue `'nobody'`: the limits are for this process alone
   */
  readonly sharedBy?: 'nobody' | 'partitions';
  /**
   * With `sharedBy`, the most partitions that an input topic will ever have: the limits are cut into so many shares for each topic, and
   * partitions that are added later have theirs at once. What belongs to partitions that are not there is not used.
   * @defaultValue as many as there are at the start; those that are added have no share until all instances were stopped and started anew
   */
  readonly mostPartitions?: number;
  /** With `sharedBy`, how far the clocks of instances may be apart, in ms, 0 to 10,000: windows are longer by it. @defaultValue 500 */
  readonly clockSkewMs?: number;
}

/** Options with everything in its place. */
export interface ResolvedBudget extends BudgetLimits {
  readonly prices: TokenPrices | undefined;
  readonly reserve: Reserve | undefined;
  readonly isShared: boolean;
  readonly maxPauseMs: number;
  /** Of an input topic; undefined: those that there are. */
  readonly mostPartitions: number | undefined;
  /** The limits, for people. */
  readonly inWords: string;
}

const names: OptionNames<TokenBudgetOptions> = {
  tokensPerMinute: true,
  inputTokensPerMinute: true,
  outputTokensPerMinute: true,
  requestsPerMinute: true,
  windowMs: true,
  moneyPerDay: true,
  prices: true,
  moneyDay: true,
  reserve: true,
  jitterMs: true,
  maxPauseMs: true,
  sharedBy: true,
  clockSkewMs: true,
  mostPartitions: true,
};
const priceNames: OptionNames<TokenPrices> = { inputPerMillion: true, outputPerMillion: true, cachedPerMillion: true };
const minuteMs = 60_000;

const perMinute = [
  ['tokens', 'tokensPerMinute', 'tokens per minute'],
  ['inputTokens', 'inputTokensPerMinute', 'prompt tokens per minute'],
  ['outputTokens', 'outputTokensPerMinute', 'answer tokens per minute'],
  ['requests', 'requestsPerMinute', 'requests per minute'],
] as const;

/** @throws OptionError without any limit, or for an option outside its range. */
export function resolveBudget(options: TokenBudgetOptions): ResolvedBudget {
  requireOptions('tokenBudget', options, names);
  const { windowMs = minuteMs, moneyPerDay, prices, moneyDay = 'sliding', reserve = 'cap', jitterMs = 250 } = options;
  const { sharedBy = 'nobody', clockSkewMs = 500, mostPartitions, maxPauseMs = defaultMaxPauseMs } = options;
  requireNumber('tokenBudget.maxPauseMs', maxPauseMs, 0);
  requireOneOf('tokenBudget.sharedBy', sharedBy, ['nobody', 'partitions']);
  requireNumber('tokenBudget.clockSkewMs', clockSkewMs, 0, 10_000);
  const isShared = sharedBy === 'partitions';
  if (mostPartitions !== undefined) requireInteger('tokenBudget.mostPartitions', mostPartitions, 1, 100_000);
  if (mostPartitions !== undefined && !isShared)
    throw new OptionError("tokenBudget.mostPartitions is for sharedBy: 'partitions', got it without");
  requireInteger('tokenBudget.windowMs', windowMs, 100, 86_400_000);
  requireNumber('tokenBudget.jitterMs', jitterMs, 0, 10_000);
  requireOneOf('tokenBudget.moneyDay', moneyDay, ['sliding', 'utc']);
  if (reserve !== 'cap') requireMethods('tokenBudget.reserve', reserve, ['outputTokens', 'learn'], "'cap' or learnedP95({ … })");
  const limits: Record<keyof Amounts, number> = {
    requests: Infinity,
    tokens: Infinity,
    inputTokens: Infinity,
    outputTokens: Infinity,
    money: Infinity,
  };
  const words: string[] = [];
  for (const [unit, name, inWords] of perMinute) {
    const given = options[name];
    if (given === undefined) continue;
    requireNumber(`tokenBudget.${name}`, given, 0);
    limits[unit] = Math.floor((given * windowMs) / minuteMs + 1e-6);
    if (limits[unit] < 1)
      throw new OptionError(`tokenBudget.${name} must allow at least 1 in windowMs (${String(windowMs)}), got ${String(given)} a minute`);
    words.push(`${String(given)} ${inWords}`);
  }
  if (moneyPerDay !== undefined) {
    requireNumber('tokenBudget.moneyPerDay', moneyPerDay, 1e-6, 1e6);
    if (prices === undefined)
      throw new OptionError('tokenBudget.moneyPerDay needs prices: { inputPerMillion, outputPerMillion }, got none');
    limits.money = Math.floor(moneyPerDay * moneyUnits);
    words.push(`${String(moneyPerDay)} of money per day`);
  }
  if (prices !== undefined) requirePrices(prices);
  if (words.length === 0)
    throw new OptionError(
      'tokenBudget needs tokensPerMinute, requestsPerMinute, inputTokensPerMinute, outputTokensPerMinute or moneyPerDay, got none of them',
    );
  return {
    limits,
    windowMs,
    jitterMs: jitterMs + (isShared ? clockSkewMs : 0),
    isShared,
    maxPauseMs,
    mostPartitions,
    moneyDay,
    prices,
    reserve: reserve === 'cap' ? undefined : reserve,
    inWords: words.join(', '),
  };
}

function requirePrices(prices: TokenPrices): void {
  requireOptions('tokenBudget.prices', prices, priceNames);
  requireNumber('tokenBudget.prices.inputPerMillion', prices.inputPerMillion, 0, 1e6);
  requireNumber('tokenBudget.prices.outputPerMillion', prices.outputPerMillion, 0, 1e6);
  if (prices.cachedPerMillion !== undefined) requireNumber('tokenBudget.prices.cachedPerMillion', prices.cachedPerMillion, 0, 1e6);
}
