import type { TokenPrices } from '../../record/token-prices.ts';
import type { TokenUsage } from '../../record/token-usage.ts';

/** In the currency of the prices. */
export const costOf = ({ inputTokens, cachedTokens, outputTokens }: TokenUsage, prices: TokenPrices): number => {
  const { inputPerMillion, outputPerMillion, cachedPerMillion = inputPerMillion } = prices;
  return ((inputTokens - cachedTokens) * inputPerMillion + cachedTokens * cachedPerMillion + outputTokens * outputPerMillion) / 1e6;
};
