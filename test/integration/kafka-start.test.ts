import { afterAll, beforeAll, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/clock.ts';
import { text } from '../../src/codec/text.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { connect } from '../../src/runtime/connect.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { type App, start } from '../../src/runtime/start.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { type RunningKafka, startKafka } from '../helpers/kafka-broker.ts';
import { kafkaHooks, type KafkaHooks } from '../helpers/kafka-hooks.ts';
import { describeWithKafka } from '../helpers/shared-kafka.ts';
import { until } from './member.ts';

describeWithKafka('a start while the broker is away', () => {
  let broker: RunningKafka;
  let hooks: KafkaHooks;
  beforeAll(async () => {
    broker = await startKafka();
    hooks = kafkaHooks(broker.brokers);
  }, 300_000);
  afterAll(() => broker.stop());

  /** A record waits in a topic; what is to start reads it. */
  const waiting = async () => {
    const transport = kafka({ brokers: broker.brokers });
    const [input, output] = [topic(hooks.freshName('in'), text()), topic(hooks.freshName('out'), text())];
    await transport.createTopics([input, output]);
    const client = connect(transport);
    await client.produce(input, [{ key: 'k', value: 'hello' }]);
    await client.close();
    const told: { readonly ms: number; readonly why: string }[] = [];
    const begin = (delivery: 'at-least-once' | 'exactly-once'): Promise<App> => {
      const startedMs = performance.now();
      const pipeline = definePipeline({
        name: hooks.freshName('p'),
        input,
        output,
        deadLetter: 'stop',
        delivery,
        process: (words) => words,
      });
      const onTroubles = ([why = 'none']: readonly string[]): void => void told.push({ ms: performance.now() - startedMs, why });
      return start(pipeline, { transport, log: silentLog, signals: false, onTroubles });
    };
    return { begin, told };
  };
  const works = async (app: App): Promise<void> => {
    await until('the record is done', () => app.stats().done === 1);
    expect(app.stats().troubles).toEqual([]);
    await app.drain();
  };

  it('waits for one that comes 8 s later, says so at once, and works, with both deliveries', async () => {
    const deliveries = ['at-least-once', 'exactly-once'] as const;
    const pipelines = await Promise.all(deliveries.map(async (delivery) => ({ delivery, ...(await waiting()) })));
    await broker.kill();
    const starting = pipelines.map(({ begin, delivery }) => begin(delivery));
    await sleep(systemClock, 8_000);
    for (const { told, delivery } of pipelines) {
      expect(told[0], delivery).toEqual({
        ms: expect.toSatisfy((ms: number) => ms < 2_500) as number,
        why: expect.stringMatching(
          /^the start waits: .*127\.0\.0\.1:\d+ refused the connection; is a broker running there\?.*at most 120 s more$/,
        ) as string,
      });
    }
    await broker.restart();
    await Promise.all(starting.map(async (one) => works(await one)));
  }, 120_000);

  it('waits for one that stands still, says so at once, and works when it goes on 20 s later', async () => {
    const { begin, told } = await waiting();
    const [pid = 0] = broker.pids;
    process.kill(pid, 'SIGSTOP');
    const starting = begin('at-least-once');
    try {
      await sleep(systemClock, 20_000);
      expect(told[0]).toEqual({
        ms: expect.toSatisfy((ms: number) => ms < 4_000) as number,
        why: expect.stringMatching(/^the start waits: kafka does not answer; are the brokers up/) as string,
      });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await works(await starting);
  }, 120_000);
});
