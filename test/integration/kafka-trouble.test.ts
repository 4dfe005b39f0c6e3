import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { sleep, systemClock } from '../../src/clock.ts';
import { json } from '../../src/codec/json.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { formatPartition } from '../../src/record/record.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { type RunningKafka, startKafka } from '../helpers/kafka-broker.ts';
import { kafkaHooks, type KafkaHooks } from '../helpers/kafka-hooks.ts';
import { freePorts } from '../helpers/kafka/node.ts';
import { describeWithKafka } from '../helpers/shared-kafka.ts';
import { type Entry, Member, overlaps, starts, until } from './member.ts';

const text = (value: string): { key: null; value: Buffer; headers: [] } => ({ key: null, value: Buffer.from(value), headers: [] });

describeWithKafka('a Kafka that gives trouble', () => {
  let broker: RunningKafka;
  let transport: Transport;
  let hooks: KafkaHooks;
  beforeAll(async () => {
    broker = await startKafka();
    transport = kafka({ brokers: broker.brokers, sessionTimeoutMs: 3_000 });
    hooks = kafkaHooks(broker.brokers);
  }, 300_000);
  afterAll(() => broker.stop());

  it('says within seconds which broker is not there, and what to look at', async () => {
    const [port = 0] = await freePorts(1);
    const nowhere = kafka({ brokers: [`127.0.0.1:${String(port)}`], startPatienceMs: 1_000 });
    const handlers = new Member('m', []);
    const refused = {
      code: 'transport_unavailable',
      message: expect.stringMatching(new RegExp(`127.0.0.1:${String(port)} refused the connection.*option brokers`)) as unknown,
    };
    await Promise.all([
      expect(nowhere.consume({ groupId: 'g', topics: ['t'], from: 'earliest' }, handlers)).rejects.toMatchObject(refused),
      expect(nowhere.produce()).rejects.toMatchObject(refused),
      expect(nowhere.describeTopics(['t'])).rejects.toMatchObject(refused),
      expect(nowhere.createTopics([{ name: 't' }])).rejects.toMatchObject(refused),
    ]);
  }, 30_000);

  it('keeps partitions and loses no record over a restart of the broker', async () => {
    const patient = kafka({ brokers: broker.brokers, sessionTimeoutMs: 60_000 });
    const [topic, group] = [hooks.freshName('bounce'), hooks.freshName('group')];
    await patient.createTopics([{ name: topic, partitions: 3 }]);
    const producer = await patient.produce();
    const log: Entry[] = [];
    const member = await new Member('m', log).join(patient, group, [topic]);
    await until('all three', () => member.owned.length === 3);
    await producer.send(topic, 0, [text('before')]);
    await broker.restart();
    for (let sent = 0; sent < 3; ) {
      try {
        await producer.send(topic, sent, [text('after')]);
        sent += 1;
      } catch (error) {
        expect(error).toMatchObject({ code: 'transport_unavailable' });
      }
    }
    await until('all is started', () => starts(log).size >= 4);
    await until('health is well', () => member.healths.length === 0 || member.healths.at(-1)?.state === 'ok');
    expect(log.filter(({ what }) => what === 'lost')).toEqual([]);
    expect(log.filter(({ what }) => what === 'assigned')).toHaveLength(3);
    expect([...starts(log).values()]).toEqual([1, 1, 1, 1]);
    await member.leave();
    expect(await hooks.committed(group, topic)).toEqual(['2', '1', '1']);
    await producer.close();
  });

  it('fences a member that slept through its session: it is told, its heir goes on, and its late commit moves nothing', async () => {
    const [topic, group] = [hooks.freshName('sleep'), hooks.freshName('group')];
    await transport.createTopics([{ name: topic, partitions: 2 }]);
    const log: Entry[] = [];
    const [sleeper, heir] = [new Member('sleeper', log), new Member('heir', log)];
    sleeper.commits = false;
    await sleeper.join(transport, group, [topic]);
    await until('the sleeper has both', () => sleeper.owned.length === 2);
    await heir.join(transport, group, [topic]);
    await until('they share', () => sleeper.owned.length === 1 && heir.owned.length === 1);
    const [had] = sleeper.owned;
    if (!had) throw new Error('the sleeper has nothing');
    hooks.freeze(sleeper.consumer, 6_000);

    await until('the heir has both', () => heir.owned.length === 2);
    expect(
      await heir.consumer.commit([
        { ...(heir.owned.find(({ partition }) => partition === had.partition) ?? had), offset: 50n, metadata: '' },
      ]),
    ).toEqual({ fenced: [] });
    expect(await sleeper.consumer.commit([{ ...had, offset: 7n, metadata: '' }])).toEqual({ fenced: [had] });
    expect(log).toContainEqual({ what: 'lost', who: 'sleeper', key: formatPartition(had) });
    await until('it comes back', () => sleeper.owned.length === 1 && heir.owned.length === 1);
    expect(await sleeper.consumer.commit([{ ...had, offset: 8n, metadata: '' }])).toEqual({ fenced: [had] });
    expect((await hooks.committed(group, topic))[had.partition]).toBe('50');
    await Promise.all([sleeper.leave(), heir.leave()]);
    expect(overlaps(log.filter(({ what }) => what !== 'lost'))).toHaveLength(1); // the heir’s, while the sleeper slept
  });

  it('goes on behind what retention takes before a paused reader has read it, says so, and keeps what it has', async () => {
    const topic = hooks.freshName('retention');
    await transport.createTopics([{ name: topic, partitions: 1 }]);
    const producer = await transport.produce();
    await producer.send(
      topic,
      0,
      Array.from({ length: 10 }, (_, i) => text(String(i))),
    );
    const log: Entry[] = [];
    const member = new Member('m', log);
    const told: unknown[] = [];
    const { assigned } = member;
    member.assigned = function (partitions) {
      for (const { start, reset } of partitions) told.push([start, reset]);
      assigned.call(member, partitions);
    };
    const { fetched } = member;
    member.fetched = function (fetch) {
      if (fetch.missed !== undefined) told.push([fetch.next, fetch.missed]);
      fetched.call(member, fetch);
    };
    await member.join(transport, hooks.freshName('group'), [topic]);
    await until('all are done', () => log.filter(({ what }) => what === 'done').length === 10);
    await sleep(systemClock, 300); // a commit
    member.consumer.pause(member.owned);
    await sleep(systemClock, 200);
    await producer.send(
      topic,
      0,
      Array.from({ length: 10 }, (_, i) => text(String(i))),
    );
    await hooks.truncate(topic, 0, 15n);
    member.consumer.resume(member.owned);
    await until('the rest is started', () => starts(log).has(`${topic}/0@19`));
    expect(told).toEqual([
      [0n, 'none-committed'],
      [15n, 5n],
    ]);
    expect(log.filter(({ what }) => what === 'lost')).toEqual([]);
    expect(starts(log).size).toBe(15);
    await member.leave();
    await producer.close();
  });

  it('keeps its membership when the wall clock is set back, or forward', async () => {
    const [topic, group] = [hooks.freshName('clock'), hooks.freshName('group')];
    await transport.createTopics([{ name: topic, partitions: 1 }]);
    const producer = await transport.produce();
    const log: Entry[] = [];
    const member = new Member('m', log);
    member.commits = false; // which would be heartbeats
    await member.join(transport, group, [topic]);
    await until('it has the partition', () => member.owned.length === 1);
    const { now } = Date;
    onTestFinished(() => {
      Date.now = now;
    });
    for (const [i, hours] of [-1, 1].entries()) {
      Date.now = () => now() + hours * 3_600_000;
      await sleep(systemClock, 4_500); // one and a half sessions
      await producer.send(topic, 0, [text('x')]);
      await until('it reads on', () => log.filter(({ what }) => what === 'done').length === i + 1);
    }
    expect(log.filter(({ what }) => what === 'lost')).toEqual([]);
    await member.leave();
    await producer.close();
  });

  it('starts a client again that falls silent, and one record is not done twice for it', async () => {
    const quick = kafka({ brokers: broker.brokers, sessionTimeoutMs: 1_500, requestTimeoutMs: 1_000 });
    const [topic, group] = [hooks.freshName('silent'), hooks.freshName('group')];
    await quick.createTopics([{ name: topic, partitions: 1 }]);
    const producer = await quick.produce();
    const log: Entry[] = [];
    const member = new Member('m', log);
    member.commits = false; // which would keep up the membership
    await member.join(quick, group, [topic]);
    await producer.send(topic, 0, [text('before')]);
    await until('it reads', () => log.some(({ what }) => what === 'done'));
    await member.consumer.commit(member.owned.map((one) => ({ ...one, offset: 1n, metadata: '' })));
    hooks.freeze(member.consumer, 60_000);
    await until('it has lost the partition, and has it again', () => log.filter(({ what }) => what === 'assigned').length === 2);
    await producer.send(topic, 0, [text('after')]);
    await until('it reads on', () => starts(log).size === 2);
    expect(member.healths.map((one) => (one.state === 'ok' ? 'ok' : one.why))).toContain('the client has fallen silent');
    expect([...starts(log).values()]).toEqual([1, 1]);
    await member.leave();
    await producer.close();
  });

  it('reads 20,000 records of 100 bytes, compressed and not', async () => {
    for (const compression of ['none', 'gzip'] as const) {
      const fast = kafka({ brokers: broker.brokers, compression });
      const topic = hooks.freshName('many');
      await fast.createTopics([{ name: topic, partitions: 4 }]);
      const producer = await fast.produce();
      const batch = Array.from({ length: 1_000 }, () => text('x'.repeat(100)));
      await Promise.all(
        [0, 1, 2, 3].map(async (partition) => {
          for (let i = 0; i < 5; i += 1) await producer.send(topic, partition, batch);
        }),
      );
      let records = 0;
      const handlers = new Member('reader', []);
      handlers.fetched = (fetch) => {
        records += fetch.records.length;
      };
      const consumer = await fast.consume({ groupId: hooks.freshName('group'), topics: [topic], from: 'earliest' }, handlers);
      await until('all are read', () => records >= 20_000);
      expect(records).toBe(20_000);
      await consumer.close();
      await producer.close();
    }
  });

  it('gives up when restarts are of no avail, which fails the pipeline and, where nothing else is said, the process', async () => {
    const impatient = kafka({ brokers: broker.brokers, maxRestarts: 1, sessionTimeoutMs: 2_000, requestTimeoutMs: 1_000 });
    const topicName = hooks.freshName('gone');
    await impatient.createTopics([{ name: topicName }]);
    const pipeline = definePipeline({
      name: topicName,
      input: topic(topicName, json()),
      deadLetter: 'stop',
      process: (records) => records,
    });
    const { exitCode } = process;
    process.exitCode = undefined;
    onTestFinished(() => {
      process.exitCode = exitCode;
    });
    const app = await start(pipeline, { transport: impatient, log: silentLog });
    await broker.kill();
    await expect(app.done).rejects.toMatchObject({ code: 'transport_unavailable' });
    expect([app.state, process.exitCode]).toEqual(['failed', 1]);
  });
});
