import type { Message, Producer } from 'kafkajs';
import type { Order } from './work.ts';

const recordsASend = 2_000;
const sendsAtOnce = 4;
const keys = 10_000;
const valueBytes = 200;

/** One record of 200 bytes, and its key. */
export function orderMessage(id: number, at: number): Message {
  const order: Order = { id, at, text: '' };
  const text = 'x'.repeat(valueBytes - JSON.stringify(order).length);
  return { key: `order-${String(id % keys)}`, value: JSON.stringify({ ...order, text }) };
}

/** Writes `count` records, several sends at a time. */
export async function seed(producer: Producer, topic: string, count: number): Promise<void> {
  const starts = Array.from({ length: Math.ceil(count / recordsASend) }, (_, i) => i * recordsASend).values();
  const sendInTurn = async (): Promise<void> => {
    for (const first of starts) {
      const messages = Array.from({ length: Math.min(recordsASend, count - first) }, (_, i) => orderMessage(first + i, 0));
      await producer.send({ topic, messages });
    }
  };
  await Promise.all(Array.from({ length: sendsAtOnce }, sendInTurn));
}
