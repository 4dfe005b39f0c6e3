// The bare client: what somebody who knows kafkajs would write by hand.
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import { Meter } from './meter.ts';
import { type Order, type Task, work } from './work.ts';

const { brokers, group, input, output, records, idempotent } = givenToWorker() as Task;
const maxRecordsASend = 1_000;

const kafka = new Kafka({ clientId: 'bare', brokers: [...brokers], logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: group, allowAutoTopicCreation: false, maxWaitTimeInMs: 100, retry: { retries: 10 } });
const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent, createPartitioner: Partitioners.DefaultPartitioner });
const meter = new Meter(records, async () => {
  await consumer.disconnect();
  await producer.disconnect();
});
let done = 0;

consumer.on(consumer.events.GROUP_JOIN, () => {
  reportFrom('ready');
});
await Promise.all([consumer.connect(), producer.connect()]);
await consumer.subscribe({ topic: input, fromBeginning: true });
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch, heartbeat }) => {
    meter.first();
    for (let at = 0; at < batch.messages.length; at += maxRecordsASend) {
      const messages = batch.messages.slice(at, at + maxRecordsASend).map(({ key, value, headers, timestamp }) => {
        const order = work(JSON.parse(value?.toString() ?? 'null') as Order);
        return { key, value: JSON.stringify(order), timestamp, ...(headers ? { headers } : {}) };
      });
      await producer.send({ topic: output, messages }); // acks: all, as by default
      done += messages.length;
      await heartbeat();
    }
    meter.done(done);
  },
});
