import { DeficitRounds } from '../policies/deficit-rounds.state.ts';

const recordCost = 1024; // what a record in flight holds beside its bytes, about; and what one turn of a weight of 1 may cost

/**
 * Whose record is taken next: topics take turns by their weights, and in each its partitions, so that none waits for another's backlog.
 * What a record costs is its bytes and 1 KiB. O(1) a record; holds an entry for each partition with something to take.
 */
export class Turns<P extends { readonly topic: string }> {
  readonly #weights: ReadonlyMap<string, number>;
  readonly #topics = new DeficitRounds<string, DeficitRounds<P, P>>(recordCost);

  /** @param weights by topic; 1 for what is not in it. */
  constructor(weights: ReadonlyMap<string, number>) {
    this.#weights = weights;
  }

  /** It has something to take. */
  enter(partition: P): void {
    const { topic } = partition;
    this.#topics
      .enter(topic, this.#weights.get(topic) ?? 1, () => new DeficitRounds<P, P>(recordCost))
      .enter(partition, 1, () => partition);
  }

  /** It has nothing to take any more. */
  leave(partition: P): void {
    const partitions = this.#topics.find(partition.topic)?.item;
    partitions?.leave(partition);
    if (partitions?.busy === 0) this.#topics.leave(partition.topic);
  }

  next(): P | undefined {
    return this.#topics.turn()?.item.turn()?.item;
  }

  /** A record of it was taken. */
  charge(partition: P, bytes: number): void {
    const { topic } = partition;
    this.#topics.find(topic)?.item.charge(partition, bytes + recordCost);
    this.#topics.charge(topic, bytes + recordCost);
  }
}

/** Of the window, each may count on its topic's share by weight, divided by the topic's partitions here. */
export function apportion(partitions: readonly { readonly topic: string; share: number }[], weights: ReadonlyMap<string, number>): void {
  const counts = new Map<string, number>();
  for (const { topic } of partitions) counts.set(topic, (counts.get(topic) ?? 0) + 1);
  const weightOf = (topic: string): number => weights.get(topic) ?? 1;
  const all = [...counts.keys()].reduce((sum, topic) => sum + weightOf(topic), 0);
  for (const one of partitions) one.share = weightOf(one.topic) / all / (counts.get(one.topic) ?? 1);
}
