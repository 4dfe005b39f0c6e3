import { type FetchedRecords, hideAborted } from './aborted-patch.ts';
import { boundRanges, type RangedRecords } from './batch-decoder.ts';

type FetchedPartition = FetchedRecords &
  RangedRecords & {
    readonly partition: number;
    readonly lastStableOffset: string;
    readonly fetchError?: string;
  };

/** What was asked of a broker. */
interface FetchRequest {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[];
  }[];
}

/** kafkajs's `Broker`: one connection. */
export interface BrokerPrototype {
  fetch: (
    this: BrokerPrototype,
    request: FetchRequest,
  ) => Promise<{ readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[] }>;
}

/** What an answer says of a partition beside its records, which is all that kafkajs passes on. */
export interface Standing {
  /** Where reads end. */
  readonly lastStable: bigint;
  /** The broker's name for what is wrong with this partition alone; it brings nothing then. */
  readonly error: string | undefined;
}

const standings = new WeakMap<object, Standing>();

/** By the records of an answer: kafkajs keeps their array. */
export const standingOf = (records: object): Standing | undefined => standings.get(records);

/** Puts right what was fetched before kafkajs makes batches of it, and keeps what it would forget. */
export function patchFetch(prototype: BrokerPrototype): void {
  const { fetch } = prototype;
  prototype.fetch = async function (request) {
    const answer = await fetch.call(this, request);
    for (const { topicName, partitions } of answer.responses) {
      const asked = request.topics.find(({ topic }) => topic === topicName)?.partitions;
      for (const one of partitions) {
        const fetchOffset = asked?.find(({ partition }) => partition === one.partition)?.fetchOffset;
        if (fetchOffset !== undefined) boundRanges(fetchOffset, one);
        hideAborted(one);
        standings.set(one.messages, { lastStable: BigInt(one.lastStableOffset), error: one.fetchError });
      }
    }
    return answer;
  };
}
