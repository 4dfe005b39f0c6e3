import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { createTopics } from '../helpers/create-topics.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { type RunningKafka, startKafka } from '../helpers/kafka-broker.ts';
import { readTopic } from '../helpers/read-topic.ts';
import { type Item, transactionHeader } from './exactly-once/case.ts';
import { Crew } from './exactly-once/crew.ts';

export const name = 'exactly-once';
export const summary =
  'crashes, stops and hand-overs in the middle of transactions, with and without the fence: each record has one output; about 6 minutes, --short 40 s';

const partitions = 4;
const sessionTimeoutMs = 2_000;
const pauseMs = 1.5 * sessionTimeoutMs;
const recordsASend = 1_000;
const feedEveryMs = 50;
const patienceMs = 120_000;

interface Round {
  readonly topic: string;
  readonly isFenced: boolean;
  /** Each: killed with -9, and stopped for longer than its session. */
  readonly rounds: number;
  readonly handOvers: number;
  readonly records: number;
  readonly recordsASecond: number;
}

interface Seen {
  readonly written: number;
  readonly lost: number;
  readonly twice: number;
  readonly fromRefused: number;
  readonly unseen: number;
  readonly refused: number;
  readonly failures: readonly string[];
}

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const broker = await startKafka({ properties: { 'group.min.session.timeout.ms': '1000' } });
  const plan = short
    ? { records: 4_000, rounds: 0, handOvers: 2, control: 1, recordsASecond: 200 }
    : { records: 50_000, rounds: 3, handOvers: 20, control: 20, recordsASecond: 300 };
  const { records, rounds, recordsASecond } = plan;
  try {
    const fenced = await play(
      broker,
      { topic: 'eos', isFenced: true, rounds, handOvers: plan.handOvers, records, recordsASecond },
      signal,
      say,
    );
    const control = await play(
      broker,
      { topic: 'eos-control', isFenced: false, rounds: 0, handOvers: plan.control, records: 1_000, recordsASecond },
      signal,
      say,
    );
    return judge(plan, fenced, control);
  } finally {
    await broker.stop();
  }
}

async function play(broker: RunningKafka, round: Round, signal: AbortSignal, say: (line: string) => void): Promise<Seen> {
  const { topic, isFenced, rounds, handOvers } = round;
  const [input, output] = [`${topic}.in`, `${topic}.out`];
  await createTopics(broker.brokers, [input, output], partitions);
  const kafka = new Kafka({ clientId: name, brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
  const feeder = await feed(kafka, input, round.recordsASecond);
  const crew = new Crew({ brokers: broker.brokers, input, output, sessionTimeoutMs, isFenced });
  try {
    await crew.ready();
    for (let i = 0; i < rounds && !signal.aborted; i += 1) {
      await crew.killAndRestart(i);
      await crew.pause(i + 1, pauseMs);
      say(`${topic}: killed and stopped ${String(i + 1)} times`);
    }
    for (let i = 0; i < handOvers && !signal.aborted && crew.failures.length === 0; i += 1) {
      await crew.handOverInWindow(i);
      say(`${topic}: ${String(i + 1)} hand-overs in the middle of a transaction`);
    }
    const written = await feeder.end(round.records);
    await untilCommitted(kafka, input, written);
    await crew.end();
    return await look(kafka, output, written, crew);
  } finally {
    crew.kill();
    await feeder.stop();
  }
}

interface Feeder {
  /** Writes what is missing to `records`, if anything is; resolves with how many were written. */
  end(records: number): Promise<number>;
  stop(): Promise<void>;
}

/** Writes numbered records at a steady pace until it is told to end. */
async function feed(kafka: Kafka, topic: string, recordsASecond: number): Promise<Feeder> {
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  let [written, isOver] = [0, false];
  const send = async (count: number): Promise<void> => {
    const ids = Array.from({ length: count }, (_, i) => written + i);
    written += count;
    // spread by hand: a send that is tried again must not choose anew
    await producer.send({
      topic,
      messages: ids.map((id) => ({ partition: id % partitions, key: `key-${String(id % 1_000)}`, value: JSON.stringify({ id }) })),
    });
  };
  const pace = (async () => {
    while (!isOver) {
      await send(Math.ceil((recordsASecond * feedEveryMs) / 1_000));
      await new Promise((resolve) => setTimeout(resolve, feedEveryMs));
    }
  })();
  const stop = async (): Promise<void> => {
    isOver = true;
    await pace;
  };
  return {
    end: async (records) => {
      await stop();
      while (written < records) await send(Math.min(recordsASend, records - written));
      return written;
    },
    stop: async () => {
      await stop();
      await producer.disconnect();
    },
  };
}

async function untilCommitted(kafka: Kafka, topic: string, records: number): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const giveUpMs = performance.now() + patienceMs;
    while (performance.now() < giveUpMs) {
      const [group] = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
      const committed = (group?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
      if (committed >= records) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } finally {
    await admin.disconnect();
  }
}

/** What a reader of committed records sees, and how much another one sees beside that. */
async function look(kafka: Kafka, output: string, written: number, crew: Crew): Promise<Seen> {
  const seen = await readTopic(kafka, output);
  const all = await readTopic(kafka, output, { readUncommitted: true });
  const ids = seen.map(({ value }) => (JSON.parse(String(value)) as Item).id);
  const distinct = new Set(ids);
  return {
    written,
    lost: written - distinct.size,
    twice: ids.length - distinct.size,
    fromRefused: seen.filter(({ headers }) => crew.refused.has(transactionOf(headers))).length,
    unseen: all.length - seen.length,
    refused: crew.refused.size,
    failures: crew.failures,
  };
}

/** In this process kafkajs is patched by our transport: headers are pairs. */
const transactionOf = (headers: unknown): string =>
  String(new Map(headers as readonly (readonly [string, Uint8Array])[]).get(transactionHeader));

function judge(
  plan: { readonly rounds: number; readonly handOvers: number; readonly control: number; readonly records: number },
  fenced: Seen,
  control: Seen,
): ExperimentResult {
  const none = (what: string, count: number): Finding => ({ what, measured: String(count), passes: '0', pass: count === 0 });
  const most = (what: string, count: number, least: number): Finding => ({
    what,
    measured: String(count),
    passes: `>= ${String(least)}`,
    pass: count >= least,
  });
  const measured = [
    most('records', fenced.written, plan.records),
    { what: 'kill -9, and stops for 1.5 sessions', measured: `${String(plan.rounds)} and ${String(plan.rounds)}`, passes: '', pass: true },
    none('records without an output', fenced.lost),
    none('outputs that are there twice', fenced.twice),
    none('outputs seen of transactions that the log refused', fenced.fromRefused),
    { what: 'members that failed', measured: fenced.failures.join('; ') || 'none', passes: 'none', pass: fenced.failures.length === 0 },
    // each hand-over is real: the old owner was refused in the middle of its transaction
    most(`transactions refused by the fence in ${String(plan.handOvers)} hand-overs`, fenced.refused, plan.handOvers),
    most('outputs that only a reader of uncommitted records sees', fenced.unseen, 1),
    none('without the fence: records without an output', control.lost),
    most(`without the fence: outputs that are there twice after ${String(plan.control)} hand-overs`, control.twice, plan.control),
  ];
  return { measured, pass: true };
}
