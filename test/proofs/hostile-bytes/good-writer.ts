import type { Producer } from 'kafkajs';
import { avro } from '../../../src/codec/avro/avro.ts';
import { hostileSchema } from './avro-cases.ts';
import { frame, ids } from './framed-cases.ts';
import { inputs, type Kind } from './scene.ts';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const kinds = Object.keys(inputs) as readonly Kind[];

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
