import { randomUUID } from 'node:crypto';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { expect, it, onTestFinished } from 'vitest';
import { callCache } from '../../src/policies/call-cache.ts';
import { topicStore } from '../../src/policies/topic-store.ts';
import { connect } from '../../src/runtime/connect.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { askingPipeline } from '../helpers/asking-pipeline.ts';
import { createTopics } from '../helpers/create-topics.ts';
import { failureOf } from '../helpers/failure-of.ts';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';
import { until } from './member.ts';

const fresh = (): string => `answers-${randomUUID()}`;

/** A pipeline of its own whose calls go through a cache that is kept in the topic. */
async function instance(brokers: readonly string[], answers: string) {
  const cache = callCache({ store: topicStore({ topic: answers }) });
  const { pipeline, input, calls } = askingPipeline(`asker-${randomUUID()}`, cache);
  const app = await start(pipeline, { transport: kafka({ brokers }), createTopics: true, log: silentLog, signals: false });
  const client = connect(kafka({ brokers }));
  onTestFinished(() => client.close());
  onTestFinished(() => app.drain());
  let asked = 0;
  return {
    app,
    cache,
    ask: async (...keys: readonly string[]) => {
      const before = calls.length;
      await client.produce(
        input,
        keys.map((value) => ({ value })),
      );
      asked += keys.length;
      await until('all are answered', () => app.stats().done >= asked);
      return calls.slice(before);
    },
    store: () => app.stats().policies.find((one) => one.name === 'cache/store')?.numbers ?? {},
  };
}

describeWithKafka('answers kept in a topic of a real Kafka', () => {
  it('are made in a compacted topic, found by those that run, and by those that start later', { timeout: 120_000 }, async () => {
    const { brokers } = await sharedKafka();
    const answers = fresh();
    const one = await instance(brokers, answers);
    const other = await instance(brokers, answers);
    expect(await one.ask('a', 'b', 'c')).toHaveLength(3);
    await until('the other has them', () => other.cache.size === 3);
    expect(await other.ask('a', 'b', 'c', 'd')).toEqual(['d']);
    await until('the first has the new one', () => one.cache.size === 4);
    one.cache.forget('a');
    await until('the other has forgotten it', () => other.cache.size === 3);
    await one.app.drain();
    await other.app.drain();

    const later = await instance(brokers, answers);
    expect(later.store()).toMatchObject({ caught_up: 1, ignored_total: 0 });
    expect(await later.ask('a', 'b', 'c', 'd')).toEqual(['a']);
    await later.app.drain();

    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
    onTestFinished(() => admin.disconnect());
    await admin.connect();
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: answers, configNames: ['cleanup.policy'] }],
    });
    expect(resources[0]?.configEntries[0]?.configValue).toBe('compact');
  });

  it('are not kept in a topic that is not compacted', { timeout: 60_000 }, async () => {
    const { brokers } = await sharedKafka();
    const answers = fresh();
    await createTopics(brokers, [answers], 1);
    expect((await failureOf(instance(brokers, answers))).message).toContain('is not compacted');
  });
});
