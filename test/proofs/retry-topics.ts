import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { createTopics } from '../helpers/create-topics.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { type RunningKafka, startKafka } from '../helpers/kafka-broker.ts';
import { readTopic } from '../helpers/read-topic.ts';
import { startWorker, type Worker } from '../helpers/worker.ts';
import { type Case, type Item, topicsOf } from './retry-topics/case.ts';
import { finding, judgeEnds, type Read, traceHeader } from './retry-topics/judge.ts';
import { LiveReader } from './retry-topics/live-reader.ts';

export const name = 'retry-topics';
export const summary =
  'records that fail wait in retry topics while their workers are killed with -9: none lost, none early, no other held up; about 4 minutes, --short 1';

const partitions = 4;
const delaysMs = [1_000, 2_500];
const sessionTimeoutMs = 2_000;
const recordsASend = 20;
const betweenSendsMs = 100;
const patienceMs = 90_000;
/** How long calls for one in so many records fail: for ever, until the first wait is over, until the second is. */
const fates: readonly (number | null | undefined)[] = [null, 700, 700, 3_000, ...Array<undefined>(6)];
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Scene {
  readonly group: string;
  readonly delivery: Case['delivery'];
  readonly isFailing: boolean;
  /** Before the first kill: latencies are those of this time. */
  readonly quietMs: number;
  readonly kills: number;
}

interface Played {
  /** From the writing of a record that never fails to when its output can be read, sorted. */
  readonly latenciesMs: readonly number[];
  readonly read: Read;
  readonly killed: number;
  readonly isComplete: boolean;
}

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const broker = await startKafka({ properties: { 'group.min.session.timeout.ms': '1000' } });
  const { quietMs, kills } = short ? { quietMs: 5_000, kills: 2 } : { quietMs: 20_000, kills: 10 };
  try {
    const measured: Finding[] = [];
    for (const delivery of ['at-least-once', 'exactly-once'] as const) {
      const calm = await play(broker, { group: `${delivery}.calm`, delivery, isFailing: false, quietMs, kills: 0 }, signal, say);
      const failing = await play(broker, { group: delivery, delivery, isFailing: true, quietMs, kills }, signal, say);
      const share = short ? 0.5 : 0.99; // a short run shares its machine
      measured.push(...judge(calm, failing, kills, share).map((one) => ({ ...one, what: `${delivery}: ${one.what}` })));
    }
    return { measured, pass: true };
  } finally {
    await broker.stop();
  }
}

async function play(broker: RunningKafka, scene: Scene, signal: AbortSignal, say: (line: string) => void): Promise<Played> {
  const { group, delivery, kills } = scene;
  const topics = topicsOf(group, delaysMs.length);
  await createTopics(broker.brokers, [topics.input, topics.output, topics.dead, ...topics.retry], partitions);
  const kafka = new Kafka({ clientId: name, brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
  const given: Case = { brokers: broker.brokers, topics, delivery, delaysMs, sessionTimeoutMs };
  const begin = async (): Promise<Worker> => {
    const worker = startWorker(new URL('retry-topics/worker.ts', import.meta.url), given);
    await worker.next('started');
    return worker;
  };
  const live = await LiveReader.open(kafka, [topics.output, topics.dead]);
  const workers = await Promise.all([begin(), begin()]);
  try {
    const feed = feedSteadily(kafka, topics.input, scene.isFailing);
    await wait(scene.quietMs);
    const quiet = [...feed.items];
    await live.untilAll(
      quiet.filter(({ failsUntilMs }) => failsUntilMs === undefined).map(({ id }) => id),
      patienceMs,
    );
    let killed = 0;
    for (; killed < kills && !signal.aborted; killed += 1) {
      await wait(1_000 + Math.random() * 2_000);
      const [victim] = workers.splice(killed % 2, 1);
      if (victim) process.kill(victim.pid, 'SIGKILL');
      await victim?.end();
      workers.push(await begin());
      say(`${group}: killed ${String(killed + 1)} times, ${String(feed.items.length)} records`);
    }
    await feed.end();
    const isComplete = await live.untilAll(
      feed.items.map(({ id }) => id),
      patienceMs,
    );
    for (const worker of workers) {
      process.kill(worker.pid, 'SIGTERM');
      await worker.next('stopped');
      await worker.end();
    }
    const [inputs, outputs, letters] = await Promise.all([topics.input, topics.output, topics.dead].map((one) => readTopic(kafka, one)));
    const waited = await Promise.all(topics.retry.map((one) => readTopic(kafka, one)));
    const latenciesMs = quiet
      .flatMap(({ id, bornMs, failsUntilMs }) => (failsUntilMs === undefined ? [(live.seenMs.get(id) ?? Infinity) - bornMs] : []))
      .sort((a, b) => a - b);
    const read = { topics, delaysMs, delivery, inputs: inputs ?? [], outputs: outputs ?? [], letters: letters ?? [], waited };
    return { latenciesMs, read, killed, isComplete };
  } finally {
    await live.close();
    for (const worker of workers) await worker.end(0);
  }
}

/** About 200 records a second until it is ended, each on its own key. */
function feedSteadily(
  kafka: Kafka,
  topic: string,
  isFailing: boolean,
): { readonly items: readonly Item[]; readonly end: () => Promise<void> } {
  const items: Item[] = [];
  let isOver = false;
  const loop = async (): Promise<void> => {
    const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    while (!isOver) {
      const bornMs = Date.now();
      const some = Array.from({ length: recordsASend }, (_, i): Item => {
        const id = items.length + i;
        const failsForMs = isFailing ? fates[id % fates.length] : undefined;
        return { id, bornMs, ...(failsForMs === undefined ? {} : { failsUntilMs: failsForMs === null ? null : bornMs + failsForMs }) };
      });
      items.push(...some);
      const messages = some.map((item) => ({
        key: `key-${String(item.id)}`,
        value: JSON.stringify(item),
        headers: { [traceHeader]: String(item.id) },
      }));
      await producer.send({ topic, messages });
      await wait(betweenSendsMs);
    }
    await producer.disconnect();
  };
  const running = loop();
  return {
    items,
    end: () => {
      isOver = true;
      return running;
    },
  };
}

function judge(calm: Played, failing: Played, kills: number, share: number): readonly Finding[] {
  const at = ({ latenciesMs }: Played, share: number): number => latenciesMs[Math.floor(latenciesMs.length * share)] ?? Infinity;
  const told = (played: Played): string => [0.5, 0.99].map((share) => `${at(played, share).toFixed(0)} ms`).join(', ');
  const [shortestMs = 0] = delaysMs;
  const addedMs = at(failing, share) - at(calm, share);
  return [
    finding('killed with -9', failing.killed, String(kills), failing.killed === kills),
    finding(
      'all had ended when the workers were',
      failing.isComplete && calm.isComplete ? 'yes' : 'no',
      'yes',
      failing.isComplete && calm.isComplete,
    ),
    ...judgeEnds(failing.read),
    finding('latency of those that never fail, without others that do (p50, p99)', told(calm), '', true),
    finding('the same beside those that fail and wait', told(failing), '', true),
    finding(
      `what those add to it, p${String(share * 100)}`,
      `${addedMs.toFixed(0)} ms`,
      `< ${String(shortestMs)} ms, the shortest wait: nobody waits behind them`,
      addedMs < shortestMs,
    ),
  ];
}
