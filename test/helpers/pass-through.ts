import type { Consumer, Transport } from '../../src/transport/transport.ts';

/** A transport that hands everything on, but for what is replaced. */
export const passThrough = (inner: Transport, replaced: Partial<Transport> = {}): Transport => ({
  name: inner.name,
  consume: (...args) => inner.consume(...args),
  produce: (...args) => inner.produce(...args),
  transact: (...args) => inner.transact(...args),
  committed: (...args) => inner.committed(...args),
  describeTopics: (...args) => inner.describeTopics(...args),
  createTopics: (...args) => inner.createTopics(...args),
  close: () => inner.close(),
  ...replaced,
});

/** The same, with the consumer that was opened last at hand: to expel it, or to close it behind its user's back. */
export function tapped(
  inner: Transport,
  replaced: Partial<Transport> = {},
): { readonly transport: Transport; readonly consumer: () => Consumer | undefined } {
  let consumer: Consumer | undefined;
  const consume: Transport['consume'] = async (...args) => (consumer = await inner.consume(...args));
  return { transport: passThrough(inner, { consume, ...replaced }), consumer: () => consumer };
}

/** A consumer that hands everything on, but for what is replaced. */
export const passThroughConsumer = (inner: Consumer, replaced: Partial<Consumer> = {}): Consumer => ({
  pause: (partitions) => {
    inner.pause(partitions);
  },
  resume: (partitions) => {
    inner.resume(partitions);
  },
  commit: (offsets) => inner.commit(offsets),
  stillOwned: (partitions) => inner.stillOwned(partitions),
  verify: () => {
    inner.verify();
  },
  close: () => inner.close(),
  ...replaced,
});
