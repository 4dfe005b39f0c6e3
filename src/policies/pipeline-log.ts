import type { Clock } from '../clock.ts';
import type { Transport } from '../transport/transport.ts';

/** A policy that bears this keeps something in a topic, in the log of the pipeline it is given to. */
export const usesLog = Symbol.for('millrace.uses-log');

/** What a pipeline lends to those of its resources that keep something in its log. */
export interface PipelineLog {
  readonly transport: Pick<Transport, 'consume' | 'produce' | 'describeTopics' | 'compactedTopics' | 'createTopics'>;
  readonly clock: Clock;
  /** Whether topics that are missing are to be created. */
  readonly createTopics: boolean;
  /** Tells people of something that does not work at present; undefined: it does again. */
  readonly trouble: (why: string | undefined) => void;
}

/** Works with the log of one pipeline or several. */
export interface LogUser {
  /**
   * Awaited before the first record is taken. The result ends it, after the last record.
   * @throws OptionError or TransportError where it cannot work with this log; a log that is away is no reason
   */
  attach(log: PipelineLog): Promise<() => Promise<void>>;
}
