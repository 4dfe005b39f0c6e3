import { type Kafka, logLevel, type Message, Partitioners, Kafka as KafkaClient } from 'kafkajs';
import { createTopics } from '../helpers/create-topics.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { startKafka } from '../helpers/kafka-broker.ts';
import { startWorker, type Worker } from '../helpers/worker.ts';
import type { Case, Memory } from './backlog/case.ts';

export const name = 'backlog';
export const summary = 'a 1,000,000-record backlog on Kafka behind a slow model holds memory flat; about 3 minutes, --short 1';

const partitions = 12;
const concurrency = 32;
const latencyMs = 50;
const warmUpRecords = 2_000;
const maxGrowth = 100e6;
/**
 * As npm's scripts start it. By default V8 lets the young generation grow to 134 MB, and the old one to four times what is
 * alive, whenever records live longer than a second: a limit of V8, not of what is held.
 */
const nodeFlags = ['--max-semi-space-size=16', '--heap-growing-percent=50'];
const recordsASend = 2_000;
const keys = 10_000;
const valueBytes = 200;

/** Which records share a key: none more than others, or half of all one. */
const keysOf = {
  'spread keys': (id: number): string => `key-${String(id % keys)}`,
  'one hot key': (id: number): string => (id % 2 === 0 ? 'hot' : `key-${String(id % keys)}`),
} as const;

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const broker = await startKafka();
  try {
    const kafka = new KafkaClient({ clientId: name, brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
    const measured: Finding[] = [];
    for (const [what, keyOf] of Object.entries(keysOf)) measured.push(...(await oneCase(context, kafka, broker.brokers, what, keyOf)));
    return { measured, pass: true };
  } finally {
    await broker.stop();
  }
}

async function oneCase(
  { short, signal, say }: ExperimentContext,
  kafka: Kafka,
  brokers: readonly string[],
  what: string,
  keyOf: (id: number) => string,
): Promise<readonly Finding[]> {
  const [records, workMs] = short ? [100_000, 15_000] : [1_000_000, 60_000];
  const prefix = what.replaceAll(' ', '-');
  const [warmUp, backlog, output] = [`${prefix}.warm-up`, `${prefix}.backlog`, `${prefix}.out`];
  await createTopics(brokers, [warmUp, backlog, output], partitions);
  say(`${what}: writing ${String(records)} records`);
  await write(kafka, backlog, records, keyOf);
  const given: Case = { brokers, warmUp, backlog, output, concurrency, latencyMs };
  const worker = startWorker(new URL('backlog/worker.ts', import.meta.url), given, nodeFlags);
  try {
    await worker.next('memory');
    await write(kafka, warmUp, warmUpRecords, keysOf['spread keys']);
    await until(worker, ({ done }) => done === warmUpRecords);
    const idle = (await samples(worker, 3_000, signal)).at(-1);
    worker.say('work');
    await until(worker, ({ done }) => done > 0 && done !== warmUpRecords);
    const seen = await samples(worker, workMs, signal, (one) => {
      say(lineOf(what, one));
    });
    worker.say('stop');
    return judge(what, records, idle, seen);
  } finally {
    await worker.end();
  }
}

async function until(worker: Worker, holds: (memory: Memory) => boolean): Promise<void> {
  while (!holds(await worker.next<Memory>('memory')));
}

async function samples(
  worker: Worker,
  forMs: number,
  signal: AbortSignal,
  tell: (one: Memory) => void = () => undefined,
): Promise<readonly Memory[]> {
  const untilMs = performance.now() + forMs;
  const seen: Memory[] = [];
  while (performance.now() < untilMs && !signal.aborted) {
    const one = await worker.next<Memory>('memory');
    if (seen.length % 20 === 0) tell(one);
    seen.push(one);
  }
  return seen;
}

function judge(what: string, records: number, idle: Memory | undefined, seen: readonly Memory[]): readonly Finding[] {
  const last = seen.at(-1);
  if (!idle || !last) return [{ what, measured: 'nothing', passes: 'samples', pass: false }];
  const highest = seen.reduce((a, b) => (b.rss > a.rss ? b : a));
  const second = seen.slice(seen.length >> 1);
  const growth = highest.rss - idle.rss;
  return [
    { what: `${what}: idle`, measured: partsOf(idle), passes: '', pass: true },
    { what: `${what}: at its highest`, measured: partsOf(highest), passes: '', pass: true },
    { what: `${what}: most above idle`, measured: megabytes(growth), passes: `<= ${megabytes(maxGrowth)}`, pass: growth <= maxGrowth },
    {
      what: `${what}: middle of the first half and of the second half`,
      measured: `${megabytes(middle(seen.slice(0, seen.length >> 1)))}, ${megabytes(middle(second))}`,
      passes: '',
      pass: true,
    },
    {
      what: `${what}: done, still waiting, failed`,
      measured: `${String(last.done)}, ${String(records - last.done)}, ${String(last.failed)}`,
      passes: 'some, some, 0',
      pass: last.done > 0 && last.done < records && last.failed === 0,
    },
  ];
}

const middle = (seen: readonly Memory[]): number => seen.map(({ rss }) => rss).sort((a, b) => a - b)[seen.length >> 1] ?? Number.NaN;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
const partsOf = ({ rss, heapUsed, external, arrayBuffers }: Memory): string =>
  `RSS ${megabytes(rss)} (heap ${megabytes(heapUsed)}, external ${megabytes(external)}, of it buffers ${megabytes(arrayBuffers)})`;
const lineOf = (what: string, one: Memory): string =>
  `${what}: ${partsOf(one)}; done ${String(one.done)}, in flight ${String(one.recordsInFlight)} (${megabytes(one.bytesInFlight)}), ahead ${megabytes(one.bytesAhead)}`;

async function write(kafka: Kafka, topic: string, count: number, keyOf: (id: number) => string): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let first = 0; first < count; first += recordsASend) {
    const messages = Array.from({ length: Math.min(recordsASend, count - first) }, (_, i): Message => {
      const id = first + i;
      return { key: keyOf(id), value: JSON.stringify({ id, text: 'x'.repeat(170) }).padEnd(valueBytes) };
    });
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
}
