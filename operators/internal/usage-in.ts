import type { TokenUsage } from '../../src/policies/token-budget.ts';

/** Real usage, as models report it: `value.usage`, in tokens of prompt and answer, or as their sum alone. */
export function usageIn(value: unknown): TokenUsage | number | undefined {
  const usage = objectIn(value, 'usage');
  if (usage === undefined) return undefined;
  const inputTokens = countIn(usage, 'inputTokens');
  const outputTokens = countIn(usage, 'outputTokens');
  const totalTokens = countIn(usage, 'totalTokens');
  if (inputTokens === undefined || outputTokens === undefined) return totalTokens;
  const cachedTokens = countIn(usage, 'cachedTokens') ?? 0;
  return { inputTokens, outputTokens, cachedTokens, ...(totalTokens === undefined ? {} : { totalTokens }) };
}

const objectIn = (value: unknown, name: string): object | undefined => {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof found === 'object' && found !== null ? found : undefined;
};

const countIn = (value: object, name: string): number | undefined => {
  const found: unknown = Reflect.get(value, name);
  return typeof found === 'number' && found >= 0 && found < Infinity ? found : undefined;
};
