import { type Kafka, Kafka as KafkaClient, logLevel, Partitioners } from 'kafkajs';
import { createTopics } from '../helpers/create-topics.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { startKafka } from '../helpers/kafka-broker.ts';
import { readTopic, sizeOf } from '../helpers/read-topic.ts';
import { startWorker, type Worker } from '../helpers/worker.ts';
import type { Case, Item } from './kill/case.ts';

export const name = 'rolling';
export const summary =
  'three workers under load are restarted in turn with SIGTERM: nothing lost, nothing done twice; about 1 minute, --short 20 s';

const partitions = 12;
const [input, output] = ['rolling.in', 'rolling.out'];
const recordsASend = 50;
const betweenSendsMs = 100;
const patienceMs = 60_000;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const rounds = short ? 1 : 3;
  const broker = await startKafka();
  const calls = new Map<number, number>();
  const workers: Worker[] = [];
  const begin = async (): Promise<Worker> => {
    const given: Case = {
      brokers: broker.brokers,
      input,
      output,
      concurrency: 32,
      latencyMs: [20, 60],
      slowEvery: 101,
      sessionTimeoutMs: 2_000,
    };
    const worker = startWorker(new URL('kill/worker.ts', import.meta.url), given);
    void count(worker, calls);
    await worker.next('output'); // a rolling restart goes on when the new one works
    return worker;
  };
  try {
    const kafka = new KafkaClient({ clientId: name, brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
    await createTopics(broker.brokers, [input, output], partitions);
    const load = produce(kafka);
    for (let i = 0; i < 3; i += 1) workers.push(await begin());
    const exits: (number | null)[] = [];
    let aborted = 0;
    const stop = async (worker: Worker): Promise<void> => {
      process.kill(worker.pid, 'SIGTERM');
      ({ aborted } = await worker.next<{ aborted: number }>('stopped').then((told) => ({ aborted: aborted + told.aborted })));
      exits.push(await worker.exitCode());
    };
    for (let restart = 0; restart < rounds * 3 && !signal.aborted; restart += 1) {
      const [leaving] = workers.splice(0, 1);
      if (leaving) await stop(leaving);
      workers.push(await begin());
      say(`restarted ${String(restart + 1)} times, ${String(calls.size)} records called`);
    }
    const records = await load.end();
    for (const untilMs = performance.now() + patienceMs; (await sizeOf(kafka, output)) < records && performance.now() < untilMs; )
      await wait(100);
    for (const worker of workers) await stop(worker);
    const ids = (await readTopic(kafka, output)).map(({ value }) => (JSON.parse(String(value)) as Item).id);
    return judge({ restarts: rounds * 3, records, ids, calls, exits, aborted });
  } finally {
    for (const worker of workers) await worker.end(0);
    await broker.stop();
  }
}

async function count(worker: Worker, calls: Map<number, number>): Promise<void> {
  try {
    for (;;) {
      const { id } = await worker.next<Item>('call');
      calls.set(id, (calls.get(id) ?? 0) + 1);
    }
  } catch {
    // it has ended
  }
}

/** About 500 records a second until it is ended; `end` resolves with how many there are. */
function produce(kafka: Kafka): { readonly end: () => Promise<number> } {
  let isOver = false;
  const loop = async (): Promise<number> => {
    const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    let next = 0;
    while (!isOver) {
      const messages = Array.from({ length: recordsASend }, (_, i) => ({
        key: `key-${String((next + i) % 500)}`,
        value: JSON.stringify({ id: next + i }),
      }));
      await producer.send({ topic: input, messages });
      next += recordsASend;
      await wait(betweenSendsMs);
    }
    await producer.disconnect();
    return next;
  };
  const running = loop();
  return {
    end: () => {
      isOver = true;
      return running;
    },
  };
}

interface Told {
  readonly restarts: number;
  readonly records: number;
  readonly ids: readonly number[];
  readonly calls: ReadonlyMap<number, number>;
  readonly exits: readonly (number | null)[];
  readonly aborted: number;
}

function judge({ restarts, records, ids, calls, exits, aborted }: Told): ExperimentResult {
  const lost = records - new Set(ids).size;
  const twice = ids.length - new Set(ids).size;
  const again = [...calls.values()].reduce((sum, times) => sum + times - 1, 0);
  const clean = exits.every((code) => code === 0);
  const finding = (what: string, measured: string, passes: string, pass: boolean): Finding => ({ what, measured, passes, pass });
  const measured = [
    finding('restarts with SIGTERM', String(exits.length - 3), String(restarts), exits.length - 3 === restarts),
    finding('records', String(records), '', true),
    finding('records without an output', String(lost), '0', lost === 0),
    finding('outputs written twice', String(twice), '0', twice === 0),
    finding('calls made again', String(again), '0', again === 0),
    finding('calls aborted', String(aborted), '0', aborted === 0),
    finding('exit codes', [...new Set(exits)].join(' '), '0', clean),
  ];
  return { measured, pass: true };
}
