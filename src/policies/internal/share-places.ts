import { OptionError } from '../../errors.ts';
import { formatPartition, type TopicPartition } from '../../record/record.ts';

/** Into how many shares a limit is cut, and which of them is a partition's. The same in all instances. */
export interface SharePlaces {
  readonly count: number;
  /** Undefined: it has none. */
  of(partition: TopicPartition): { readonly index: number; readonly count: number } | undefined;
}

/**
 * Without `most` each partition there is has a share, and one that is added has none: the others would go on with theirs, and all together
 * would pass the limit. With it each topic has so many, whoever may have them, and who counts the partitions when does not matter.
 * @throws OptionError where a topic has more than `most`
 */
export function sharePlaces(partitions: readonly TopicPartition[], most: number | undefined): SharePlaces {
  if (most === undefined) {
    const indexes = new Map(partitions.map((one, index) => [formatPartition(one), index]));
    return {
      count: indexes.size,
      of: (one) => {
        const index = indexes.get(formatPartition(one));
        return index === undefined ? undefined : { index, count: indexes.size };
      },
    };
  }
  const over = partitions.find(({ partition }) => partition >= most);
  if (over) throw new OptionError(`tokenBudget.mostPartitions must be as many as topic ${over.topic} has at least, got ${String(most)}`);
  const topics = [...new Set(partitions.map(({ topic }) => topic))].sort();
  const count = topics.length * most;
  return {
    count,
    of: ({ topic, partition }) => {
      const at = topics.indexOf(topic);
      return at < 0 || partition >= most ? undefined : { index: at * most + partition, count };
    },
  };
}
