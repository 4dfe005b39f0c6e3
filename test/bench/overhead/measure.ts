import { type Kafka, Partitioners } from 'kafkajs';
import { createTopics } from '../../helpers/create-topics.ts';
import type { ExperimentContext, Finding } from '../../helpers/experiment.ts';
import { startWorker } from '../../helpers/worker.ts';
import { seed } from './seed.ts';
import type { Task, Throughput } from './work.ts';

const partitions = 12;

export interface Bench extends ExperimentContext {
  readonly kafka: Kafka;
  readonly brokers: readonly string[];
}

/** Two programs in turns, so that whatever else the machine does falls on both. */
export async function inPairs<Name extends string, T>(
  [one, other]: readonly [Name, Name],
  pairs: number,
  measure: (program: Name, pair: number) => Promise<T>,
): Promise<Readonly<Record<Name, readonly T[]>>> {
  const results = { [one]: [], [other]: [] } as unknown as Record<Name, T[]>;
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const program of pair % 2 === 0 ? [one, other] : [other, one]) results[program].push(await measure(program, pair));
  }
  return results;
}

export async function withTopics<T>({ kafka, brokers }: Bench, topics: readonly string[], use: () => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await createTopics(brokers, topics, partitions);
    const result = await use();
    await admin.deleteTopics({ topics: [...topics] });
    return result;
  } finally {
    await admin.disconnect();
  }
}

/** Writes `records` records of 200 bytes to `topic`. */
export async function fill(bench: Bench, topic: string, records: number): Promise<void> {
  bench.say(`writing ${String(records)} records of 200 bytes to ${String(partitions)} partitions`);
  const producer = bench.kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await seed(producer, topic, records);
  await producer.disconnect();
}

export interface Rate {
  readonly perSecond: number;
  readonly cpuUs: number;
}

/** One program from `task.input` to a topic of its own, until it has brought all records there. */
export async function measureRate(
  bench: Bench,
  program: URL,
  task: Omit<Task, 'brokers' | 'group' | 'idempotent'> & { readonly records: number },
): Promise<Rate> {
  return withTopics(bench, [task.output], async () => {
    const worker = startWorker(program, { ...task, brokers: bench.brokers, group: task.output, idempotent: false } satisfies Task);
    const { ms, cpuUs } = await worker.next<Throughput>('finished');
    await worker.end();
    const rate = { perSecond: (task.records / ms) * 1_000, cpuUs: cpuUs / task.records };
    bench.say(`${task.output}: ${showRate(rate)}`);
    return rate;
  });
}

export const showRate = ({ perSecond, cpuUs }: Rate): string =>
  `${String(Math.round(perSecond))} records/s, ${cpuUs.toFixed(2)} µs CPU a record`;

export const medianRate = (rates: readonly Rate[]): Rate => ({
  perSecond: median(rates.map(({ perSecond }) => perSecond)),
  cpuUs: median(rates.map(({ cpuUs }) => cpuUs)),
});

/** How fast the first were, measured by the second of their pair. */
export function ratio(rates: readonly Rate[], by: readonly Rate[]): { readonly median: number; readonly shown: string } {
  const each = rates.map(({ perSecond }, i) => perSecond / (by[i]?.perSecond ?? Number.NaN));
  return { median: median(each), shown: `${median(each).toFixed(2)} (${each.map((one) => one.toFixed(2)).join(', ')})` };
}

export const fact = (what: string, measured: string): Finding => ({ what, measured, passes: '', pass: true });

export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;

export const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
