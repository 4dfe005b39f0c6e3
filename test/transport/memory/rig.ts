import { memory, type MemoryOptions, type MemoryTransport } from '../../../src/transport/memory/memory.ts';
import type { Consumer, ConsumeOptions } from '../../../src/transport/transport.ts';
import { type VirtualClock, virtualClock } from '../../../src/virtual-clock.ts';
import { Watcher } from '../../conformance/transport/watcher.ts';
import { numbered } from '../../conformance/transport/world.ts';

/** A memory transport in virtual time, with a topic `t` and short ways to write and read it. */
export interface Rig {
  readonly clock: VirtualClock;
  readonly transport: MemoryTransport;
  readonly broker: MemoryTransport['broker'];
  readonly send: (count: number, prefix?: string, partition?: number) => Promise<bigint>;
  readonly join: (options?: Partial<ConsumeOptions>) => Promise<{ watcher: Watcher; consumer: Consumer }>;
}

export async function rig(options: MemoryOptions = {}): Promise<Rig> {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, ...options });
  await transport.createTopics([{ name: 't' }]);
  const producer = await transport.produce();
  return {
    clock,
    transport,
    broker: transport.broker,
    send: (count, prefix = 'v', partition = 0) => producer.send('t', partition, numbered(count, prefix)),
    join: async (more = {}) => {
      const watcher = new Watcher(2 ** 20);
      const consumer = await transport.consume({ groupId: 'g', topics: ['t'], from: 'earliest', ...more }, watcher);
      return { watcher, consumer };
    },
  };
}

/** What a promise rejects with. */
export const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );
