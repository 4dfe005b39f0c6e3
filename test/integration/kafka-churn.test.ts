import { beforeAll, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/clock.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { kafkaHooks } from '../helpers/kafka-hooks.ts';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';
import { type Entry, Member, overlaps, starts, until } from './member.ts';

const partitions = 8;

describeWithKafka('a group on Kafka whose members come and go', () => {
  let brokers: readonly string[] = [];
  beforeAll(async () => {
    ({ brokers } = await sharedKafka());
  }, 300_000);

  it('delivers every record once, and no partition to two members at a time', async () => {
    const transport = kafka({ brokers });
    const { freshName } = kafkaHooks(brokers);
    const [topic, group] = [freshName('churn'), freshName('group')];
    await transport.createTopics([{ name: topic, partitions }]);
    const producer = await transport.produce();
    const log: Entry[] = [];
    const pumping = new AbortController();
    let sent = 0;
    const pump = (async () => {
      while (!pumping.signal.aborted) {
        for (let partition = 0; partition < partitions; partition += 1) {
          await producer.send(topic, partition, [{ key: null, value: Buffer.from('x'), headers: [] }]);
          sent += 1;
        }
        await sleep(systemClock, 50);
      }
    })();

    const join = (name: string): Promise<Member> => new Member(name, log).join(transport, group, [topic]);
    const a = await join('a');
    const b = await join('b');
    await until('a and b share', () => a.owned.length === partitions / 2 && b.owned.length === partitions / 2);
    const [c, d] = await Promise.all([join('c'), join('d')]); // at the same time
    await until('four share', () => [a, b, c, d].every(({ owned }) => owned.length === partitions / 4));
    await Promise.all([a.leave(), join('e').then((e) => e.leave())]); // the leader leaves while one only looks in
    await b.leave();
    await until('c and d share', () => c.owned.length === partitions / 2 && d.owned.length === partitions / 2);
    pumping.abort();
    await pump;
    await until('all is started', () => starts(log).size === sent);
    await Promise.all([c.leave(), d.leave()]);
    await producer.close();

    const moves = log.filter(({ what }) => what === 'assigned').length;
    expect(moves).toBeGreaterThan(partitions * 2);
    expect(overlaps(log)).toEqual([]);
    expect([...starts(log)].filter(([, times]) => times > 1)).toEqual([]);
    expect(starts(log).size).toBe(sent);
  });
});
