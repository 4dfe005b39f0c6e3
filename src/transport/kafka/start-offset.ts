import type { Assignment, TopicPartition } from '../transport.ts';

/** What is known of a partition before its first record is delivered. */
export interface StartFacts {
  /** What the group has committed; Kafka says -1 for nothing. */
  readonly committed: bigint;
  readonly low: bigint;
  readonly high: bigint;
  /** Where reads end: at the first record of an open transaction, or at `high`. */
  readonly stable: bigint;
}

/**
 * Where delivery begins. kafkajs would do this itself, silently, and with an offset outside the log would begin
 * somewhere else without a word. Beyond the end: the topic was cut or made anew, so nothing of it has been read.
 */
export function startOffset(
  { committed, low, high, stable }: StartFacts,
  from: 'earliest' | 'latest',
): Pick<Assignment, 'start' | 'reset'> {
  if (committed < 0n) return { start: from === 'earliest' ? low : stable, reset: 'none-committed' };
  if (committed < low || committed > high) return { start: low, reset: 'out-of-range' };
  return { start: committed, reset: undefined };
}

/** From latest means what comes from now on, and all of a partition that was added since has come since. */
export function startOf(
  { topic, partition }: TopicPartition,
  from: 'earliest' | 'latest',
  partitionsAtFirst: ReadonlyMap<string, number>,
): 'earliest' | 'latest' {
  const count = partitionsAtFirst.get(topic);
  return count !== undefined && partition >= count ? 'earliest' : from;
}
