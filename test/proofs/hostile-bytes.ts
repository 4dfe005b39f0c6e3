import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import kafkajs, { Kafka, logLevel, Partitioners } from 'kafkajs';
import { deadLetterHeaders } from '../../src/flow/dead-letters.ts';
import { createTopics } from '../helpers/create-topics.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { startKafka } from '../helpers/kafka-broker.ts';
import { readTopic, type ReadMessage } from '../helpers/read-topic.ts';
import { startWorker } from '../helpers/worker.ts';
import { avroCases } from './hostile-bytes/avro-cases.ts';
import type { HostileCase } from './hostile-bytes/case.ts';
import { fileCases } from './hostile-bytes/file-cases.ts';
import { framedCases } from './hostile-bytes/framed-cases.ts';
import { jsonCases } from './hostile-bytes/json-cases.ts';
import type { Measured } from './hostile-bytes/measure.ts';
import { type Answer, inputs, type Progress, type Scene } from './hostile-bytes/scene.ts';
import { goodWriter } from './hostile-bytes/good-writer.ts';
import type { Hostile } from './hostile-bytes/write.ts';
import type { Letter } from './poison/case.ts';

export const name = 'hostile-bytes';
export const summary =
  'bytes that mean harm, 1 GiB behind gzip among them: each refused in 100 ms and 64 MiB, by its code, and nothing else held up; about 3 minutes, --short 1';

const mostMs = 100;
const mostBytes = 64 * 1024 * 1024;
const partitions = 3;
const [output, deadLetter] = ['hostile.out', 'hostile.dead'];
const megabytes = (bytes: number): string => `${(Math.max(0, bytes) / 1e6).toFixed(1)} MB`;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const table = await measureAll(context);
  return { measured: [...table, ...(await throughKafka(context))], pass: true };
}

/** Each in a process of its own, the first time that it decodes anything; in the short form all in one. */
async function measureAll({ short, folder, say }: ExperimentContext): Promise<readonly Finding[]> {
  const allowedMs = short ? 3 * mostMs : mostMs; // a short run shares its machine
  const cases = await Promise.all(
    [...avroCases, ...framedCases, ...jsonCases, ...fileCases].map(async (one, i) => {
      const file = join(folder, String(i));
      await writeFile(file, one.bytes());
      return { ...one, file };
    }),
  );
  const measured: Measured[] = [];
  for (const group of short ? [cases] : cases.map((one) => [one])) {
    const told = measured.length;
    const given = group.map(({ codec, file }) => ({ codec, file }));
    const worker = startWorker(new URL('hostile-bytes/measure.ts', import.meta.url), given, ['--expose-gc']);
    while (measured.length < told + group.length) measured.push(await worker.next<Measured>('measured'));
    await worker.end();
  }
  say(`${String(cases.length)} cases are measured`);
  return cases.map((one, i) => {
    const { code, ms, bytes } = measured[i] ?? { code: 'none', ms: Number.NaN, bytes: Number.NaN };
    return {
      what: `${one.codec}: ${one.name}`,
      measured: `${ms.toFixed(1)} ms, ${megabytes(bytes)}, ${code ?? 'a value'}`,
      passes: passesOf(one, allowedMs),
      pass: code === one.code && bytes <= mostBytes && (one.code === undefined || ms <= allowedMs),
    };
  });
}

function passesOf({ code }: HostileCase, allowedMs: number): string {
  return `${code === undefined ? '' : `<= ${String(allowedMs)} ms, `}<= ${megabytes(mostBytes)}, ${code ?? 'a value'}`;
}

async function throughKafka({ short, say }: ExperimentContext): Promise<readonly Finding[]> {
  const broker = await startKafka();
  try {
    const kafka = new Kafka({ clientId: name, brokers: [...broker.brokers], logLevel: logLevel.NOTHING, requestTimeout: 60_000 });
    await createTopics(broker.brokers, [...Object.values(inputs), output, deadLetter], partitions);
    await configure(kafka);
    const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    const scene: Scene = { brokers: broker.brokers, output, deadLetter };
    const worker = startWorker(new URL('hostile-bytes/worker.ts', import.meta.url), scene);
    const hostileWriter = startWorker(new URL('hostile-bytes/hostile-writer.ts', import.meta.url), {
      ...{ brokers: broker.brokers, betweenMs: short ? 20 : 200 },
    });
    await Promise.all([worker.next('started'), hostileWriter.next('started')]);
    const writer = goodWriter(producer, partitions, 10);
    await wait(short ? 3_000 : 15_000);
    const calmUntilMs = Date.now();
    hostileWriter.say('go');
    const hostile = await hostileWriter.next<Hostile>('written');
    await hostileWriter.end();
    say(`${String(hostile.places.length)} hostile records are written`);
    await wait(2_000);
    const good = await writer.stop();
    await producer.disconnect();
    worker.say(String(good + hostile.places.length));
    const progress = await worker.next<Progress>('stopped');
    await worker.end();
    return judge({
      hostile,
      progress,
      calmUntilMs,
      good,
      short,
      answers: await readTopic(kafka, output),
      letters: await lettersOf(broker.brokers),
    });
  } finally {
    await broker.stop();
  }
}

/** So that it can be seen when the broker had a record, and when its output: what lies between is ours. And that a million keys are taken, which gzip makes 2 MB of. */
async function configure(kafka: Kafka): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const appended = { name: 'message.timestamp.type', value: 'LogAppendTime' };
  const resources = [output, ...Object.values(inputs)].map((topic) => ({
    type: kafkajs.ConfigResourceTypes.TOPIC,
    name: topic,
    configEntries: topic === output ? [appended] : [appended, { name: 'max.message.bytes', value: String(10 * 1024 * 1024) }],
  }));
  await admin.alterConfigs({ validateOnly: false, resources });
  await admin.disconnect();
}

/** By a client that nobody has patched. */
async function lettersOf(brokers: readonly string[]): Promise<readonly Letter[]> {
  const reader = startWorker(new URL('poison/reader.ts', import.meta.url), { brokers, topic: deadLetter });
  const { letters } = await reader.next<{ letters: readonly Letter[] }>('read');
  reader.say('taken');
  await reader.end();
  return letters;
}

interface Seen {
  readonly hostile: Hostile;
  readonly progress: Progress;
  readonly calmUntilMs: number;
  readonly good: number;
  readonly short: boolean;
  readonly answers: readonly ReadMessage[];
  readonly letters: readonly Letter[];
}

function judge({ hostile: { places, busy }, progress, calmUntilMs, good, short, answers, letters }: Seen): readonly Finding[] {
  const most = short ? 3_000 : 2 * mostMs; // a short run shares its machine
  const wanted = new Map(places.filter(([, code]) => code !== null));
  const headers = letters.map((letter) => (which: string) => letter.headers[which] ?? '');
  const told = new Map(
    headers.map((of) => [
      `${of(deadLetterHeaders.topic)}/${of(deadLetterHeaders.partition)}@${of(deadLetterHeaders.offset)}`,
      of(deadLetterHeaders.code),
    ]),
  );
  const wrong = [...wanted].filter(([at, code]) => told.get(at) !== code);
  const times = answers.flatMap(({ value, timestamp }) => {
    const { appendedMs, partition } = JSON.parse(String(value)) as Answer;
    return appendedMs === null ? [] : [{ appendedMs, partition, ms: Number(timestamp) - appendedMs }];
  });
  const others = times.filter(
    ({ partition, appendedMs }) => partition > 0 && !busy.some(([fromMs, toMs]) => appendedMs >= fromMs - most && appendedMs <= toMs),
  );
  const p99 = (all: readonly { readonly ms: number }[]): number =>
    all.map(({ ms }) => ms).sort((a, b) => a - b)[Math.floor(all.length * 0.99)] ?? Number.NaN;
  const calm = p99(others.filter(({ appendedMs }) => appendedMs < calmUntilMs));
  const among = p99(others.filter(({ appendedMs }) => appendedMs >= calmUntilMs));
  const latest = Math.max(...others.map(({ ms }) => ms));
  const count = (what: string, measured: number, passes: number): Finding => ({
    ...{ what, measured: String(measured), passes: String(passes), pass: measured === passes },
  });
  return [
    count('on Kafka: hostile records in the dead letters', [...wanted.keys()].filter((at) => told.has(at)).length, wanted.size),
    { ...count('with another code than meant', wrong.length, 0), measured: [String(wrong.length), ...wrong.slice(0, 3)].join('; ') },
    count('other dead letters', letters.length - wanted.size, 0),
    count('good records written', times.length, good),
    {
      what: 'latency of other partitions, p99: before, and among hostile records',
      measured: `${String(calm)} and ${String(among)} ms, at most ${String(latest)}`,
      passes: `<= ${String(most)} ms more`,
      pass: among <= calm + most,
    },
    {
      ...{ what: 'longest time in which nothing else ran', measured: `${progress.longestMs.toFixed(0)} ms` },
      ...{ passes: `<= ${String(most)} ms`, pass: progress.longestMs <= most },
    },
    { what: 'memory above the start, at most', measured: megabytes(progress.grown), passes: '', pass: true },
  ];
}
