import { type OptionNames, requireMethods, requireOptions } from '../check-options.ts';
import { sleep } from '../clock.ts';
import type { Codec } from '../codec/codec.ts';
import { json } from '../codec/json.ts';
import { OptionError, requireInteger, requireNumber, requireText } from '../errors.ts';
import type { CallStore, OpenCallStore, StoredAnswers } from './call-store.ts';
import { OpenTopicStore } from './internal/open-topic-store.ts';
import type { PipelineLog } from './pipeline-log.ts';

export interface TopicStoreOptions {
  /** Its name; it must be compacted, and hold nothing else. `--create-topics` (`createTopics: true`) makes it. */
  readonly topic: string;
  /** Which answers may be read: those that were written under the same one. Change it with the codec, or with what the values mean. @defaultValue '' */
  readonly version?: string;
  /** Turns the values of one call into bytes and back. What does not come back equal is not stored. @defaultValue json() */
  readonly codec?: Codec<readonly unknown[]>;
  /** Most bytes of one answer; a larger one is neither written nor read. At least 1. @defaultValue 262,144 (256 KiB) */
  readonly maxEntryBytes?: number;
  /** Most bytes that wait to be written; when there is more the oldest answers are not stored. At least 1. @defaultValue 4,194,304 (4 MiB) */
  readonly maxPendingBytes?: number;
  /** How long a start waits until the topic is read, in ms; then what is not read yet is called for. @defaultValue 10,000 */
  readonly readWithinMs?: number;
}

const names: OptionNames<TopicStoreOptions> = {
  topic: true,
  version: true,
  codec: true,
  maxEntryBytes: true,
  maxPendingBytes: true,
  readWithinMs: true,
};

/**
 * Keeps the answers of a `callCache` in a compacted topic of the pipeline's own log, one record a key: a restart, and the other members of a group, find them there.
 *
 * The start reads the topic from its beginning, for `readWithinMs` at most, and goes on beside the records; answers that others write are seen as they come. So memory holds what
 * is asked (`maxBytes`, `maxAgeMs` of the cache, counted from when the answer was given), never the topic: what memory has let go of is called for again.
 * An answer is written after its record has it. Nothing of the store fails or delays a record: while it is away it is tried again, waits of 100 ms to 10 s between, with
 * `maxPendingBytes` held, told in `troubles` and in `describe()`. What cannot be read (another version, other bytes) is passed over and counted.
 *
 * Whoever may write to the topic decides what is answered.
 * @throws OptionError for an option outside its range. When the pipeline starts: OptionError for a topic that is not compacted, TransportError `unknown_topic`.
 * @see {@link callCache}
 */
export function topicStore(options: TopicStoreOptions): CallStore {
  requireOptions('topicStore', options, names);
  const { topic, version = '', codec = json() as Codec<readonly unknown[]>, readWithinMs = 10_000 } = options;
  const { maxEntryBytes = 256 * 1024, maxPendingBytes = 4 * 1024 * 1024 } = options;
  requireText('topicStore.topic', topic);
  if (typeof version !== 'string') throw new OptionError(`topicStore.version must be text, got ${typeof version}`);
  requireMethods('topicStore.codec', codec, ['encode', 'decode'], 'a codec, as json()');
  requireInteger('topicStore.maxEntryBytes', maxEntryBytes, 1);
  requireInteger('topicStore.maxPendingBytes', maxPendingBytes, 1);
  requireNumber('topicStore.readWithinMs', readWithinMs, 0);
  return {
    name: `topic ${topic}`,
    open: async (log: PipelineLog, into: StoredAnswers): Promise<OpenCallStore> => {
      const store = new OpenTopicStore({ topic, form: { codec, version, maxEntryBytes }, maxPendingBytes, log, into });
      const over = new AbortController();
      try {
        await Promise.race([store.caughtUp, sleep(log.clock, readWithinMs, over.signal).catch(() => undefined)]);
        return store;
      } catch (error) {
        await store.close();
        throw error;
      } finally {
        over.abort();
      }
    },
  };
}
