import { afterAll, beforeAll } from 'vitest';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { type RunningKafka, startKafka } from '../helpers/kafka-broker.ts';
import { kafkaHooks } from '../helpers/kafka-hooks.ts';
import { describeWithKafka } from '../helpers/shared-kafka.ts';
import { describeTransport } from './describe-transport.ts';

// A broker of its own, because the suite takes it away and brings it back.
describeWithKafka('on a real broker', () => {
  let broker: RunningKafka;
  beforeAll(async () => {
    // transactions that last too long are looked for every 10 s by default
    broker = await startKafka({ properties: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '250' } });
  }, 300_000); // the first run downloads the broker
  afterAll(() => broker.stop());

  describeTransport(
    'kafka()',
    () => {
      const make = (): ReturnType<typeof kafka> => kafka({ brokers: broker.brokers, sessionTimeoutMs: 6_000 });
      const transport = make();
      return {
        transport,
        newTransport: make,
        ...kafkaHooks(broker.brokers),
        bounceBroker: { down: () => broker.kill(0, 'SIGTERM'), up: () => broker.restart() },
        close: () => transport.close(),
      };
    },
    { quietMs: 400 },
  );
});
