import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { defer, of, throwError } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import type { Codec } from '../../src/codec/codec.ts';
import { json } from '../../src/codec/json.ts';
import { decodeHistory } from '../../src/flow/failure-history.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { headerText } from '../../src/record/record.ts';
import { connect } from '../../src/runtime/connect.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { kafkaHooks } from '../helpers/kafka-hooks.ts';
import { readTopic } from '../helpers/read-topic.ts';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';
import { until } from './member.ts';

const delaysMs = [300, 900];
const numbers = json() as Codec<number>;
const [failsAlways, failsOnce] = [3, 5];

describeWithKafka('retry topics on Kafka', () => {
  it.each(['at-least-once', 'exactly-once'] as const)(
    'bring a record back after each delay, while all others pass it, and end as a dead letter with its history, %s',
    async (delivery) => {
      const { brokers } = await sharedKafka();
      const transport = kafka({ brokers });
      const name = `retry-${randomUUID()}`;
      const [input, output, dead] = [topic(`${name}.in`, numbers), topic(`${name}.out`, numbers), topic(`${name}.dead`)];
      const calls = new Map<number, number[]>();
      const pipeline = definePipeline({
        name,
        input,
        output,
        deadLetter: dead,
        delivery,
        retry: 'none',
        retryTopics: { delaysMs, orderLoss: 'accept' },
        process: (source) =>
          source.pipe(
            mapConcurrent(
              (n: number) =>
                defer(() => {
                  const earlier = calls.get(n) ?? [];
                  calls.set(n, [...earlier, Date.now()]);
                  const fails = n === failsAlways || (n === failsOnce && earlier.length === 0);
                  return fails ? throwError(() => Object.assign(new Error('gone'), { code: 'ECONNRESET' })) : of(n);
                }),
              { concurrency: 8 },
            ),
          ),
      });
      const app = await start(pipeline, { transport, log: silentLog, signals: false, createTopics: true });
      const client = connect(transport);
      const errors: unknown[] = [];
      const [outputs, letters]: [number[], (readonly [string | undefined, readonly string[]])[]] = [[], []];
      const fail = (error: unknown): void => void errors.push(error);
      const seen = [
        client.consume(output, { from: 'earliest' }).subscribe({ next: ({ value }) => outputs.push(value), error: fail }),
        client.consume(dead, { from: 'earliest' }).subscribe({
          next: ({ headers }) => {
            const { entries } = decodeHistory(headerText(headers, 'millrace.history'));
            letters.push([headerText(headers, 'millrace.attempts'), entries.map(({ on }) => on.slice(name.length).split('/')[0] ?? '')]);
          },
          error: fail,
        }),
      ];
      onTestFinished(async () => {
        for (const one of seen) one.unsubscribe();
        await app.drain();
        await transport.close();
      });
      await client.produce(
        input,
        Array.from({ length: 20 }, (_, value) => ({ key: 'one key', value })),
      );
      await until('all but one have an output', () => outputs.length === 19);
      await until('there is a dead letter', () => letters.length === 1);
      // all but those that failed were in the output when the first wait was over, in their order
      expect(outputs).toEqual([...Array.from({ length: 20 }, (_, n) => n).filter((n) => n !== failsAlways && n !== failsOnce), failsOnce]);
      expect(letters).toEqual([['3', ['.in', '.retry.1', '.retry.2']]]);
      const [first = 0, second = 0, third = 0] = calls.get(failsAlways) ?? [];
      expect([second - first >= 300, third - second >= 900, calls.get(failsAlways)?.length]).toEqual([true, true, 3]);
      await until('everything is settled', () => app.stats().recordsInFlight === 0);
      expect(errors).toEqual([]);
      expect(app.stats()).toMatchObject({ done: 19, failed: 1, retriedLater: 3 });
    },
    60_000,
  );

  it.each(['at-least-once', 'exactly-once'] as const)(
    'are refused when they are compacted, and dead letters have a key where theirs has become so, %s',
    async (delivery) => {
      const { brokers } = await sharedKafka();
      const hooks = kafkaHooks(brokers);
      const transport = kafka({ brokers });
      const name = `compacted-${randomUUID()}`;
      const [input, dead] = [topic(`${name}.in`, numbers), topic(`${name}.dead`)];
      await transport.createTopics([input, dead].map((one) => ({ name: one.name })));
      const pipeline = definePipeline({ name, input, deadLetter: dead, delivery, process: (source) => source });
      const app = await start(pipeline, { transport, log: silentLog, signals: false });
      await hooks.setCompacted(dead.name);
      const producer = await transport.produce();
      await producer.send(input.name, 0, [{ key: null, value: Buffer.from('{'), headers: [] }]);
      await until('the record has failed', () => app.stats().failed === 1);
      expect(app.state).toBe('running');
      await app.drain();
      await expect(start(pipeline, { transport, log: silentLog, signals: false })).rejects.toMatchObject({
        code: 'invalid_option',
        message: expect.stringContaining(`topic ${dead.name}, for dead letters, is compacted`) as unknown,
      });
      await producer.close();
      const kafkajs = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
      expect((await readTopic(kafkajs, dead.name)).map(({ key }) => String(key))).toEqual([`${input.name}/0@0`]);
      await transport.close();
    },
    60_000,
  );
});
