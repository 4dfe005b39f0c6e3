import kafkajs, { CompressionTypes, type Kafka } from 'kafkajs';
import { avroCases } from './avro-cases.ts';
import { bombs } from './bombs.ts';
import type { HostileCase } from './case.ts';
import { framedCases } from './framed-cases.ts';
import { jsonCases } from './json-cases.ts';
import { inputs, type Kind } from './scene.ts';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const aloneFrom = 900_000; // bytes: compressed it fits into what a broker takes
const mostBatch = 32 * 1024 * 1024; // of the transport, by default

interface Prepared {
  readonly topic: string;
  readonly bytes: Buffer;
  readonly code: string | undefined;
}

/** What is written: made before the first of it is, since that takes seconds. */
export interface Harm {
  readonly cases: readonly Prepared[];
  /** Batches of 1 GiB. */
  readonly bombs: Readonly<Record<keyof typeof bombs, Buffer>>;
}

export const prepared = async (): Promise<Harm> => ({
  cases: [...avroCases, ...framedCases, ...jsonCases].map((one: HostileCase) => {
    const bytes = one.bytes();
    return { topic: inputs[one.codec as Kind], bytes, code: bytes.length > mostBatch ? 'undecodable_batch' : one.code };
  }),
  bombs: { gzip: await bombs.gzip(), zstd: await bombs.zstd() },
});

/** What was written (null: it is a value), and when the broker itself was decompressing 1 GiB to look at its records: what it does not answer then is none of ours. */
export interface Hostile {
  readonly places: readonly (readonly [at: string, code: string | null])[];
  readonly busy: readonly (readonly [fromMs: number, toMs: number])[];
}

/** Every case once, into partition 0 of its topic, and two batches of 1 GiB behind a codec. */
export async function writeHostile(kafka: Kafka, { cases, bombs: batches }: Harm, betweenMs: number): Promise<Hostile> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const places: [string, string | null][] = [];
  const busy: [number, number][] = [];
  const codecs = kafkajs.CompressionCodecs as Record<number, unknown>;
  const send = async (topic: string, value: Buffer, compression: CompressionTypes, code: string | undefined): Promise<void> => {
    const [sent] = await producer.send({ topic, acks: -1, compression, timeout: 60_000, messages: [{ partition: 0, value }] });
    places.push([`${topic}/0@${sent?.baseOffset ?? '?'}`, code ?? null]);
    await wait(betweenMs);
  };
  for (const { topic, bytes, code } of cases)
    await send(topic, bytes, bytes.length < aloneFrom ? CompressionTypes.None : CompressionTypes.GZIP, code);
  for (const [codec, type] of [
    ['gzip', CompressionTypes.GZIP],
    ['zstd', CompressionTypes.ZSTD],
  ] as const) {
    const bomb = batches[codec];
    const usual = codecs[type];
    codecs[type] = () => ({
      compress: () => Promise.resolve(bomb),
      decompress: () => Promise.reject(new Error('unused')),
    });
    const fromMs = Date.now();
    await send(inputs.json, Buffer.of(0), type, 'undecodable_batch');
    busy.push([fromMs, Date.now() - betweenMs]);
    codecs[type] = usual;
  }
  await producer.disconnect();
  return { places, busy };
}
