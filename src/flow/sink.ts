import { type Clock } from '../clock.ts';
import { CodecError, isStreamError, messageOf, PipelineError } from '../errors.ts';
import type { Pipeline, Topic } from '../pipeline.ts';
import { type Envelope, outputFieldsOf, rawKeyOf, runOf, spendingOf, take } from '../record/envelope.ts';
import { withDegraded } from '../record/degraded.ts';
import { withSpending } from '../record/spending.ts';
import { recordError } from '../record/record-error.ts';
import type { Part } from '../record/part.ts';
import { completedBy, withContextHeaders } from '../record/record-context.ts';
import { formatPartition, formatPosition, type OutputPosition, type OutputRecord, type RecordHeaders } from '../record/record.ts';
import type { Producer } from '../transport/transport.ts';
import { Outbox, type OutboxOptions, type Outgoing } from './outbox.ts';
import { Partitioner } from './partitioner.ts';

export interface SinkOptions {
  readonly producer: Producer;
  readonly clock: Clock;
  /** Every topic that is written, the dead letters' included. */
  readonly topics: readonly string[];
  /** Told when a topic cannot be written at present, and (undefined) when it can again. */
  readonly trouble: (topic: string, why: string | undefined) => void;
  /** Told when a topic must not be written: the pipeline has to stop. */
  readonly denied: (error: Error) => void;
}

const refreshMs = 300_000; // as often as the Java client asks for new partitions

/** The writing end: chooses partitions and keeps one outbox for each. */
export class Sink {
  readonly #options: SinkOptions;
  readonly #partitions: Map<string, number>;
  /** By topic, then by partition. */
  readonly #outboxes = new Map<string, Outbox[]>();
  readonly #partitioner = new Partitioner();
  readonly #held: OutboxOptions['held'] = { bytes: 0, freed: () => undefined };
  #turning = false;
  #cancelRefresh: () => void = () => undefined;

  private constructor(options: SinkOptions, partitions: Map<string, number>) {
    this.#options = options;
    this.#partitions = partitions;
    this.#scheduleRefresh();
  }

  /** Learns the partitions of every topic first, so that later records are placed without waiting. */
  static async open(options: SinkOptions): Promise<Sink> {
    const counts = await Promise.all(options.topics.map(async (name) => [name, await options.producer.partitionsOf(name)] as const));
    return new Sink(options, new Map(counts));
  }

  /** Bytes that wait for the broker or are under way to it. */
  get bytes(): number {
    return this.#held.bytes;
  }

  /** Calls `listener` whenever bytes have left: to the broker, or because nobody waits for them any more. */
  onRoom(listener: () => void): void {
    this.#held.freed = listener;
  }

  push(topic: string, outgoing: Outgoing): void {
    this.#outbox(topic, this.place(topic, outgoing.record.key)).push(outgoing);
  }

  /** The partition for an output of this key; those without a key stay together until the end of the present burst. */
  place(topic: string, key: Uint8Array | null): number {
    const partitions = this.#partitions.get(topic);
    if (partitions === undefined) throw new PipelineError('unknown_topic', `topic ${topic} was not announced to the sink`);
    if (key === null && !this.#turning) {
      this.#turning = true;
      queueMicrotask(() => {
        this.#turning = false;
        this.#partitioner.turn();
      });
    }
    return this.#partitioner.choose(key, partitions);
  }

  stop(): void {
    this.#cancelRefresh();
    for (const outboxes of this.#outboxes.values()) for (const outbox of Object.values(outboxes)) outbox.stop();
  }

  #outbox(topic: string, partition: number): Outbox {
    let outboxes = this.#outboxes.get(topic);
    if (!outboxes) this.#outboxes.set(topic, (outboxes = []));
    return (outboxes[partition] ??= this.#open(topic, partition));
  }

  #open(topic: string, partition: number): Outbox {
    const { producer, clock, trouble, denied } = this.#options;
    return new Outbox(topic, partition, {
      producer,
      clock,
      denied,
      held: this.#held,
      trouble: (why) => {
        trouble(formatPartition({ topic, partition }), why);
      },
    });
  }

  // Partitions that were added later are used from then on; a failed look-up keeps what is known.
  #scheduleRefresh(): void {
    this.#cancelRefresh = this.#options.clock.schedule(refreshMs, () => {
      for (const topic of this.#partitions.keys()) {
        this.#options.producer.partitionsOf(topic).then(
          (count) => this.#partitions.set(topic, count),
          () => undefined,
        );
      }
      this.#scheduleRefresh();
    });
  }
}

/** Takes an output on its way to a topic, and the part that is settled with it. */
export type TakeOutput = (topic: Topic<unknown, unknown>, record: OutputRecord, part: Part) => void;

/** Writes outputs as they come: a record counts as handed (its lane is free) from here on, as done when the broker has acknowledged it. */
export const writeTo =
  (sink: Sink): TakeOutput =>
  ({ name }, record, part) => {
    sink.push(name, new Output(record, part));
    part.handed();
  };

/** Makes the last step of a pipeline: takes an envelope, encodes it, and hands it over. */
export function outputTo(pipeline: Pipeline, takeOutput: TakeOutput): (envelope: Envelope<unknown, unknown>) => void {
  const names = Object.keys(pipeline.outputs);
  return (envelope) => {
    const { part } = take(envelope);
    runOf(envelope).verify(); // a result that comes late, after a standstill of this process, is not ours to write
    if (!part.live) return;
    part.advance();
    const set = outputFieldsOf(envelope);
    const { route = pipeline.singleOutput } = set;
    if (names.length === 0) {
      part.settle('done');
      return;
    }
    const topic = route === undefined ? undefined : pipeline.outputs[route];
    if (topic === undefined) {
      const got = route === undefined ? 'no route' : JSON.stringify(route);
      part.settle(
        'failed',
        recordError('unknown_route', `expected a route among ${names.join(', ')}, got ${got}; choose one with routeBy`, envelope.position),
      );
      return;
    }
    let record: OutputRecord;
    try {
      record = encode(topic, envelope, set);
    } catch (error) {
      part.settle('failed', asCodecError(error, envelope));
      return;
    }
    takeOutput(topic, record, part);
  };
}

/** The sink's claim on a record: the envelope is spent. */
class Output implements Outgoing {
  readonly record: OutputRecord;
  readonly #part: Part;

  constructor(record: OutputRecord, part: Part) {
    this.record = record;
    this.#part = part;
  }

  wanted(): boolean {
    return this.#part.live;
  }

  sent(at: OutputPosition): void {
    this.#part.settle('done', at);
  }

  refused(error: Error): void {
    this.#part.settle('failed', error);
  }
}

function encode(
  topic: Topic<unknown, unknown>,
  envelope: Envelope<unknown, unknown>,
  set: ReturnType<typeof outputFieldsOf>,
): OutputRecord {
  return {
    key: 'key' in set ? topic.key.encode(set.key) : rawKeyOf(envelope),
    value: topic.value.encode(envelope.value),
    headers: withSpending(withDegraded(headersOf(envelope, set), envelope.degraded), spendingOf(envelope)),
    timestampMs: set.timestampMs ?? envelope.timestampMs,
  };
}

/** The record's own carry its context as they are, unless code has set one of the two. */
function headersOf({ headers, context }: Envelope<unknown, unknown>, set: ReturnType<typeof outputFieldsOf>): RecordHeaders {
  if (set.context !== undefined) return withContextHeaders(set.headers ?? headers, context);
  return set.headers === undefined ? headers : completedBy(set.headers, context);
}

const asCodecError = (error: unknown, { position }: Envelope<unknown, unknown>): Error =>
  isStreamError(error)
    ? error
    : new CodecError('encode_failed', `encoding threw: ${messageOf(error)}`, { cause: error, position: formatPosition(position) });
