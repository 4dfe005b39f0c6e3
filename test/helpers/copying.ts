import { mapValue } from '../../operators/map-value.ts';
import { bytes } from '../../src/codec/bytes.ts';
import { text } from '../../src/codec/text.ts';
import { definePipeline, type PipelineSpec, type Topic, topic } from '../../src/pipeline.ts';
import { headerText, type SourceRecord } from '../../src/record/record.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import type { StartOptions } from '../../src/runtime/options.ts';
import { type App, start } from '../../src/runtime/start.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { type KnownNumbers, knownNumbers } from './known-codec.ts';

export type CopyingSpec = Partial<PipelineSpec<Topic<string>, Topic<string>, Readonly<Record<string, never>>>>;

/** A pipeline that copies `in` to `out`; the bytes of `in` begin with a number. */
export async function copying({ partitions = 2, known = [1] }: { readonly partitions?: number; readonly known?: readonly number[] } = {}) {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, partitions });
  await transport.createTopics(['in', 'out', 'dead'].map((name) => ({ name })));
  const numbers = knownNumbers(known);
  const all = (name: string): SourceRecord[] => Array.from({ length: partitions }, (_, i) => transport.broker.records(name, i)).flat();
  return {
    clock,
    transport,
    numbers,
    start: (spec: CopyingSpec = {}, options: Partial<StartOptions> = {}): Promise<App> => {
      const pipeline = definePipeline({
        name: 'g',
        input: topic('in', numbers.codec()),
        output: topic('out', text()),
        deadLetter: topic('dead', bytes()),
        process: (source) => source.pipe(mapValue((value) => value)),
        ...spec,
      });
      return start(pipeline, { transport, clock, log: silentLog, signals: false, ...options });
    },
    feed: (partition: number, ...records: readonly (readonly [number: number, said: string])[]): void => {
      for (const [number, said] of records)
        transport.broker.append('in', partition, [
          { key: Buffer.from('k'), value: Buffer.concat([Buffer.from([number]), Buffer.from(said)]), headers: [] },
        ]);
    },
    outputs: () => all('out').map(({ value }) => Buffer.from(value ?? []).toString()),
    letters: () =>
      all('dead').map(({ value, key, headers }) => ({
        value: Buffer.from(value ?? []).toString('latin1'),
        key: Buffer.from(key ?? []).toString(),
        code: headerText(headers, 'millrace.error.code'),
        message: headerText(headers, '__streams.errors.message'),
      })),
    committed: () => Array.from({ length: partitions }, (_, i) => transport.broker.committed('g', 'in', i)?.offset ?? 0n),
  };
}

export const teach = (numbers: KnownNumbers, number: number): void => {
  numbers.known.add(number);
  numbers.wake();
};
