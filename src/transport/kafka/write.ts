import type { Sender } from 'kafkajs';
import { TransportError } from '../../errors.ts';
import { formatPartition, type OutputRecord } from '../../record/record.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { loadKafkaJs } from './kafkajs.ts';
import { toMessage } from './records.ts';

const allInSync = -1;
const ackPatienceMs = 10_000; // for the replicas to acknowledge, broker side

/** One send to one partition, by a producer or within a transaction. Returns the offset of the first record. */
export async function write(
  sender: Pick<Sender, 'send'>,
  { compression }: Pick<ResolvedKafkaOptions, 'compression'>,
  topic: string,
  partition: number,
  records: readonly OutputRecord[],
): Promise<bigint> {
  const { CompressionTypes } = loadKafkaJs();
  const [written] = await sender.send({
    topic,
    acks: allInSync,
    timeout: ackPatienceMs,
    compression: { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, zstd: CompressionTypes.ZSTD }[compression],
    messages: records.map((record) => toMessage(record, partition)),
  });
  if (written?.baseOffset !== undefined) return BigInt(written.baseOffset);
  throw new TransportError(
    'transport_failed',
    `the broker acknowledged a write to ${formatPartition({ topic, partition })} without an offset`,
  );
}

/** Partitions are always set; this silences a warning about kafkajs's default. */
export const ownPartitioner =
  () =>
  ({ message }: { readonly message: { readonly partition?: number } }): number =>
    message.partition ?? 0;
