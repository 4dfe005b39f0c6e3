import { parsePartition, type TopicPartition } from '../record/record.ts';
import type { TopicDescription } from '../transport/transport.ts';
import { RequestError } from './openai/api-error.ts';

/** Where a reader begins. */
export interface TopicStart {
  /** For partitions that `starts` does not name. */
  readonly from: 'earliest' | 'latest';
  readonly starts: readonly (TopicPartition & { readonly offset: bigint })[];
}

const places = /^\d{1,6}:\d{1,19}(,\d{1,6}:\d{1,19})*$/;
/** An id names every partition, and comes back in a header. */
const mostPartitions = 200;

/** The place of a reader, for `Last-Event-ID`: `PARTITION:NEXT,…`; undefined for a topic of too many partitions. */
export function placeText(next: ReadonlyMap<string, bigint>): string | undefined {
  if (next.size === 0 || next.size > mostPartitions) return undefined;
  return [...next].map(([name, offset]) => `${String(parsePartition(name).partition)}:${String(offset)}`).join(',');
}

/**
 * `from` is `latest`, `earliest`, or places: what these do not name is read from now on. A place of before (`lastEventId`) goes before it, and what it does not
 * name is new, and read from its beginning.
 * @throws RequestError for a place that the topic does not have.
 */
export function topicStart(topic: string, { partitions }: TopicDescription, from: string, lastEventId: string): TopicStart {
  if (lastEventId !== '') return { from: 'earliest', starts: startsIn('Last-Event-ID', lastEventId) };
  if (from === 'earliest' || from === 'latest') return { from, starts: [] };
  return { from: 'latest', starts: startsIn('from', from) };

  function startsIn(param: string, text: string): TopicStart['starts'] {
    if (!places.test(text)) throw new RequestError(`${param} must be latest, earliest, or PARTITION:OFFSET,…`, { param });
    return text.split(',').map((one) => {
      const [partition, offset] = [Number(one.split(':')[0]), BigInt(one.split(':')[1] ?? '0')];
      const found = partitions.find((other) => other.partition === partition);
      if (found === undefined || offset > found.high)
        throw new RequestError(
          `${param}: ${topic} has no offset ${String(offset)} of partition ${String(partition)}, and nothing before it`,
          { param },
        );
      return { topic, partition, offset };
    });
  }
}
