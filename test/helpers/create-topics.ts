import { kafka } from '../../src/transport/kafka/kafka.ts';

/** Creates topics and waits until every broker knows their leaders; kafkajs's own wait ends in an error on a broker that is busy. */
export async function createTopics(brokers: readonly string[], names: readonly string[], partitions: number): Promise<void> {
  const transport = kafka({ brokers: [...brokers] });
  try {
    await transport.createTopics(names.map((name) => ({ name, partitions })));
  } finally {
    await transport.close();
  }
}
