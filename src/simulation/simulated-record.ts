import { createHash } from 'node:crypto';
import { messageOf, OptionError } from '../errors.ts';
import { Partitioner } from '../flow/partitioner.ts';
import type { Pipeline } from '../pipeline.ts';
import { headerText, type OutputRecord, type RecordHeaders } from '../record/record.ts';
import type { FedRecord } from './deed.ts';
import type { Identity } from './subject.ts';

/** A record that a simulation feeds. */
export type SimulatedRecord<In, K = string | null> = SimulatedPlace<K> &
  (
    | { readonly value: In; readonly bytes?: never }
    /** What stands in the log instead of a value: malformed, or null for a tombstone. */
    | { readonly bytes: Uint8Array | null; readonly value?: never }
  );

interface SimulatedPlace<K> {
  /** @defaultValue null: no order */
  readonly key?: K;
  readonly headers?: RecordHeaders;
  /** The name of the input, where the pipeline has several. @defaultValue the first */
  readonly input?: string;
}

/** An output, as `identify` and `compare` are given it. */
export interface SimulatedOutput<Out> {
  readonly topic: string;
  readonly key: unknown;
  readonly value: Out;
  readonly headers: RecordHeaders;
}

/** Outputs carry the headers of their record, this one with its number included, unless the pipeline sets others. */
const numberHeader = 'millrace.simulation.record';
const longestShown = 200;
const undecided = { outputs: [], codes: [], mustFail: false } as const;

/** Records as they are written: encoded, numbered in their order, and placed by their keys. */
export function fedRecords(
  pipeline: Pipeline,
  given: readonly SimulatedRecord<unknown, unknown>[],
  partitions: number,
): readonly FedRecord[] {
  const [first = ''] = Object.keys(pipeline.inputs);
  const partitioner = new Partitioner();
  return given.map((one, record) => {
    const { key = null, headers = [], input = first, value, bytes } = one;
    const topic = pipeline.inputs[input];
    if (!topic)
      throw new OptionError(`records[${String(record)}].input must be one of ${Object.keys(pipeline.inputs).join(', ')}, got ${input}`);
    try {
      const rawKey = key === null ? null : topic.key.encode(key as string);
      partitioner.turn();
      return {
        record,
        topic: topic.name,
        partition: partitioner.choose(rawKey, partitions),
        key: rawKey,
        value: bytes === undefined ? topic.value.encode(value) : bytes,
        headers: [...headers, [numberHeader, Buffer.from(String(record))]],
        expected: undecided,
      };
    } catch (error) {
      throw new OptionError(`records[${String(record)}] cannot be written to ${topic.name}: ${messageOf(error)}`, { cause: error });
    }
  });
}

/** How outputs are told apart, where the default does not do. */
export interface OutputRules {
  readonly identify: ((output: SimulatedOutput<unknown>) => number | undefined) | undefined;
  readonly compare: ((output: SimulatedOutput<unknown>) => unknown) | undefined;
}

/** Whose output it is, and, as its part, what it says: the topic, the key, and the value or what of it is to be compared. */
export function identifyOutput(
  pipeline: Pipeline,
  { identify, compare }: OutputRules,
  topic: string,
  { key, value, headers }: Pick<OutputRecord, 'key' | 'value' | 'headers'>,
): Identity {
  const output = identify || compare ? { topic, headers, ...decoded(pipeline, topic, key, value) } : undefined;
  const header = headerText(headers, numberHeader);
  const record = identify && output ? identify(output) : header === undefined ? undefined : Number(header);
  const said = compare && output ? JSON.stringify(compare(output)) : textOf(value);
  return { record, part: `${topic} ${key === null ? '' : `${textOf(key)} `}${shown(said)}` };
}

function decoded(pipeline: Pipeline, topic: string, key: Uint8Array | null, value: Uint8Array | null): { key: unknown; value: unknown } {
  const codec = Object.values(pipeline.outputs).find(({ name }) => name === topic);
  if (!codec) return { key, value };
  return { key: key === null ? null : codec.key.decode(key), value: codec.value.decode(value) };
}

const textOf = (bytes: Uint8Array | null): string => (bytes === null ? 'null' : Buffer.from(bytes).toString());

/** Long texts are told apart by their hash. */
function shown(text: string): string {
  if (text.length <= longestShown) return text;
  return `${text.slice(0, longestShown)}… (${createHash('sha256').update(text).digest('hex').slice(0, 8)})`;
}
