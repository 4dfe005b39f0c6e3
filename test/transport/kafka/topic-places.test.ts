import { describe, expect, it } from 'vitest';
import { resolveKafkaOptions } from '../../../src/transport/kafka/kafka-options.ts';
import { TopicPlaces } from '../../../src/transport/kafka/topic-places.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

const nobody = resolveKafkaOptions({ brokers: ['localhost:1'], startPatienceMs: 0 });

describe('the places of topics', () => {
  it('are not asked for again when the start of a pipeline has just seen them', async () => {
    const places = new TopicPlaces(nobody, virtualClock());
    places.learn(new Map([['out', { partitions: [0, 1, 2].map((partition) => ({ partition, low: 0n, high: 7n })) }]]));
    await expect(places.partitionsOf('out')).resolves.toBe(3);
    await expect(places.check('out', 3)).rejects.toMatchObject({ code: 'unknown_topic' });
  });

  it('are asked for when they are not known, forgotten, or a minute old', async () => {
    const clock = virtualClock();
    const places = new TopicPlaces(nobody, clock);
    const unavailable = { code: 'transport_unavailable' };
    await expect(places.partitionsOf('out')).rejects.toMatchObject(unavailable);
    const learn = (): void => {
      places.learn(new Map([['out', { partitions: [{ partition: 0, low: 0n, high: 0n }] }]]));
    };
    learn();
    places.forget('out');
    await expect(places.partitionsOf('out')).rejects.toMatchObject(unavailable);
    learn();
    await clock.advance(60_001);
    await expect(places.partitionsOf('out')).rejects.toMatchObject(unavailable);
  });
});
