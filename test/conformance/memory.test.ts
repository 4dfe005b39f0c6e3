import { memory } from '../../src/transport/memory/memory.ts';
import { describeTransport } from './describe-transport.ts';

describeTransport('memory', () => {
  const transport = memory();
  const { broker } = transport;
  let names = 0;
  return {
    transport,
    newTransport: () => transport, // one object is one broker, and has no connections of its own
    freshName: (prefix) => {
      names += 1;
      return `${prefix}-${String(names)}`;
    },
    close: () => transport.close(),
    expel: (consumer) => {
      broker.expel(consumer, { noticeMs: 50 });
    },
    truncate: (topic, partition, before) => {
      broker.truncate(topic, partition, before);
    },
    setCompacted: (topic) => {
      broker.setCompacted(topic);
    },
    leaveGap: (topic, partition) => {
      broker.skipOffsets(topic, partition, 1);
    },
    bounceBroker: {
      down: () => {
        broker.down('the test took it down');
      },
      up: () => {
        broker.up();
      },
    },
  };
});
