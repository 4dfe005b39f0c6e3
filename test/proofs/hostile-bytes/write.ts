import kafkajs, { CompressionTypes, type Kafka, type Producer } from 'kafkajs';
import { avro } from '../../../src/codec/avro/avro.ts';
import { avroCases, hostileSchema } from './avro-cases.ts';
import { bombs } from './bombs.ts';
import type { HostileCase } from './case.ts';
import { frame, framedCases, ids } from './framed-cases.ts';
import { jsonCases } from './json-cases.ts';
import { inputs, type Kind } from './scene.ts';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const aloneFrom = 900_000; // bytes: compressed it fits into what a broker takes
const mostBatch = 32 * 1024 * 1024; // of the transport, by default
const kinds = Object.keys(inputs) as readonly Kind[];

interface Prepared {
  readonly topic: string;
  readonly bytes: Buffer;
  readonly code: string | undefined;
}

/** All cases, made before anything is measured. */
export const prepared = (): readonly Prepared[] =>
  [...avroCases, ...framedCases, ...jsonCases].map((one: HostileCase) => {
    const bytes = one.bytes();
    return { topic: inputs[one.codec as Kind], bytes, code: bytes.length > mostBatch ? 'undecodable_batch' : one.code };
  });

/** Good records into all partitions, `everyMs`, until stopped: each its own time. Resolves to their number. */
export function goodWriter(producer: Producer, partitions: number, everyMs: number): { readonly stop: () => Promise<number> } {
  const codec = avro(hostileSchema);
  const bytesOf: Readonly<Record<Kind, (ms: number) => Uint8Array | null>> = {
    avro: (ms) => codec.encode({ Long: { is: BigInt(ms) } }),
    json: (ms) => Buffer.from(`{"sentMs":${String(ms)}}`),
    'avro framed': (ms) => frame(ids.avro, codec.encode({ Long: { is: BigInt(ms) } }) ?? undefined),
    'json schema framed': (ms) => frame(ids.json, Buffer.from(`[${String(ms)}]`)),
    'json with a schema': (ms) => Buffer.from(`[${String(ms)}]`),
  };
  let written = 0;
  const stopping = new AbortController();
  const writing = (async () => {
    while (!stopping.signal.aborted) {
      const ms = Date.now();
      const places = kinds.flatMap((kind) => Array.from({ length: partitions }, (_, partition) => ({ kind, partition })));
      await producer.sendBatch({
        acks: -1,
        topicMessages: places.map(({ kind, partition }) => ({
          topic: inputs[kind],
          messages: [{ partition, value: bytesOf[kind](ms) as Buffer }],
        })),
      });
      written += places.length;
      await wait(everyMs);
    }
  })();
  return {
    stop: async () => {
      stopping.abort();
      await writing;
      return written;
    },
  };
}

/** What was written, and when the broker itself was decompressing 1 GiB to look at its records: what it does not answer then is none of ours. */
export interface Hostile {
  readonly places: readonly (readonly [at: string, code: string | undefined])[];
  readonly busy: readonly (readonly [fromMs: number, toMs: number])[];
}

/** Every case once, into partition 0 of its topic, and two batches of 1 GiB behind a codec. */
export async function writeHostile(kafka: Kafka, cases: readonly Prepared[], betweenMs: number): Promise<Hostile> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const places: [string, string | undefined][] = [];
  const busy: [number, number][] = [];
  const codecs = kafkajs.CompressionCodecs as Record<number, unknown>;
  const send = async (topic: string, value: Buffer, compression: CompressionTypes, code: string | undefined): Promise<void> => {
    const [sent] = await producer.send({ topic, acks: -1, compression, timeout: 60_000, messages: [{ partition: 0, value }] });
    places.push([`${topic}/0@${sent?.baseOffset ?? '?'}`, code]);
    await wait(betweenMs);
  };
  for (const { topic, bytes, code } of cases)
    await send(topic, bytes, bytes.length < aloneFrom ? CompressionTypes.None : CompressionTypes.GZIP, code);
  for (const [codec, type] of [
    ['gzip', CompressionTypes.GZIP],
    ['zstd', CompressionTypes.ZSTD],
  ] as const) {
    const bomb = await bombs[codec]();
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
