import type { TokenPrices } from '../record/token-prices.ts';
/** What a budget counts. */
export const units = ['requests', 'tokens', 'inputTokens', 'outputTokens', 'money'] as const;
export type Unit = (typeof units)[number];

/** Of every unit; money in billionths of its currency, so that sums stay exact. */
export type Amounts = Readonly<Record<Unit, number>>;

/** The most tokens a call can use. */
export interface TokenEstimate {
  /** Of the prompt. */
  readonly inputTokens: number;
  /** Of the longest answer. */
  readonly outputTokens: number;
}

/** The tokens that a call has used. */
export interface TokenUsage extends TokenEstimate {
  /** Of the prompt's tokens those that were not evaluated anew. @defaultValue 0 */
  readonly cachedTokens?: number;
  /** @defaultValue prompt and answer together */
  readonly totalTokens?: number;
}

const noPrices: TokenPrices = { inputPerMillion: 0, outputPerMillion: 0 };
/** One unit of the currency in the unit of sums. */
export const moneyUnits = 1e9;
const perToken = moneyUnits / 1e6;

/**
 * What a call may use at most, and so has to be free. Where prompt and answer are one number, either may be all of it: that much
 * is taken of both, at the higher price.
 */
export function amountsOfEstimate(estimate: TokenEstimate | number, prices: TokenPrices = noPrices): Amounts {
  if (typeof estimate !== 'number') return amountsOfUsage({ ...estimate, cachedTokens: 0 }, prices);
  const { inputPerMillion, outputPerMillion } = prices;
  const money = Math.ceil(estimate * Math.max(inputPerMillion, outputPerMillion) * perToken);
  return { requests: 1, tokens: estimate, inputTokens: estimate, outputTokens: estimate, money };
}

/** What a call has used. */
export function amountsOfUsage(usage: TokenUsage, prices: TokenPrices = noPrices): Amounts {
  const { inputTokens, outputTokens, cachedTokens = 0, totalTokens = inputTokens + outputTokens } = usage;
  const { inputPerMillion, outputPerMillion, cachedPerMillion = inputPerMillion } = prices;
  const cached = Math.min(Math.max(0, cachedTokens), inputTokens);
  const cost = (inputTokens - cached) * inputPerMillion + cached * cachedPerMillion + outputTokens * outputPerMillion;
  return { requests: 1, tokens: totalTokens, inputTokens, outputTokens, money: Math.ceil(cost * perToken) };
}

/** The same where only the sum is known: the prompt is what was reserved for it, as far as it goes. */
export function amountsOfTotal(totalTokens: number, reserved: TokenEstimate | number, prices?: TokenPrices): Amounts {
  if (typeof reserved === 'number') return amountsOfEstimate(totalTokens, prices);
  const inputTokens = Math.min(totalTokens, reserved.inputTokens);
  return amountsOfUsage({ inputTokens, outputTokens: totalTokens - inputTokens }, prices);
}
