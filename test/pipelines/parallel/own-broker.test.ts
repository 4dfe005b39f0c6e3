import { expect, it, onTestFinished, vi } from 'vitest';
import { OwnBroker } from '../../../pipelines/parallel/own-broker.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

it('forgets what is committed, every 500 tasks, and letters that were read: a million records would be memory', async () => {
  const own = new OwnBroker({ clock: virtualClock(0), input: 'in', dead: 'dead', groupId: 'g' });
  onTestFinished(() => own.transport.close());
  const { broker } = own.transport;
  await own.transport.createTopics([{ name: 'in' }, { name: 'dead' }]);
  const record = { key: null, value: new Uint8Array([1]), headers: [] };
  for (const topic of ['in', 'dead'])
    broker.append(
      topic,
      0,
      Array.from({ length: 5 }, () => record),
    );
  vi.spyOn(own.transport, 'committed').mockResolvedValue([{ topic: 'in', partition: 0, offset: 3n }] as never);
  for (let n = 1; n < 500; n += 1) own.ended();
  await Promise.resolve();
  expect(broker.records('in', 0)).toHaveLength(5);
  own.ended();
  await vi.waitFor(() => expect(broker.records('in', 0)).toHaveLength(2));
  own.readLetter(4n);
  expect(broker.records('dead', 0)).toHaveLength(1);
});
