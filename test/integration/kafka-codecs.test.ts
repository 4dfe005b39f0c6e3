import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { javaCommand, kafkaJars } from '../helpers/kafka/jars.ts';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';
import { until } from './member.ts';
import { read } from './reader.ts';

const record = (value: string): { key: null; value: Buffer; headers: [] } => ({ key: null, value: Buffer.from(value), headers: [] });

describeWithKafka('compressed batches', () => {
  it('reads what the Java client writes with each codec', async () => {
    const { brokers } = await sharedKafka();
    const transport = kafka({ brokers });
    const topic = `codecs-${randomUUID()}`;
    await transport.createTopics([{ name: topic, partitions: 1 }]);
    const program = join(import.meta.dirname, '../helpers/kafka/WriteCompressed.java');
    const address = brokers[0] ?? '';
    await promisify(execFile)(javaCommand(), ['-cp', join(await kafkaJars(), '*'), program, address, topic, '2000']);
    const reader = await read(transport, topic);
    await until('all are read', () => reader.records.length >= 10_000);
    const expected = ['none', 'gzip', 'snappy', 'lz4', 'zstd'].flatMap((codec) =>
      Array.from({ length: 2_000 }, (_, i) => `${codec}${String(i % 10)}: ${codec} ${String(i)} the sound is worth every cent`),
    );
    expect(reader.records.map(({ key, value }) => `${String(key)}: ${String(value)}`)).toEqual(expected);
    await reader.close();
  });

  it('writes what the other side reads, compressed with gzip and zstd', async () => {
    const { brokers } = await sharedKafka();
    for (const compression of ['gzip', 'zstd'] as const) {
      const transport = kafka({ brokers, compression });
      const topic = `out-${randomUUID()}`;
      await transport.createTopics([{ name: topic, partitions: 1 }]);
      const producer = await transport.produce();
      await producer.send(
        topic,
        0,
        Array.from({ length: 100 }, (_, i) => record(String(i))),
      );
      const reader = await read(transport, topic);
      await until('all are read', () => reader.records.length >= 100);
      await Promise.all([reader.close(), producer.close()]);
    }
  });
});
