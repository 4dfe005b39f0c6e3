import type { LlamaModel, Token } from 'node-llama-cpp';
import type { TokenLogProbability } from '../../model.ts';

/** Stands for a probability that underflowed. */
export const lowestLogProbability = -100;

/** What the vendor tells of a choice: the chosen token's probability, and those of all, the likeliest first. */
export interface Likelihoods {
  readonly confidence?: number | undefined;
  readonly probabilities?: ReadonlyMap<Token, number> | undefined;
}

/** A chosen token in the words of the port. Tokens that are half a character are shown as U+FFFD, special ones as the model writes them. */
export function tokenLogProbability(
  model: Pick<LlamaModel, 'detokenize'>,
  { token, confidence, probabilities }: Likelihoods & { readonly token: Token },
  { logProbabilities = 0 }: { readonly logProbabilities: number | undefined },
): TokenLogProbability {
  const textOf = (one: Token): string => model.detokenize([one], true);
  const top: TokenLogProbability['top'][number][] = [];
  for (const [one, probability] of probabilities ?? []) {
    if (top.length >= logProbabilities || probability <= 0) break; // 0: what the schema's grammar forbids
    top.push({ token: textOf(one), logProbability: logOf(probability) });
  }
  return { token: textOf(token), logProbability: logOf(confidence), top };
}

/** Never -Infinity, which no JSON holds. */
export const logOf = (probability: number | undefined): number =>
  probability === undefined || probability <= 0 ? lowestLogProbability : Math.max(lowestLogProbability, Math.log(probability));
