import { type Clock, sleep } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { Backoff } from '../../flow/backoff.state.ts';
import { formatPartition, parsePartition } from '../../record/record.ts';
import type { Log } from '../../runtime/logging.ts';
import { readTopics } from '../../runtime/topic-reader.ts';
import type { Transport } from '../../transport/transport.ts';

export interface ViaReaderOptions {
  readonly transport: Transport;
  readonly topic: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Each record that is written from now on, in the order of its partition; must not throw. */
  readonly read: (value: Uint8Array | null) => void;
}

const [firstWaitMs, longestWaitMs] = [100, 10_000];

/** Reads a topic from now on until it is closed; where the log fails it goes on where it was. Holds what `readTopics` holds, and a position for each partition. */
export class ViaReader {
  readonly #options: ViaReaderOptions;
  readonly #stopped = new AbortController();
  readonly #ready = Promise.withResolvers<undefined>();
  readonly #next = new Map<string, bigint>();
  readonly #running: Promise<void>;

  constructor(options: ViaReaderOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Resolves when whatever is written from now on will be read; rejects where the first try failed. */
  get ready(): Promise<unknown> {
    return this.#ready.promise;
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log, topic } = this.#options;
    const { signal } = this.#stopped;
    const backoff = new Backoff(firstWaitMs, longestWaitMs);
    this.#ready.promise.catch(() => undefined);
    while (!signal.aborted) {
      try {
        await this.#read(() => backoff.succeeded());
      } catch (error) {
        this.#ready.reject(error); // means nothing once it was ready
        log.warn({ topic, why: messageOf(error) }, 'a topic cannot be read: trying again');
        await sleep(clock, backoff.failed(), signal).catch(() => undefined);
      }
    }
  }

  #read(begun: () => void): Promise<void> {
    const { transport, topic, read, log } = this.#options;
    return readTopics(transport, {
      ...{ topics: [topic], from: 'latest', signal: this.#stopped.signal },
      starts: [...this.#next].map(([name, offset]) => ({ ...parsePartition(name), offset })),
      onReady: (next) => {
        for (const [name, offset] of next) if (!this.#next.has(name)) this.#next.set(name, offset);
        begun();
        this.#ready.resolve(undefined);
      },
      onTrouble: (why) => log.warn({ topic, why }, 'a topic is read with trouble'),
      take: (records) => {
        for (const { partition, offset, value } of records) {
          this.#next.set(formatPartition({ topic, partition }), offset + 1n);
          read(value);
        }
        return Promise.resolve(false);
      },
    });
  }
}
