import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AclEntry,
  type Admin,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/clock.ts';
import { text } from '../../src/codec/text.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { type App, start } from '../../src/runtime/start.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import type { Producer } from '../../src/transport/transport.ts';
import { readTopic } from '../helpers/read-topic.ts';
import { passwords, type SecuredKafka, startSecuredKafka } from '../helpers/secured-kafka.ts';
import { describeWithKafka } from '../helpers/shared-kafka.ts';
import { until } from './member.ts';

const { TOPIC, GROUP, TRANSACTIONAL_ID } = AclResourceTypes;
const learntMs = 500; // the broker learns of rights from the controller

const right = (resourceType: AclResourceTypes, resourceName: string, operation: AclOperationTypes): AclEntry => ({
  ...{ resourceType, resourceName, operation, principal: 'User:bob', host: '*' },
  resourcePatternType: resourceType === TRANSACTIONAL_ID ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
  permissionType: AclPermissionTypes.ALLOW,
});

describeWithKafka('a running pipeline from which a right is taken', () => {
  let folder: string;
  let broker: SecuredKafka;
  let admin: Admin;
  let producer: Producer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-denied-'));
    broker = await startSecuredKafka(folder);
    admin = new Kafka({ brokers: [...broker.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    producer = await kafka({ brokers: broker.brokers }).produce();
  }, 300_000);
  afterAll(async () => {
    await producer.close();
    await admin.disconnect();
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const run = (input: string, output: string, delivery: 'at-least-once' | 'exactly-once'): Promise<App> =>
    start(
      definePipeline({
        ...{ name: input, delivery, deadLetter: 'stop' },
        input: topic(input, text()),
        output: topic(output, text()),
        process: (records) => records,
      }),
      {
        transport: kafka({
          brokers: [broker.listeners['SCRAM'] ?? ''],
          sasl: { mechanism: 'scram-sha-512', username: 'bob', password: passwords.bob },
        }),
        ...{ log: silentLog, signals: false },
      },
    );

  // side by side, each with topics and a group of its own: a member without its right waits 10 s for it
  it.concurrent.each([
    ['its output', 'at-least-once', TOPIC, /write to .*TOPIC_AUTHORIZATION_FAILED.*allow the user .*Write on topics/],
    ['its output', 'exactly-once', TOPIC, /write to .*TOPIC_AUTHORIZATION_FAILED.*allow the user .*Write on topics/],
    ['its group', 'at-least-once', GROUP, /GROUP_AUTHORIZATION_FAILED.*allow the user Read on the group/],
    ['its group', 'exactly-once', GROUP, /GROUP_AUTHORIZATION_FAILED.*allow the user Read on the group/],
    ['its transactional ids', 'exactly-once', TRANSACTIONAL_ID, /TRANSACTIONAL_ID_AUTHORIZATION_FAILED.*allow the user Write on the tr/],
  ] as const)('says which, and ends; nothing is lost, or seen twice by exactly-once: %s, %s', async (_what, delivery, kind, says) => {
    const [input, output] = [`in-${randomUUID()}`, `out-${randomUUID()}`];
    await kafka({ brokers: broker.brokers }).createTopics([input, output].map((name) => ({ name, partitions: 1 })));
    const { READ, WRITE, DESCRIBE } = AclOperationTypes;
    const rights = [
      ...[right(TOPIC, input, READ), right(TOPIC, output, WRITE), right(GROUP, input, READ)],
      ...[right(TRANSACTIONAL_ID, input, WRITE), right(TRANSACTIONAL_ID, input, DESCRIBE)],
    ];
    const taken = rights.filter(({ resourceType, resourceName }) => resourceType === kind && (kind !== TOPIC || resourceName === output));
    await admin.createAcls({ acl: rights });
    await sleep(systemClock, learntMs);
    const send = (value: string): Promise<bigint> => producer.send(input, 0, [{ key: null, value: Buffer.from(value), headers: [] }]);

    await send('before');
    const app = await run(input, output, delivery);
    await until('it works', () => app.stats().done === 1);
    await admin.deleteAcls({ filters: taken });
    await sleep(systemClock, learntMs);
    await send('after');
    await expect(app.done).rejects.toMatchObject({ code: 'authentication_failed', message: expect.stringMatching(says) as unknown });

    await admin.createAcls({ acl: taken });
    await sleep(systemClock, learntMs);
    const heir = await run(input, output, delivery);
    await until('it goes on', () => heir.stats().done > 0 && heir.stats().lag === 0n);
    await heir.drain();
    const read = await readTopic(new Kafka({ brokers: [...broker.brokers], logLevel: logLevel.NOTHING }), output);
    const values = read.map(({ value }) => String(value));
    expect(delivery === 'exactly-once' ? values : [...new Set(values)]).toEqual(['before', 'after']);
  });
});
