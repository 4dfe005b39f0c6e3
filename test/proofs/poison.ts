import { join } from 'node:path';
import { CompressionTypes, type Kafka, Kafka as KafkaClient, type KafkaMessage, logLevel, type Message } from 'kafkajs';
import { deadLetterHeaders } from '../../src/flow/dead-letters.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { createTopics } from '../helpers/create-topics.ts';
import { startKafka } from '../helpers/kafka-broker.ts';
import { readTopic } from '../helpers/read-topic.ts';
import { startWorker } from '../helpers/worker.ts';
import { type Case, type Kind, kinds, type Letter, type Progress, valueOf } from './poison/case.ts';
import { corrupt } from './poison/corrupt.ts';

export const name = 'poison';
export const summary =
  '1 record of 100 is poison, of nine kinds: each is in the dead letters with its story, nothing else is touched; about 2 minutes, --short 30 s';

const partitions = 7; // shares no divisor with the turns of the kinds, so that each has some of all
const [input, output, deadLetter] = ['poison.in', 'poison.out', 'poison.dead'];
const recordsASend = 500;
const everyPoison = 100;
const mostRss = 200; // MB above the start: the window and the decompressed batches, and V8's garbage of them
const kindNames = Object.keys(kinds) as readonly Kind[];

interface Poison {
  readonly id: number;
  readonly kind: Kind;
}

export async function run({ short, folder, say }: ExperimentContext): Promise<ExperimentResult> {
  const records = short ? 2_700 : 20_000;
  const dataDir = join(folder, 'kafka');
  const broker = await startKafka({ dataDir });
  try {
    const kafka = new KafkaClient({ clientId: name, brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
    await createTopics(broker.brokers, [input, output, deadLetter], partitions);
    const poison = await fill(kafka, records);
    say(`${String(records)} records are written, ${String(poison.size)} of them poison`);
    // in order, so that the broker trusts what it finds on its disk
    await broker.kill(0, 'SIGTERM');
    for (let partition = 0; partition < partitions; partition += 1) {
      const offsets = [...poison].filter(([at, { kind }]) => kind === 'corrupt' && at.startsWith(`${String(partition)}@`));
      const segment = join(dataDir, 'node-1', 'logs', `${input}-${String(partition)}`, '00000000000000000000.log');
      const changed = await corrupt(segment, new Set(offsets.map(([at]) => BigInt(at.split('@')[1] ?? ''))));
      if (changed !== offsets.length) throw new Error(`expected to corrupt ${String(offsets.length)} batches, found ${String(changed)}`);
    }
    await broker.restart();
    const given: Case = { brokers: broker.brokers, input, output, deadLetter, concurrency: 64, records };
    const worker = startWorker(new URL('poison/worker.ts', import.meta.url), given, [
      '--max-semi-space-size=16',
      '--heap-growing-percent=50',
    ]);
    const { rss: before } = await worker.next<Pick<Progress, 'rss'>>('started');
    const progress = await worker.next<Progress>('stopped');
    await worker.end();
    const written = await readTopic(kafka, output);
    const reader = startWorker(new URL('poison/reader.ts', import.meta.url), { brokers: broker.brokers, topic: deadLetter });
    const { letters } = await reader.next<{ letters: readonly Letter[] }>('read');
    reader.say('taken');
    await reader.end();
    return judge({ records, poison, progress, before, written, letters });
  } finally {
    await broker.stop();
  }
}

/** Writes all records, and says which are poison, by `partition@offset`. What must be a batch of its own is one. */
async function fill(kafka: Kafka, records: number): Promise<ReadonlyMap<string, Poison>> {
  const poison = new Map<string, Poison>();
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
  });
  await producer.connect();
  for (let partition = 0; partition < partitions; partition += 1) {
    let waiting: Message[] = [];
    let offset = 0;
    const send = async (messages: Message[], compression = CompressionTypes.None): Promise<void> => {
      if (messages.length > 0) await producer.send({ topic: input, acks: -1, compression, messages });
    };
    for (let id = partition; id < records; id += partitions) {
      const kind = kindOf(id);
      const message: Message = { partition, key: `key-${String(id % 1_000)}`, value: valueOf(id, kind) };
      if (kind) poison.set(`${String(partition)}@${String(offset)}`, { id, kind });
      offset += 1;
      const alone = kind === 'bomb' || kind === 'corrupt';
      if (!alone) waiting.push(message);
      if (!alone && waiting.length < recordsASend && kind !== 'deep') continue;
      await send(waiting);
      waiting = [];
      if (alone) await send([message], kind === 'bomb' ? CompressionTypes.GZIP : CompressionTypes.None);
    }
    await send(waiting);
  }
  await producer.disconnect();
  return poison;
}

/** One record of a hundred, the kinds in turn. */
const kindOf = (id: number): Kind | undefined =>
  id % everyPoison === 37 ? kindNames[Math.floor(id / everyPoison) % kindNames.length] : undefined;

interface Told {
  readonly records: number;
  readonly poison: ReadonlyMap<string, Poison>;
  readonly progress: Progress;
  readonly before: number;
  readonly written: readonly KafkaMessage[];
  readonly letters: readonly Letter[];
}

function judge({ records, poison, progress, before, written, letters }: Told): ExperimentResult {
  const finding = (what: string, measured: number, passes: number): Finding => ({
    what,
    measured: String(measured),
    passes: String(passes),
    pass: measured === passes,
  });
  const seen = new Set(letters.map((letter) => positionOf(letter)));
  const faults = letters.flatMap((letter) => faultsOf(letter, poison.get(positionOf(letter))));
  const good = new Set(Array.from({ length: records }, (_, id) => id).filter((id) => kindOf(id) === undefined));
  const ids = written.map(({ value }) => (JSON.parse(String(value)) as { id: number }).id);
  const used = new Set([...poison.values()].map(({ kind }) => kind));
  const grown = Math.round((progress.rss - before) / 1e6);
  const measured = [
    finding('kinds of poison', used.size, kindNames.length),
    finding('poison records in the dead letters', [...poison.keys()].filter((at) => seen.has(at)).length, poison.size),
    finding('dead letters', letters.length, poison.size),
    {
      ...finding('dead letters whose story is wrong', faults.length, 0),
      measured: [String(faults.length), ...faults.slice(0, 3)].join('; '),
    },
    finding('good outputs', new Set(ids.filter((id) => good.has(id))).size, good.size),
    finding('outputs written twice, or of poison', ids.length - good.size, 0),
    { what: 'times the stream was built anew', measured: String(progress.restarts), passes: '', pass: true },
    {
      what: 'memory above the start, at most',
      measured: `${String(grown)} MB`,
      passes: `<= ${String(mostRss)} MB`,
      pass: grown <= mostRss,
    },
  ];
  return { measured, pass: true };
}

const headerOf = ({ headers }: Letter, which: string): string => headers[which] ?? '';

const positionOf = (letter: Letter): string =>
  `${headerOf(letter, deadLetterHeaders.partition)}@${headerOf(letter, deadLetterHeaders.offset)}`;

function faultsOf(letter: Letter, poison: Poison | undefined): string[] {
  const at = positionOf(letter);
  if (!poison) return [`${at} is no poison`];
  const { id, kind } = poison;
  const names = deadLetterHeaders;
  const range = kind === 'bomb' || kind === 'corrupt';
  const wanted: readonly (readonly [string, boolean])[] = [
    ['code', kinds[kind].some((code) => code === headerOf(letter, names.code))],
    ['topic', headerOf(letter, names.topic) === input],
    ['pipeline', headerOf(letter, names.pipeline) === name],
    ['message', headerOf(letter, names.message).length > 10],
    ['exception', headerOf(letter, names.exception) !== ''],
    ['time', !Number.isNaN(Date.parse(headerOf(letter, names.failedAt))) && Number(headerOf(letter, names.timestamp)) > 0],
    ['attempts', headerOf(letter, names.attempts) !== ''],
    ['range', headerOf(letter, names.firstOffset) === (range ? at.split('@')[1] : '')],
    ['key', (letter.key ?? '') === (range ? '' : `key-${String(id % 1_000)}`)],
    ['value', letter.value === (range ? null : (valueOf(id, kind)?.toString('base64') ?? null))],
  ];
  return wanted.flatMap(([what, holds]) => (holds ? [] : [`${kind} at ${at}: ${what} (${headerOf(letter, names.code)})`]));
}
