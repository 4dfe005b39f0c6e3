import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { expect, it, onTestFinished } from 'vitest';
import { deadLetterHeaders, withStory } from '../../src/flow/dead-letters.ts';
import { textHeader } from '../../src/record/record.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { jsonLines, runCli, startCli } from '../cli/run-cli.ts';
import { readTopic } from '../helpers/read-topic.ts';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';

const letters = 600;
const partitions = 2;

const summaryOf = (stdout: string): unknown => (jsonLines(stdout).at(-1) as { readonly redrive: unknown }).redrive;

describeWithKafka('millrace dlq redrive on Kafka', () => {
  it('sends every letter once, through a kill in the middle, a Ctrl-C in the middle, and other filters', async () => {
    const { brokers } = await sharedKafka();
    const flags = ['--brokers', brokers.join(','), '--json'];
    const [to, dead] = [`redrive-${randomUUID()}`, `redrive-dead-${randomUUID()}`];
    const transport = kafka({ brokers });
    onTestFinished(() => transport.close());
    await transport.createTopics([to, dead].map((name) => ({ name, partitions })));
    await writeLetters(transport, dead, to);

    const listed = await runCli(['dlq', 'list', dead, ...flags]);
    expect(jsonLines(listed.stdout).at(-1)).toMatchObject({ summary: { letters, notLetters: 0 } });

    const killed = startCli(['dlq', 'redrive', dead, '--code', 'call_timeout', '--rate', '100', ...flags]);
    await sentAtLeast(transport, to, 60);
    killed.child.kill('SIGKILL');
    await killed.ended;
    const before = await readable(transport, to);
    const stopped = startCli(['dlq', 'redrive', dead, '--rate', '100', ...flags]);
    await sentAtLeast(transport, to, before + 80);
    stopped.child.kill('SIGINT');
    const interrupted = await stopped.ended;
    expect([interrupted.code, summaryOf(interrupted.stdout)]).toEqual([130, expect.objectContaining({ dryRun: false })]);

    const rest = await runCli(['dlq', 'redrive', dead, ...flags]);
    expect([rest.code, rest.stderr]).toEqual([0, '']);
    const dry = await runCli(['dlq', 'redrive', dead, '--dry-run', ...flags]);
    expect(summaryOf(dry.stdout)).toMatchObject({ sent: 0, sentBefore: letters, left: 0 });

    expect(await textsOf(brokers, to)).toEqual(allTexts);
  });

  it('sends every letter once by two at a time, one of which is killed, and by one more', async () => {
    const { brokers } = await sharedKafka();
    const flags = ['--brokers', brokers.join(','), '--json'];
    const [to, dead] = [`redrive-${randomUUID()}`, `redrive-dead-${randomUUID()}`];
    const transport = kafka({ brokers });
    onTestFinished(() => transport.close());
    await transport.createTopics([to, dead].map((name) => ({ name, partitions })));
    await writeLetters(transport, dead, to);

    const slowly = () => startCli(['dlq', 'redrive', dead, '--rate', '60', ...flags]);
    const first = slowly();
    await sentAtLeast(transport, to, 60); // it owns all, and gives a part of it to the second in the middle
    const second = slowly();
    await sentAtLeast(transport, to, 300);
    first.child.kill('SIGKILL');
    await first.ended;
    const survived = await second.ended;
    expect(survived.code).toBe(0);
    expect(summaryOf(survived.stdout)).not.toMatchObject({ sent: 0 });
    const rest = await runCli(['dlq', 'redrive', dead, ...flags]);
    expect(rest.code).toBe(0);
    expect(await textsOf(brokers, to)).toEqual(allTexts);
  });
});

const textOf = (i: number): string => `letter-${String(i).padStart(4, '0')}`;

const allTexts = Array.from({ length: letters }, (_, i) => textOf(i)).sort();

async function textsOf(brokers: readonly string[], topic: string): Promise<readonly string[]> {
  const found = await readTopic(new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }), topic);
  return found.map(({ value }) => Buffer.from(value ?? []).toString()).sort();
}

/** Alternating between two codes, so that the first filter leaves every second letter. */
async function writeLetters(transport: ReturnType<typeof kafka>, dead: string, source: string): Promise<void> {
  const names = deadLetterHeaders;
  const producer = await transport.produce();
  for (let partition = 0; partition < partitions; partition += 1) {
    const records = Array.from({ length: letters }, (_, i) => i)
      .filter((i) => i % partitions === partition)
      .map((i) => {
        const story = Object.entries({
          ...{ [names.topic]: source, [names.partition]: String(partition), [names.offset]: String(i), [names.pipeline]: 'judge' },
          ...{ [names.code]: (i >> 1) % 2 === 0 ? 'call_timeout' : 'call_failed', [names.failedAt]: new Date().toISOString() },
        }).map(([name, value]) => textHeader(name, value));
        return { key: Buffer.from(String(i)), value: Buffer.from(textOf(i)), headers: withStory([], story) };
      });
    await producer.send(dead, partition, records);
  }
  await producer.close();
}

/** Offsets of the topic: records, and the ends of transactions. */
async function readable(transport: ReturnType<typeof kafka>, topic: string): Promise<number> {
  const found = (await transport.describeTopics([topic])).get(topic);
  return (found?.partitions ?? []).reduce((sum, { high }) => sum + Number(high), 0);
}

async function sentAtLeast(transport: ReturnType<typeof kafka>, topic: string, offsets: number): Promise<void> {
  while ((await readable(transport, topic)) < offsets) await new Promise((resolve) => setTimeout(resolve, 20));
}
