/** An answer, and how much it counts. */
export interface Ballot<T> {
  /** In the order of the models. */
  readonly index: number;
  readonly weight: number;
  readonly value: T;
}

export interface Count<T> {
  readonly winner: Ballot<T>;
  /** The weight of all that agree with the winner. */
  readonly weight: number;
  /** Whether nothing that is still to come can change who wins. */
  readonly isDecided: boolean;
}

/**
 * Counts votes: equal values belong together, the heaviest group wins, and of equals the one with the earliest model. Undefined of no ballots.
 * @param openWeight of those that have not answered yet.
 */
export function countVotes<T>(ballots: readonly Ballot<T>[], same: (a: T, b: T) => boolean, openWeight: number): Count<T> | undefined {
  const groups: { readonly winner: Ballot<T>; weight: number }[] = [];
  for (const ballot of ballots.toSorted((a, b) => a.index - b.index)) {
    const group = groups.find(({ winner }) => same(winner.value, ballot.value));
    if (group) group.weight += ballot.weight;
    else groups.push({ winner: ballot, weight: ballot.weight });
  }
  const [best, second] = groups.toSorted((a, b) => b.weight - a.weight);
  if (!best) return undefined;
  return { ...best, isDecided: openWeight === 0 || best.weight > (second?.weight ?? 0) + openWeight };
}
