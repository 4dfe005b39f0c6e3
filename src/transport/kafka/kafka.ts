import { systemClock } from '../../clock.ts';
import { requireInteger, requireOneOf, requireText, OptionError } from '../../errors.ts';
import type { ConsumeHandlers, ConsumeOptions, Transport } from '../transport.ts';
import { KafkaConsumer } from './kafka-consumer.ts';
import { fetchCommitted } from './kafka-offsets.ts';
import { KafkaProducer } from './kafka-producer.ts';
import { instancePattern } from './member-name.ts';
import { type KafkaOptions, resolveKafkaOptions } from './kafka-options.ts';
import { compactedTopics, createTopics, describeTopics } from './kafka-topics.ts';
import { transact } from './kafka-transactions.ts';
import { TopicPlaces } from './topic-places.ts';

export type { KafkaOptions } from './kafka-options.ts';

/**
 * The Kafka transport, on kafkajs 2.2.4, which is loaded (and patched, see kafkajs.ts) at the first use. Creating it
 * opens no connection.
 *
 * kafkajs's defaults that would lose, repeat or hang are overridden:
 * - topics never appear by themselves (`allowAutoTopicCreation` false everywhere)
 * - consumers: `autoCommit` off; heartbeat 300 ms (3 s), session 10 s (30 s), fetch wait 100 ms (5 s); a batch is handed
 *   over and the handler returns at once, so no slow record stops heartbeats or other partitions; our cooperative
 *   assigner instead of the eager round robin; positions kept over joins; commits over a connection of their own, as
 *   the member that gained the partition; restarts by our supervisor, never by kafkajs (`restartOnFailure` false)
 * - start offsets are compared with the log's ends and told; kafkajs's own reset is never reached
 * - producers: idempotent, acks from all in-sync replicas, the partition always set, retries bounded to about 3 s, a new
 *   producer id after each failure whose outcome is open
 * - transactions: the fence is taken when the writer is opened, not with its first transaction; what the log is not ready for
 *   yet is tried again after 10 ms (300 ms), for 15 s; a writer whose last step failed is never used again
 * - retries of connections: half a second (kafkajs: minutes of silence), then an error that names the broker
 * - decompressed batches are capped (`maxBatchBytes`); unreadable ones become `undecodable` records; checksums are checked
 * - the client logs nothing unless `log` is given, and then no payloads and no secrets
 *
 * Groups: every member must be Millrace (same assignment protocol); a group of another client has to be stopped first.
 *
 * @throws OptionError for options out of range, and for a plain password over an unencrypted connection
 */
export function kafka(options: KafkaOptions): Transport {
  const resolved = resolveKafkaOptions(options);
  const clock = options.clock ?? systemClock;
  const places = new TopicPlaces(resolved, clock);
  return {
    name: 'kafka',
    consume: async (consume, handlers) => KafkaConsumer.open(resolved, clock, checked(consume), handlers satisfies ConsumeHandlers),
    produce: async (produce = {}) => KafkaProducer.open(resolved, clock, places, produce),
    transact: async (transaction) => transact(resolved, clock, places, transaction),
    committed: async (groupId, partitions) => fetchCommitted(resolved, clock, groupId, partitions),
    describeTopics: async (names, { patienceMs = resolved.startPatienceMs } = {}) => {
      const found = await describeTopics({ ...resolved, startPatienceMs: patienceMs }, clock, names);
      places.learn(found);
      return found;
    },
    compactedTopics: async (names) => compactedTopics(resolved, clock, names),
    createTopics: async (topics) => createTopics(resolved, clock, topics),
    close: () => Promise.resolve(), // each call above owns its connections
  };
}

function checked(options: ConsumeOptions): ConsumeOptions {
  requireText('groupId', options.groupId);
  requireOneOf('from', options.from, ['earliest', 'latest']);
  const { instance } = options;
  if (instance !== undefined && instance !== false && !instancePattern.test(instance))
    throw new OptionError(`instance must be 1 to 64 letters, digits, dots, dashes or underscores, got ${JSON.stringify(instance)}`);
  if (options.maxFetchBytes !== undefined) requireInteger('maxFetchBytes', options.maxFetchBytes, 1);
  if (options.topics.length === 0) throw new OptionError('topics must name at least one topic, got none');
  for (const topic of options.topics) requireText('topics', topic);
  return options;
}
