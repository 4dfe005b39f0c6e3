import { loadavg } from 'node:os';
import { Kafka, logLevel } from 'kafkajs';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { startKafka } from '../helpers/kafka-broker.ts';
import { startWorker } from '../helpers/worker.ts';
import { latencies } from './overhead/latency.ts';
import {
  type Bench,
  fact,
  fill,
  inPairs,
  measureRate,
  median,
  medianRate,
  quantile,
  ratio,
  showRate,
  withTopics,
} from './overhead/measure.ts';
import type { Task, Throughput } from './overhead/work.ts';

export const name = 'overhead';
export const summary = 'what the engine adds per record over bare kafkajs, and its share of the throughput; about 10 minutes, --short 2';

const programs = { bare: new URL('overhead/bare.ts', import.meta.url), engine: new URL('overhead/engine.ts', import.meta.url) } as const;
const names = ['bare', 'engine'] as const;

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

async function throughput(bench: Bench): Promise<readonly Finding[]> {
  const records = bench.short ? 100_000 : 1_000_000;
  const pairs = 3;
  const input = 'orders';
  return withTopics(bench, [input], async () => {
    await fill(bench, input, records);
    const { bare, engine } = await inPairs(names, pairs, (program, pair) =>
      measureRate(bench, programs[program], { input, output: `orders.${program}.${String(pair)}`, records }),
    );
    const share = ratio(engine, bare);
    return [
      fact('consume, parse, produce: bare kafkajs, median', showRate(medianRate(bare))),
      fact('the same through the engine, median', showRate(medianRate(engine))),
      fact('CPU that the engine adds', `${(medianRate(engine).cpuUs - medianRate(bare).cpuUs).toFixed(2)} µs a record`),
      { what: `engine / bare, median of ${String(pairs)} pairs`, measured: share.shown, passes: '>= 0.80', pass: share.median >= 0.8 },
    ];
  });
}

async function latency(bench: Bench): Promise<readonly Finding[]> {
  const pairs = bench.short ? 1 : 3;
  const [recordsASecond, warmUpMs, forMs] = bench.short ? [500, 2_000, 4_000] : [500, 5_000, 15_000];
  const results = await inPairs(names, pairs, async (program, pair) => {
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
