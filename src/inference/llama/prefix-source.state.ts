/** Copying costs some milliseconds; so many tokens take longer on any CPU. */
const leastGain = 32;
/** A sequence is copied as a whole, and a token is copied a hundred times quicker than it is evaluated. */
const mostCopiedPerGain = 32;

/** A sequence's tokens, and those that it will have when the prompt that is being evaluated in it is through. */
export interface KeptTokens {
  readonly sequence: number;
  readonly kept: readonly number[];
  readonly coming: readonly number[] | undefined;
}

/** Where the beginning of a prompt comes from: what its own sequence keeps, a copy of another, or another that is about to have it. */
export type PrefixSource = { readonly kind: 'own' } | { readonly kind: 'copy'; readonly from: number } | { readonly kind: 'wait' };

/** The prompt's last token is evaluated in any case. */
export function prefixSource(prompt: readonly number[], own: number, sequences: readonly KeptTokens[]): PrefixSource {
  const before = prompt.slice(0, -1);
  const inOwn = inCommon(before, sequences.find(({ sequence }) => sequence === own)?.kept ?? []);
  const worth = (tokens: readonly number[]): number => {
    const gain = inCommon(before, tokens) - inOwn;
    return gain >= leastGain && tokens.length <= gain * mostCopiedPerGain ? gain : 0;
  };
  const others = sequences.filter(({ sequence }) => sequence !== own);
  const copies = others.map(({ sequence, kept }) => ({ from: sequence, gain: worth(kept) }));
  const best = copies.reduce((a, b) => (b.gain > a.gain ? b : a), { from: own, gain: 0 });
  const later = others.reduce((most, { coming = [] }) => Math.max(most, worth(coming)), 0);
  if (later - best.gain >= leastGain) return { kind: 'wait' };
  return best.from === own ? { kind: 'own' } : { kind: 'copy', from: best.from };
}

/** How many tokens two begin with. */
export function inCommon(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  for (let at = 0; at < most; at += 1) if (a[at] !== b[at]) return at;
  return most;
}
