/** A token that the answer could have begun with. */
export interface FirstToken {
  readonly token: string;
  readonly logprob: number;
}

/**
 * The log-probability of each label as far as its first token tells: the sum over the listed tokens that begin it, ignoring
 * white space before and case. A token that begins several labels is shared out evenly among them; a label that no token
 * begins is given the lowest one listed, its upper bound. Undefined where no label was seen at all.
 */
export function labelLogProbabilitiesOf(first: readonly FirstToken[], labels: readonly string[]): readonly number[] | undefined {
  const names = labels.map((label) => label.trim().toLowerCase());
  const mass = names.map(() => 0);
  let lowest = 0;
  for (const { token, logprob } of first) {
    const start = token.trim().toLowerCase();
    lowest = Math.min(lowest, Math.max(logprob, -100)); // servers write -9999 or -Infinity for "none"
    if (start === '') continue;
    const begun = names.flatMap((name, index) => (name.startsWith(start) ? [index] : []));
    for (const index of begun) mass[index] = (mass[index] ?? 0) + Math.exp(logprob) / begun.length;
  }
  if (mass.every((one) => one === 0)) return undefined;
  return mass.map((one) => (one === 0 ? lowest : Math.log(one)));
}
