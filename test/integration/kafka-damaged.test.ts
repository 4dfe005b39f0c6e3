import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { text } from '../../src/codec/text.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { type RunningKafka, startKafka } from '../helpers/kafka-broker.ts';
import { describeWithKafka } from '../helpers/shared-kafka.ts';
import { until } from './member.ts';

const lengthAt = 8; // of a batch, behind its first offset
const bodyAt = 12;
const batches = 200;
const damagedAt = 50;

/** Changes the length of one batch in a segment of a broker that is not running. */
async function garble(segment: string, length: (right: number) => number): Promise<void> {
  const bytes = await readFile(segment);
  let at = 0;
  for (let i = 0; i < damagedAt; i += 1) at += bodyAt + bytes.readInt32BE(at + lengthAt);
  bytes.writeInt32BE(length(bytes.readInt32BE(at + lengthAt)), at + lengthAt);
  await writeFile(segment, bytes);
}

const damages: readonly (readonly [string, (right: number) => number, RegExp])[] = [
  ['far-too-long', () => 0x1000_0000, /cannot be read on at offset 50: the broker sends nothing from there, though reads end at 200/],
  ['too-long', (right) => right + 100, /cannot be read on at offset 51: the broker/],
  ['negative', () => -5, /cannot be read on at offset 5[01]: the broker says CORRUPT_MESSAGE/],
];

describeWithKafka('a partition whose log is damaged', () => {
  let folder: string;
  let broker: RunningKafka;
  let transport: Transport;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-damaged-'));
    broker = await startKafka({ dataDir: folder });
    transport = kafka({ brokers: broker.brokers, sessionTimeoutMs: 3_000 });
    await transport.createTopics([{ name: 'dead', partitions: 1 }, ...damages.map(([name]) => ({ name, partitions: 2 }))]);
    const producer = await transport.produce();
    for (const [name] of damages) {
      for (let i = 0; i < batches; i += 1) {
        const records = [{ key: null, value: Buffer.from(`${name} ${String(i)}`.padEnd(100)), headers: [] }];
        await Promise.all([producer.send(name, 0, records), producer.send(name, 1, records)]);
      }
    }
    await producer.close();
    await broker.kill(0, 'SIGTERM');
    for (const [name, length] of damages) await garble(join(folder, 'node-1', 'logs', `${name}-0`, '00000000000000000000.log'), length);
    await broker.restart();
  }, 300_000);
  afterAll(async () => {
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  });

  // side by side: each takes the 10 s after which a standstill is told
  it.concurrent.each(damages)('is told, with what to do, and stops nothing else: %s', async (name, _length, says) => {
    let lost = 0;
    const log = { ...silentLog, warn: (_fields: object, message: string) => void (lost += message.startsWith('lost') ? 1 : 0) };
    const pipeline = definePipeline({ name, input: topic(name, text()), deadLetter: topic('dead'), process: (records) => records });
    const app = await start(pipeline, { transport, log, signals: false });
    await until('the damage is told', () => app.stats().troubles.some((why) => says.test(why)));
    expect(app.stats().done).toBe(batches + damagedAt);
    const producer = await transport.produce();
    await producer.send(name, 1, [{ key: null, value: Buffer.from('later'), headers: [] }]);
    await until('the other partition goes on', () => app.stats().done === batches + damagedAt + 1);
    expect([lost, app.stats().lag > 0n]).toEqual([0, true]);
    await producer.close();
    await app.drain();
  });
});
