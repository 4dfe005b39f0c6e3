import { type Clock, sleep } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { formatPartition } from '../../record/record.ts';
import type { Assignment, ConsumeOptions, OwnedPartition } from '../transport.ts';
import type { Committer } from './commit.ts';
import type { GroupConnection } from './group-connection.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { startOf, startOffset } from './start-offset.ts';

const retryMs = 250;

export interface StartLookup {
  readonly connection: GroupConnection;
  readonly committer: Committer;
  readonly clock: Clock;
  readonly consume: Pick<ConsumeOptions, 'from' | 'fromEarliest'>;
  /** How many partitions each topic had when this consumer began. */
  readonly atFirst: ReadonlyMap<string, number>;
  readonly closing: AbortSignal;
  readonly log: ResolvedKafkaOptions['log'];
}

/** Where gained partitions start. Asks until the broker answers, or nobody wants to know any more: then nothing. */
export async function findStarts(
  lookup: StartLookup,
  partitions: readonly OwnedPartition[],
  wanted: () => boolean,
): Promise<readonly Assignment[]> {
  return (await insist(lookup, wanted, () => askStarts(lookup, partitions))) ?? [];
}

/** Where the log of a partition begins; asks likewise. */
export const findLow = (lookup: StartLookup, partition: OwnedPartition, wanted: () => boolean): Promise<bigint | undefined> =>
  insist(lookup, wanted, async () => (await lookup.connection.starts([partition])).get(formatPartition(partition))?.low);

async function insist<T>({ clock, closing, log }: StartLookup, wanted: () => boolean, ask: () => Promise<T>): Promise<T | undefined> {
  while (wanted() && !closing.aborted) {
    try {
      return await ask();
    } catch (error) {
      log?.('warn', `cannot find where partitions start, trying again: ${messageOf(error)}`);
      await sleep(clock, retryMs, closing).catch(() => undefined);
    }
  }
  return undefined;
}

async function askStarts(
  { connection, committer, consume: { from, fromEarliest = [] }, atFirst }: StartLookup,
  partitions: readonly OwnedPartition[],
): Promise<readonly Assignment[]> {
  const facts = await connection.starts(partitions);
  const assignments = partitions.flatMap((one): Assignment[] => {
    const known = facts.get(formatPartition(one));
    if (!known) return [];
    const committed = known.committed < 0n ? undefined : { offset: known.committed, metadata: known.metadata };
    return [
      {
        ...one,
        committed,
        high: known.high,
        ...startOffset(known, startOf(one, fromEarliest.includes(one.topic) ? 'earliest' : from, atFirst)),
      },
    ];
  });
  // Without a commit the next owner would begin at a later end, and what came between would be nobody's.
  const anchors =
    from === 'latest' ? assignments.filter(({ reset, topic }) => reset === 'none-committed' && !fromEarliest.includes(topic)) : [];
  if (anchors.length > 0) {
    await committer.commit(anchors.map(({ topic, partition, epoch, start }) => ({ topic, partition, epoch, offset: start, metadata: '' })));
  }
  return assignments;
}
