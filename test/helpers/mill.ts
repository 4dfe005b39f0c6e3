import type { Observable } from 'rxjs';
import type { Codec } from '../../src/codec/codec.ts';
import { json } from '../../src/codec/json.ts';
import { definePipeline, type Pipeline, type PipelineSpec, type Topic, topic } from '../../src/pipeline.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { headerText, type RecordHeaders, type SourceRecord } from '../../src/record/record.ts';
import { connect } from '../../src/runtime/connect.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import type { StartOptions } from '../../src/runtime/options.ts';
import { type App, start } from '../../src/runtime/start.ts';
import { memory, type MemoryOptions, type MemoryTransport } from '../../src/transport/memory/memory.ts';
import { type VirtualClock, virtualClock } from '../../src/virtual-clock.ts';

export type Value = string | number;
type Process = (source: Observable<Envelope<Value>>) => Observable<Envelope<Value, unknown>>;
type Spec = Partial<
  Pick<
    PipelineSpec<Topic<Value>, undefined, Readonly<Record<string, never>>>,
    'ordering' | 'delivery' | 'deadlineMs' | 'deadLetter' | 'from' | 'name' | 'groupId' | 'retry' | 'retryTopics' | 'modelHeaders'
  >
>;

const values = json() as Codec<Value>; // tests produce what they mean to
const input = topic('in', values);
const output = topic('out', values);
const dead = topic('dead');

export interface Letter {
  readonly value: string;
  readonly header: (name: string) => string | undefined;
}

export interface FedRecord {
  readonly key?: string | null;
  readonly value: Value;
  readonly partition?: number;
  readonly headers?: RecordHeaders;
}

/** A whole pipeline on the embedded broker in virtual time: topics `in`, `out`, `dead`, group `mill`. */
export interface Mill {
  readonly clock: VirtualClock;
  readonly transport: MemoryTransport;
  readonly partitions: number;
  pipeline(process: Process, spec?: Spec): Pipeline<Value, Value>;
  start(process: Process, spec?: Spec, options?: Partial<StartOptions>): Promise<App>;
  feed(records: readonly FedRecord[]): Promise<void>;
  feedRaw(value: Uint8Array | null, partition?: number): void;
  /** Outputs over all partitions, in offset order within each. */
  outputs(): Value[];
  outputsByKey(): Map<string, Value[]>;
  letters(): Letter[];
  committed(): bigint[];
}

export async function mill(options: Omit<MemoryOptions, 'clock'> = {}): Promise<Mill> {
  const clock = virtualClock(1_000_000);
  const { partitions = 1 } = options;
  const transport = memory({ clock, ...options });
  await transport.createTopics(['in', 'out', 'dead'].map((name) => ({ name })));
  const client = connect(transport, { clock });
  const all = (name: string): SourceRecord[] => Array.from({ length: partitions }, (_, i) => transport.broker.records(name, i)).flat();
  const decode = ({ value }: SourceRecord): Value => output.value.decode(value);
  const pipeline: Mill['pipeline'] = (process, spec = {}) =>
    definePipeline({ name: 'mill', input, output, deadLetter: dead, ...spec, process });
  return {
    clock,
    transport,
    partitions,
    pipeline,
    start: (process, spec, startOptions = {}) =>
      start(pipeline(process, spec), { transport, clock, log: silentLog, signals: false, ...startOptions }),
    feed: async (records) => {
      const placed = records.filter(({ partition }) => partition !== undefined);
      for (const { key = null, value, partition = 0, headers = [] } of placed) {
        const bytes = { key: key === null ? null : Buffer.from(key), value: input.value.encode(value), headers, timestampMs: 7 };
        transport.broker.append('in', partition, [bytes]);
      }
      const free = records.filter(({ partition }) => partition === undefined);
      if (free.length > 0)
        await client.produce(
          input,
          free.map(({ key = null, value, headers = [] }) => ({ key, value, headers })),
        );
    },
    feedRaw: (value, partition = 0) => void transport.broker.append('in', partition, [{ key: null, value, headers: [] }]),
    outputs: () => all('out').map(decode),
    outputsByKey: () => {
      const byKey = new Map<string, Value[]>();
      for (const record of all('out')) {
        const key = record.key ? Buffer.from(record.key).toString() : '';
        byKey.set(key, [...(byKey.get(key) ?? []), decode(record)]);
      }
      return byKey;
    },
    letters: () =>
      all('dead').map(({ value, headers }) => ({
        value: Buffer.from(value ?? []).toString(),
        header: (name) => headerText(headers, name),
      })),
    committed: () => Array.from({ length: partitions }, (_, i) => transport.broker.committed('mill', 'in', i)?.offset ?? 0n),
  };
}

/** Values 0, 1, …, n − 1 with a few keys. */
export const numbers = (n: number, keys = 7): { readonly key: string; readonly value: number }[] =>
  Array.from({ length: n }, (_, value) => ({ key: `k${String(value % keys)}`, value }));

export const sorted = (values: readonly Value[]): Value[] => [...values].sort((a, b) => Number(a) - Number(b));

/** 0, 1, …, n − 1. */
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
