import { type Kafka, Kafka as KafkaClient, logLevel, Partitioners } from 'kafkajs';
import { createTopics } from '../helpers/create-topics.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { startKafka } from '../helpers/kafka-broker.ts';
import { startWorker } from '../helpers/worker.ts';
import { readTopic } from '../helpers/read-topic.ts';
import type { Case, Item } from './kill/case.ts';

export const name = 'kill';
export const summary =
  'a worker under load is killed with -9 again and again: nothing lost, little called twice; about 4 minutes, --short 1';

const partitions = 12;
const [input, output] = ['kill.in', 'kill.out'];
const concurrency = 64;
const commitIntervalMs = 200; // the default
const sessionTimeoutMs = 2_000;
const recordsASend = 2_000;
const patienceMs = 120_000;

interface Round {
  /** Of each id, how often it was called. */
  readonly calls: Map<number, number>;
  readonly firstCallMs: number[];
  callsASecond: number;
}

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const [records, kills] = short ? [40_000, 3] : [220_000, 20];
  const broker = await startKafka({ properties: { 'group.min.session.timeout.ms': '1000' } });
  try {
    const kafka = new KafkaClient({ clientId: name, brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
    await createTopics(broker.brokers, [input, output], partitions);
    await fill(kafka, records);
    const given: Case = { brokers: broker.brokers, input, output, concurrency, latencyMs: [5, 30], slowEvery: 101, sessionTimeoutMs };
    const round: Round = { calls: new Map(), firstCallMs: [], callsASecond: 0 };
    let killed = 0;
    let completedBefore = 0;
    while (!signal.aborted && round.calls.size < records) {
      const worker = startWorker(new URL('kill/worker.ts', import.meta.url), given);
      const bornMs = performance.now();
      const lifeMs = killed < kills ? 2_000 + Math.random() * 4_000 : patienceMs;
      const done = await live(worker, round, bornMs, lifeMs, records);
      if (!done) {
        process.kill(worker.pid, 'SIGKILL');
        await worker.end();
        killed += 1;
        say(`killed ${String(killed)} times, ${String(round.calls.size)} of ${String(records)} called`);
      } else {
        await new Promise((resolve) => setTimeout(resolve, 1_000)); // the last calls end
        worker.say('stop');
        ({ completedBefore } = await worker.next<{ completedBefore: number }>('stopped'));
        await worker.end();
      }
    }
    const written = await readTopic(kafka, output);
    const ids = written.map(({ value }) => (JSON.parse(String(value)) as Item).id);
    return judge({ records, killed, kills, ids, round, completedBefore });
  } finally {
    await broker.stop();
  }
}

/** Counts a worker's calls until all records have been called, or its time is up. */
async function live(
  worker: ReturnType<typeof startWorker>,
  round: Round,
  bornMs: number,
  lifeMs: number,
  records: number,
): Promise<boolean> {
  let firstMs: number | undefined;
  let count = 0;
  for (;;) {
    const { id } = await worker.next<Item>('call');
    const nowMs = performance.now();
    if (firstMs === undefined) round.firstCallMs.push((firstMs = nowMs) - bornMs);
    count += 1;
    round.calls.set(id, (round.calls.get(id) ?? 0) + 1);
    if (round.calls.size === records) return true;
    if (nowMs - firstMs < lifeMs) continue;
    round.callsASecond = Math.max(round.callsASecond, (count * 1000) / (nowMs - firstMs));
    return false;
  }
}

interface Told {
  readonly records: number;
  readonly killed: number;
  readonly kills: number;
  readonly ids: readonly number[];
  readonly round: Round;
  readonly completedBefore: number;
}

function judge({ records, killed, kills, ids, round, completedBefore }: Told): ExperimentResult {
  const lost = records - new Set(ids).size;
  const again = [...round.calls.values()].reduce((sum, times) => sum + times - 1, 0);
  // a commit interval of work, as much again while that commit is under way, and what runs
  const most = killed * Math.ceil((2 * round.callsASecond * commitIntervalMs) / 1000 + concurrency);
  const gaps = round.firstCallMs.map((ms) => (ms / 1000).toFixed(1));
  const finding = (what: string, measured: string, passes: string, pass: boolean): Finding => ({ what, measured, passes, pass });
  const measured = [
    finding('killed with -9', String(killed), String(kills), killed === kills),
    finding('records without an output', String(lost), '0', lost === 0),
    finding('outputs written twice', String(ids.length - new Set(ids).size), `<= ${String(most)}`, ids.length - records <= most),
    finding('calls made again', String(again), `<= ${String(most)}: kills x (2 commit intervals + calls in flight)`, again <= most),
    finding('calls a second, at most', round.callsASecond.toFixed(0), '', true),
    finding('found completed by the last run', String(completedBefore), '', true),
    finding('start to first call', `${gaps.join(' ')} s`, '', true),
  ];
  return { measured, pass: true };
}

async function fill(kafka: Kafka, records: number): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let first = 0; first < records; first += recordsASend) {
    const ids = Array.from({ length: Math.min(recordsASend, records - first) }, (_, i) => first + i);
    await producer.send({ topic: input, messages: ids.map((id) => ({ key: `key-${String(id % 5_000)}`, value: JSON.stringify({ id }) })) });
  }
  await producer.disconnect();
}
