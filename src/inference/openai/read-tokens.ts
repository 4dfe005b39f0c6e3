import type { TokenLogProbability } from '../model.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The tokens of a piece with their log-probabilities, of whichever of the two forms a server writes: that of chats (`content`), or the
 * older one of completions (lists side by side). At most `alternatives` others for each. Empty where there are none.
 */
export function tokensFrom(given: unknown, alternatives: number): readonly TokenLogProbability[] {
  if (!isRecord(given)) return [];
  const { content, tokens, token_logprobs: values, top_logprobs: tops } = given;
  if (Array.isArray(content)) return content.filter(isRecord).map((one) => ofChat(one, alternatives));
  if (!Array.isArray(tokens)) return [];
  return tokens.map((token, index) => {
    const top: unknown = Array.isArray(tops) ? tops[index] : undefined;
    const others = isRecord(top) ? Object.entries(top).map(([name, value]) => entry(name, value)) : [];
    return { ...entry(token, Array.isArray(values) ? values[index] : undefined), top: best(others, alternatives) };
  });
}

function ofChat({ token, logprob, top_logprobs: top }: Fields, alternatives: number): TokenLogProbability {
  const others = Array.isArray(top) ? top.filter(isRecord).map((one) => entry(one['token'], one['logprob'])) : [];
  return { ...entry(token, logprob), top: best(others, alternatives) };
}

type Entry = Omit<TokenLogProbability, 'top'>;

/** Servers write null or -9999 for "next to impossible". */
const entry = (token: unknown, value: unknown): Entry => ({
  token: typeof token === 'string' ? token : '',
  logProbability: typeof value === 'number' ? value : -9999,
});

const best = (others: readonly Entry[], most: number): readonly Entry[] =>
  others.toSorted((a, b) => b.logProbability - a.logProbability).slice(0, most);

const isRecord = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
