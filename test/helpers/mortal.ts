import { TransportError } from '../../src/errors.ts';
import type { Consumer, Transport } from '../../src/transport/transport.ts';
import { passThrough } from './pass-through.ts';

/** A transport of a process that can be killed: then nothing of it leaves and nothing reaches it any more. */
export function mortal(inner: Transport): { readonly transport: Transport; readonly kill: () => Promise<void> } {
  const members: Consumer[] = [];
  let isDead = false;
  const unlessDead = <A extends readonly unknown[]>(handler: (...args: A) => void) => {
    return (...args: A): void => (isDead ? undefined : handler(...args));
  };
  const transport = passThrough(inner, {
    consume: async (options, handlers) => {
      const member = await inner.consume(options, {
        ...{ assigned: unlessDead(handlers.assigned), fetched: unlessDead(handlers.fetched), health: unlessDead(handlers.health) },
        ...{ lost: unlessDead(handlers.lost), failed: unlessDead(handlers.failed) },
        revoking: (partitions) => (isDead ? Promise.resolve() : handlers.revoking(partitions)),
      });
      members.push(member);
      return member;
    },
    produce: async (options) => {
      const producer = await inner.produce(options);
      return {
        ...producer,
        close: () => producer.close(),
        partitionsOf: (topic) => producer.partitionsOf(topic),
        send: (...args) =>
          isDead ? Promise.reject(new TransportError('transport_unavailable', 'this process is dead')) : producer.send(...args),
      };
    },
  });
  const kill = async (): Promise<void> => {
    isDead = true;
    await Promise.all(members.map((member) => member.close()));
  };
  return { transport, kill };
}
