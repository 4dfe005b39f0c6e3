import { Kafka as KafkaClient, logLevel } from 'kafkajs';
import { createTopics } from '../helpers/create-topics.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { startKafka } from '../helpers/kafka-broker.ts';
import { readTopic, sizeOf } from '../helpers/read-topic.ts';
import { startWorker, type Worker } from '../helpers/worker.ts';
import type { Case, Item } from './kill/case.ts';
import { fill } from './kill/fill.ts';

export const name = 'sigterm';
export const summary =
  '64 calls in flight, 8 of which hang, and SIGTERM: out in time, and only what was not finished is done again; about 20 s';

const partitions = 12;
const [input, output] = ['sigterm.in', 'sigterm.out'];
const [records, concurrency, hang] = [64, 64, 8];
const patienceMs = 60_000;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function run({ short }: ExperimentContext): Promise<ExperimentResult> {
  const drainDeadlineMs = short ? 3_000 : 10_000;
  const broker = await startKafka();
  const workers: Worker[] = [];
  const begin = (hanging: number): Worker => {
    const times = { latencyMs: [1_000, 2_000], slowEvery: records + 1 } as const; // none is slow
    const given: Case = {
      brokers: broker.brokers,
      input,
      output,
      concurrency,
      ...times,
      hang: hanging,
      drainDeadlineMs,
      sessionTimeoutMs: 2_000,
    };
    const worker = startWorker(new URL('kill/worker.ts', import.meta.url), given);
    workers.push(worker);
    return worker;
  };
  try {
    const kafka = new KafkaClient({ clientId: name, brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
    await createTopics(broker.brokers, [input, output], partitions);
    await fill(kafka, input, 0, records);
    const first = begin(hang);
    for (let called = 0; called < concurrency; called += 1) await first.next('call');
    const termMs = performance.now();
    process.kill(first.pid, 'SIGTERM');
    const exitCode = await first.exitCode();
    const outMs = performance.now() - termMs;
    const finished = await idsIn(kafka);
    const second = begin(0);
    const again: number[] = [];
    void (async () => {
      for (;;) again.push((await second.next<Item>('call')).id);
    })().catch(() => undefined); // it has ended
    for (const untilMs = performance.now() + patienceMs; (await sizeOf(kafka, output)) < records && performance.now() < untilMs; )
      await wait(100);
    await wait(1_000); // for calls that should not be made
    process.kill(second.pid, 'SIGTERM');
    await second.exitCode();
    return judge({ outMs, mostMs: drainDeadlineMs + 500, exitCode, finished, again, ids: await idsIn(kafka) });
  } finally {
    for (const worker of workers) await worker.end(0);
    await broker.stop();
  }
}

const idsIn = async (kafka: KafkaClient): Promise<readonly number[]> =>
  (await sizeOf(kafka, output)) === 0 ? [] : (await readTopic(kafka, output)).map(({ value }) => (JSON.parse(String(value)) as Item).id);

interface Told {
  readonly outMs: number;
  readonly mostMs: number;
  readonly exitCode: number | null;
  readonly finished: readonly number[];
  readonly again: readonly number[];
  readonly ids: readonly number[];
}

function judge({ outMs, mostMs, exitCode, finished, again, ids }: Told): ExperimentResult {
  const unfinished = Array.from({ length: records }, (_, id) => id).filter((id) => !finished.includes(id));
  const [wanted, got] = [unfinished.join(' '), [...again].sort((a, b) => a - b).join(' ')];
  const lost = records - new Set(ids).size;
  const finding = (what: string, measured: string, passes: string, pass: boolean): Finding => ({ what, measured, passes, pass });
  const measured = [
    finding('in flight at SIGTERM, hanging', `${String(concurrency)}, ${String(hang)}`, '', true),
    finding('SIGTERM to the end of the process', `${(outMs / 1000).toFixed(2)} s`, `<= ${String(mostMs / 1000)} s`, outMs <= mostMs),
    finding('its exit code', String(exitCode), '143: something was given back', exitCode === 143),
    finding('finished before the end', String(finished.length), String(records - hang), finished.length === records - hang),
    finding('called again by the next', got, `${wanted}: what was unfinished`, got === wanted),
    finding('records without an output', String(lost), '0', lost === 0),
    finding('outputs written twice', String(ids.length - new Set(ids).size), '0', ids.length === new Set(ids).size),
  ];
  return { measured, pass: true };
}
