import { randomUUID } from 'node:crypto';
import { atMost, sleep } from '../../clock.ts';
import { isStreamError, messageOf, OptionError, TransportError } from '../../errors.ts';
import { Backoff } from '../../flow/backoff.state.ts';
import type { SourceRecord } from '../../record/record.ts';
import type { Assignment, ConsumeHandlers, Consumer, Fetch } from '../../transport/transport.ts';
import type { PipelineLog } from '../pipeline-log.ts';

const closeMs = 2_000; // within the 3 s that an end gives to what it closes
const [firstWaitMs, longestWaitMs] = [100, 10_000];

export interface AnswerReaderOptions {
  readonly log: PipelineLog;
  readonly topic: string;
  readonly read: (record: SourceRecord) => void;
  readonly trouble: (why: string | undefined) => void;
}

/**
 * Reads a compacted topic from its beginning, and goes on as it grows, in a group of its own that stores nothing. What was read
 * twice does no harm, so that whatever ends the reading is met by beginning anew. Holds one fetch.
 */
export class AnswerReader {
  readonly #options: AnswerReaderOptions;
  readonly #stopped = new AbortController();
  readonly #caughtUp = Promise.withResolvers<undefined>();
  readonly #ended: Promise<void>;

  constructor(options: AnswerReaderOptions) {
    this.#options = options;
    this.#caughtUp.promise.catch(() => undefined);
    this.#ended = this.#run();
  }

  /** What stood in the topic at first has been read. Rejects for what a person has to mend; it is tried again all the same. */
  get caughtUp(): Promise<unknown> {
    return this.#caughtUp.promise;
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await atMost(this.#options.log.clock, closeMs, this.#ended); // a group that is being joined cannot be left at once
  }

  async #run(): Promise<void> {
    const { log, trouble } = this.#options;
    const { signal } = this.#stopped;
    const backoff = new Backoff(firstWaitMs, longestWaitMs);
    while (!signal.aborted) {
      try {
        await this.#readOn(() => {
          backoff.succeeded();
        });
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        trouble(`cannot be read: ${messageOf(error)}`);
        if (isStreamError(error) && !error.retryable) this.#caughtUp.reject(error);
        await sleep(log.clock, backoff.failed(), signal).catch(() => undefined);
      }
    }
  }

  /** Ends when the reading has: by a failure, or because nobody wants it any more. */
  async #readOn(works: () => void): Promise<void> {
    const { log, topic, trouble } = this.#options;
    const { signal } = this.#stopped;
    const until = await endsOf(log, topic);
    if (until.size === 0) this.#caughtUp.resolve(undefined);
    const over = Promise.withResolvers<never>();
    over.promise.catch(() => undefined);
    signal.addEventListener('abort', over.reject, { once: true });
    let consumer: Consumer | undefined;
    try {
      const options = { groupId: `millrace-cache-${randomUUID()}`, topics: [topic], from: 'earliest', clientId: 'millrace-cache' } as const;
      consumer = await log.transport.consume(options, this.#handlers(until, over.reject));
      trouble(undefined);
      works();
      if (!signal.aborted) await over.promise;
    } finally {
      signal.removeEventListener('abort', over.reject);
      await consumer?.close().catch(() => undefined); // it only read
    }
  }

  #handlers(until: Map<number, bigint>, failed: (error: Error) => void): ConsumeHandlers {
    const { read, trouble } = this.#options;
    const at = (partition: number, next: bigint): void => {
      if (next >= (until.get(partition) ?? 0n)) until.delete(partition);
      if (until.size === 0) this.#caughtUp.resolve(undefined);
    };
    return {
      assigned: (partitions: readonly Assignment[]) => {
        for (const { partition, start } of partitions) at(partition, start);
      },
      fetched: ({ partition, records, next }: Fetch) => {
        for (const record of records) read(record);
        at(partition, next);
      },
      revoking: () => Promise.resolve(),
      lost: () => undefined, // it joins again, and reads all of it again
      health: (health) => {
        trouble(health.state === 'ok' ? undefined : `cannot be read: ${health.why}`);
      },
      failed,
    };
  }
}

/** Where each partition ends that holds anything. @throws for a topic that would not do */
async function endsOf({ transport, createTopics }: PipelineLog, topic: string): Promise<Map<number, bigint>> {
  let found = (await transport.describeTopics([topic])).get(topic);
  if (!found) {
    if (!createTopics)
      throw new TransportError(
        'unknown_topic',
        `topic ${topic}, for answers, does not exist; create it as a compacted one (cleanup.policy=compact) with your broker's tools, or with --create-topics (createTopics: true)`,
      );
    await transport.createTopics([{ name: topic, compacted: true }]);
    found = (await transport.describeTopics([topic])).get(topic);
  }
  if (transport.compactedTopics && !(await transport.compactedTopics([topic])).has(topic))
    throw new OptionError(
      `topic ${topic}, for answers, is not compacted, or this client may not ask (the right DescribeConfigs): it would grow without end; set its cleanup.policy to compact, or to compact,delete with a retention.ms`,
    );
  return new Map((found?.partitions ?? []).filter(({ low, high }) => high > low).map(({ partition, high }) => [partition, high]));
}
