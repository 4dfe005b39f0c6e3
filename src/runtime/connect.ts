import type { Observable } from 'rxjs';
import { type OptionNames, requireOptions } from '../check-options.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Topic } from '../pipeline.ts';
import type { OutputPosition } from '../record/record.ts';
import type { Transport } from '../transport/transport.ts';
import { createLogger, type Log } from './logging.ts';
import { type ConsumedRecord, type ConsumeFromOptions, readRecords } from './read-records.ts';
import { type NewRecord, type ProduceRecordsOptions, RecordWriter } from './record-writer.ts';

/** Producing and consuming from code, apart from any pipeline. */
export interface Client {
  /**
   * Encodes all records, then writes them and resolves with their positions, in the order given, when the log has
   * acknowledged all of them. Records of one partition keep their order. Codecs that need something are opened by the first call for their
   * topic, within `timeoutMs`, and stay open until `close`.
   *
   * @throws CodecError before anything is written; TransportError `unknown_topic`, `record_too_large`, or
   * `transport_unavailable` after `timeoutMs`: then some may have been written.
   */
  produce<T, K>(
    topic: Topic<T, K>,
    records: readonly NewRecord<T, K>[],
    options?: ProduceRecordsOptions,
  ): Promise<readonly OutputPosition[]>;
  /**
   * The records of a topic as they come, partition by partition in offset order, in a group of its own, which stores offsets
   * for nobody but this subscription: with `from: 'latest'` where it began, and where it was when its group has given it up
   * (which is said as a warning). Codecs that need something are opened first, for each subscription; a record that they cannot read yet is waited for, with its
   * partition paused. Cold: each subscription reads for itself; it never completes. Holds nothing but the fetch
   * at hand and a position per partition: a subscriber that is slow and asynchronous buffers for itself.
   */
  consume<T, K>(topic: Topic<T, K>, options?: ConsumeFromOptions): Observable<ConsumedRecord<T, K>>;
  /** Waits for what is being written, then disconnects. Subscriptions to `consume` are ended by their owners. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** @defaultValue the system clock */
  readonly clock?: Clock;
  /** Told of trouble that passes by itself. @defaultValue structured lines on stderr */
  readonly log?: Log;
}

const names: OptionNames<ConnectOptions> = { clock: true, log: true };

/** Connects to the log of `transport`; nothing is opened before it is needed. The transport stays its owner's to close. */
export function connect(transport: Transport, options: ConnectOptions = {}): Client {
  requireOptions('connect', options, names);
  const { clock = systemClock } = options;
  let { log } = options;
  const theLog = (): Log => (log ??= createLogger({ level: 'warn' }));
  const writer = new RecordWriter(transport, clock, theLog);
  return {
    produce: (topic, records, options = {}) => writer.write(topic, records, options),
    consume: (topic, options = {}) =>
      readRecords(topic, options, {
        transport,
        clock,
        log: theLog,
        warn: (why) => {
          theLog().warn({ topic: topic.name }, why);
        },
      }),
    close: () => writer.close(),
  };
}
