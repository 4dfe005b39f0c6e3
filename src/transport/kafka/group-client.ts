import type { Consumer, Kafka, PartitionAssigner } from 'kafkajs';
import type { ConsumeOptions } from '../transport.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';

const fetchWaitMs = 100; // resume, stop and a wanted re-join are seen after at most this; kafkajs: 5 s
const defaultFetchBytes = 256 * 1024;
/** Inside one run: enough to sit out a broker's restart (up to 10 s) without losing the partitions. */
const runRetry = { initialRetryTime: 50, maxRetryTime: 250, retries: 40, restartOnFailure: () => Promise.resolve(false) };

const metadataAgeMs = 30_000; // partitions that were added are found after at most this; kafkajs: 5 min

/** The client of one run of a group member; nothing of it commits, resets or restarts by itself. */
export function groupClient(kafka: Kafka, options: ResolvedKafkaOptions, consume: ConsumeOptions, assigner: PartitionAssigner): Consumer {
  return kafka.consumer({
    groupId: consume.groupId,
    partitionAssigners: [assigner],
    sessionTimeout: options.sessionTimeoutMs,
    rebalanceTimeout: options.sessionTimeoutMs, // nobody is waited for longer than a dead member
    heartbeatInterval: options.heartbeatMs,
    maxWaitTimeInMs: fetchWaitMs,
    maxBytesPerPartition: consume.maxFetchBytes ?? defaultFetchBytes,
    maxBytes: options.maxFetchBytes,
    allowAutoTopicCreation: false,
    readUncommitted: false,
    metadataMaxAge: metadataAgeMs,
    retry: runRetry,
  });
}
