import { beforeAll } from 'vitest';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';
import { describeTransport } from './describe-transport.ts';

describeWithKafka('on a real broker', () => {
  let brokers: readonly string[] = [];
  beforeAll(async () => {
    ({ brokers } = await sharedKafka());
  }, 180_000); // the first run downloads the broker

  describeTransport('kafka()', () => kafka({ brokers, sessionTimeoutMs: 6_000 }), { quietMs: 400 });
});
