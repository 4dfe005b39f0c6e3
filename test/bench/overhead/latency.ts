import { setTimeout as wait } from 'node:timers/promises';
import { type Kafka, Partitioners } from 'kafkajs';
import { orderMessage } from './seed.ts';
import type { Order } from './work.ts';

const everyMs = 10;
const patienceMs = 20_000;

const nowMs = (): number => performance.timeOrigin + performance.now();

export interface Paced {
  readonly input: string;
  readonly output: string;
  readonly recordsASecond: number;
  readonly warmUpMs: number;
  readonly forMs: number;
  readonly signal: AbortSignal;
  /** The warm-up is over. */
  readonly began: () => void;
}

/** Produces at a steady pace, and says how long after each record its output was seen, in ms, sorted. */
export async function latencies(
  kafka: Kafka,
  { input, output, recordsASecond, warmUpMs, forMs, signal, began }: Paced,
): Promise<readonly number[]> {
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
  const consumer = kafka.consumer({ groupId: `${output}-watch`, maxWaitTimeInMs: 100 });
  await Promise.all([producer.connect(), consumer.connect()]);
  const seen: number[] = [];
  let [sent, answered, measured] = [0, 0, 0];
  let measuredFromMs = Number.POSITIVE_INFINITY;
  const joined = new Promise<void>((resolve) =>
    consumer.on(consumer.events.GROUP_JOIN, () => {
      resolve();
    }),
  );
  await consumer.subscribe({ topic: output, fromBeginning: true });
  await consumer.run({
    eachBatch: ({ batch }) => {
      const atMs = nowMs();
      for (const { value } of batch.messages) {
        const order = JSON.parse(value?.toString() ?? 'null') as Order;
        answered += 1;
        if (order.at >= measuredFromMs) seen.push(atMs - order.at);
      }
      return Promise.resolve();
    },
  });
  await joined;
  const startedMs = nowMs();
  const unsent = new Set<Promise<unknown>>();
  for (let tick = 0; tick * everyMs < warmUpMs + forMs && !signal.aborted; tick += 1) {
    await wait(Math.max(0, startedMs + tick * everyMs - nowMs()));
    if (measured === 0 && tick * everyMs >= warmUpMs) {
      measuredFromMs = nowMs();
      began();
    }
    const due = Math.floor(((tick + 1) * everyMs * recordsASecond) / 1_000) - sent;
    const messages = Array.from({ length: due }, (_, i) => orderMessage(sent + i, nowMs()));
    sent += due;
    if (measuredFromMs < Number.POSITIVE_INFINITY) measured += due;
    const sending = producer.send({ topic: input, messages }).finally(() => unsent.delete(sending));
    unsent.add(sending);
  }
  await Promise.all(unsent);
  const giveUpMs = nowMs() + patienceMs;
  while (answered < sent && nowMs() < giveUpMs && !signal.aborted) await wait(20);
  await Promise.all([producer.disconnect(), consumer.disconnect()]);
  if (seen.length < measured && !signal.aborted)
    throw new Error(`${String(measured - seen.length)} of ${String(measured)} records have no output`);
  return seen.sort((a, b) => a - b);
}
