/** One partition's part of the answer to a fetch. */
interface PartitionAnswer {
  errorCode: number;
  /** Ours: what the broker said of this partition alone. */
  fetchError?: string;
}

interface Answer {
  readonly responses: readonly { readonly partitions: readonly PartitionAnswer[] }[];
}

/** What a broker says of one partition whose log it cannot read; all others are kafkajs's to handle. */
const unreadable: ReadonlyMap<number, string> = new Map([
  [-1, 'UNKNOWN_SERVER_ERROR'],
  [2, 'CORRUPT_MESSAGE'],
  [56, 'KAFKA_STORAGE_ERROR'],
]);

/**
 * kafkajs throws a fetch away when one partition of it failed: one damaged segment stops all that is read from its broker, and with
 * the fetches the heartbeats. Here such a partition has brought nothing, and the others what they have.
 */
export const apart =
  <A extends Answer, B>(parse: (answer: A) => Promise<B>) =>
  (answer: A): Promise<B> => {
    for (const partition of answer.responses.flatMap(({ partitions }) => partitions)) {
      const fetchError = unreadable.get(partition.errorCode);
      if (fetchError !== undefined) Object.assign(partition, { errorCode: 0, fetchError } satisfies PartitionAnswer);
    }
    return parse(answer);
  };
