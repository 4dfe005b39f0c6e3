import { loadavg } from 'node:os';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { createTopics } from '../helpers/create-topics.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { startKafka } from '../helpers/kafka-broker.ts';
import { startWorker } from '../helpers/worker.ts';
import { latencies } from './overhead/latency.ts';
import { seed } from './overhead/seed.ts';
import type { Task, Throughput } from './overhead/work.ts';

export const name = 'overhead';
export const summary = 'what the engine adds per record over bare kafkajs, and its share of the throughput; about 10 minutes, --short 2';

const partitions = 12;
const programs = { bare: new URL('overhead/bare.ts', import.meta.url), engine: new URL('overhead/engine.ts', import.meta.url) } as const;
type Program = keyof typeof programs;

interface Bench extends ExperimentContext {
  readonly kafka: Kafka;
  readonly brokers: readonly string[];
}

interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly cpuUs: number;
}

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const broker = await startKafka();
  try {
    const kafka = new Kafka({ clientId: name, brokers: [...broker.brokers], logLevel: logLevel.ERROR });
    const bench = { ...context, kafka, brokers: broker.brokers };
    const measured = [...(await throughput(bench)), ...(await latency(bench))];
    const load = loadavg()[0]?.toFixed(1) ?? '?';
    return {
      measured: [...measured, { what: 'load of the machine at the end, 1 min', measured: load, passes: '', pass: true }],
      pass: true,
    };
  } finally {
    await broker.stop();
  }
}

/** The programs in turns, so that whatever else the machine does falls on both. */
async function inPairs<T>(pairs: number, measure: (program: Program, pair: number) => Promise<T>): Promise<Record<Program, readonly T[]>> {
  const results: Record<Program, T[]> = { bare: [], engine: [] };
  for (let pair = 0; pair < pairs; pair += 1) {
    const order: readonly Program[] = pair % 2 === 0 ? ['bare', 'engine'] : ['engine', 'bare'];
    for (const program of order) results[program].push(await measure(program, pair));
  }
  return results;
}

async function withTopics<T>({ kafka, brokers }: Bench, topics: readonly string[], use: () => Promise<T>): Promise<T> {
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

async function throughput(bench: Bench): Promise<readonly Finding[]> {
  const records = bench.short ? 100_000 : 1_000_000;
  const pairs = 3;
  const input = 'orders';
  return withTopics(bench, [input], async () => {
    bench.say(`writing ${String(records)} records of 200 bytes to ${String(partitions)} partitions`);
    const producer = bench.kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    await seed(producer, input, records);
    await producer.disconnect();
    const results = await inPairs(pairs, async (program, pair) => {
      const output = `orders.${program}.${String(pair)}`;
      return withTopics(bench, [output], async () => {
        const worker = startWorker(programs[program], {
          brokers: bench.brokers,
          group: output,
          input,
          output,
          records,
          idempotent: false,
        } satisfies Task);
        const { ms, cpuUs } = await worker.next<Throughput>('finished');
        await worker.end();
        const one = { perSecond: (records / ms) * 1_000, cpuUs: cpuUs / records };
        bench.say(`${program}: ${String(Math.round(one.perSecond))} records/s, ${one.cpuUs.toFixed(2)} µs CPU a record`);
        return one;
      });
    });
    const ratios = results.engine.map(({ perSecond }, i) => perSecond / (results.bare[i]?.perSecond ?? Number.NaN));
    const ratio = median(ratios);
    const cpu = (program: Program): number => median(results[program].map(({ cpuUs }) => cpuUs));
    const rate = (program: Program): string =>
      `${String(Math.round(median(results[program].map(({ perSecond }) => perSecond))))} records/s`;
    return [
      fact('consume, parse, produce: bare kafkajs, median', `${rate('bare')}, ${cpu('bare').toFixed(2)} µs CPU a record`),
      fact('the same through the engine, median', `${rate('engine')}, ${cpu('engine').toFixed(2)} µs CPU a record`),
      fact('CPU that the engine adds', `${(cpu('engine') - cpu('bare')).toFixed(2)} µs a record`),
      {
        what: `engine / bare, median of ${String(pairs)} pairs`,
        measured: `${ratio.toFixed(2)} (${ratios.map((one) => one.toFixed(2)).join(', ')})`,
        passes: '>= 0.80',
        pass: ratio >= 0.8,
      },
    ];
  });
}

async function latency(bench: Bench): Promise<readonly Finding[]> {
  const pairs = bench.short ? 1 : 3;
  const [recordsASecond, warmUpMs, forMs] = bench.short ? [500, 2_000, 4_000] : [500, 5_000, 15_000];
  const results = await inPairs(pairs, async (program, pair) => {
    const [input, output] = [`calm.${program}.${String(pair)}`, `calm.${program}.${String(pair)}.out`];
    return withTopics(bench, [input, output], async () => {
      const worker = startWorker(programs[program], {
        brokers: bench.brokers,
        group: output,
        input,
        output,
        idempotent: false,
      } satisfies Task);
      await worker.next('ready');
      const began = (): void => {
        worker.say('mark');
      };
      const seen = await latencies(bench.kafka, { input, output, recordsASecond, warmUpMs, forMs, signal: bench.signal, began });
      worker.say('stop');
      const { cpuUs } = await worker.next<Throughput>('cpu');
      await worker.end();
      const one: Latency = { p50: quantile(seen, 0.5), p99: quantile(seen, 0.99), cpuUs: cpuUs / seen.length };
      bench.say(`${program}: p50 ${one.p50.toFixed(1)} ms, p99 ${one.p99.toFixed(1)} ms, ${one.cpuUs.toFixed(0)} µs CPU a record`);
      return one;
    });
  });
  const rows = [
    ['p50', (one: Latency) => one.p50, 'ms'],
    ['p99', (one: Latency) => one.p99, 'ms'],
    ['CPU a record', (one: Latency) => one.cpuUs, 'µs'],
  ] as const;
  return rows.map(([what, of, unit]) => {
    const [bare, engine] = [median(results.bare.map(of)), median(results.engine.map(of))];
    return fact(
      `at ${String(recordsASecond)} records/s: ${what}, bare and engine`,
      `${bare.toFixed(1)} and ${engine.toFixed(1)} ${unit}: adds ${(engine - bare).toFixed(1)} ${unit}`,
    );
  });
}

const fact = (what: string, measured: string): Finding => ({ what, measured, passes: '', pass: true });

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;

const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
