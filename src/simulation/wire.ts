import { TransportError } from '../errors.ts';
import {
  formatPartition,
  formatPosition,
  type Header,
  type OutputRecord,
  type OwnedPartition,
  type RecordHeaders,
} from '../record/record.ts';
import type { Consumer, ConsumeHandlers, Fetch, Producer, Transaction, TransactionalProducer, Transport } from '../transport/transport.ts';
import type { Event } from './history.ts';
import type { Logs } from './logs.ts';
import type { ProcessClock } from './process-clock.ts';

export interface WireSide {
  readonly app: number;
  readonly clock: ProcessClock;
  readonly transport: Transport;
  readonly logs: Logs;
  readonly saw: (event: Event) => void;
}

/**
 * Stands between one app and the broker: hears everything they say to each other, holds it back while the process stands
 * still, and can be cut.
 */
export class Wire {
  readonly #side: WireSide;
  #consumer: Consumer | undefined;
  /** Copies in retry topics, by their headers: all else that an app says of one names the place where its record first stood. */
  readonly #copies = new WeakMap<Header, string>();
  #isCut = false;
  #transactions = 0;

  constructor(side: WireSide) {
    this.#side = side;
  }

  /** The broker's end of the app's membership. */
  get consumer(): Consumer | undefined {
    return this.#consumer;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** The copy in a retry topic that a record was emitted from; undefined when it came from its own topic. */
  copyOf([first]: RecordHeaders): string | undefined {
    return first && this.#copies.get(first);
  }

  /** From now on nothing reaches the broker. */
  async cut(): Promise<void> {
    this.#isCut = true;
    await this.#consumer?.close();
  }

  /** What the app is given as its transport. */
  transport(): Transport {
    const inner = this.#side.transport;
    return {
      name: inner.name,
      describeTopics: (...asked) => inner.describeTopics(...asked),
      createTopics: (topics) => inner.createTopics(topics),
      close: () => inner.close(),
      consume: async (options, handlers) => {
        const { beforeStart } = options;
        const held = async (...given: Parameters<NonNullable<typeof beforeStart>>): Promise<void> => {
          await this.#side.clock.awake();
          await beforeStart?.(...given);
        };
        this.#consumer = await inner.consume({ ...options, ...(beforeStart ? { beforeStart: held } : {}) }, this.#hear(handlers));
        return this.#overhear(this.#consumer);
      },
      produce: async (options) => this.#producer(await inner.produce(options)),
      transact: async (options) => this.#transactional(options.transactionalId, await this.#reach(() => inner.transact(options))),
      committed: (groupId, partitions) => this.#reach(() => inner.committed(groupId, partitions)),
    };
  }

  #hear(handlers: ConsumeHandlers): ConsumeHandlers {
    const { app, clock, saw } = this.#side;
    const letGo = (partitions: readonly OwnedPartition[]): void => {
      for (const one of partitions) saw({ kind: 'let-go', app, log: formatPartition(one) });
    };
    return {
      assigned: (partitions) => {
        // now, and not when it is heard: what it is told of commits is of now
        this.#side.logs.lookAtCommits();
        for (const one of partitions) saw({ kind: 'assigned', app, log: formatPartition(one), epoch: one.epoch });
        clock.hear(() => {
          handlers.assigned(partitions);
        });
      },
      revoking: (partitions) => {
        letGo(partitions); // from now on its records may be given back at any time
        return new Promise((resolve, reject) => {
          clock.hear(() => {
            handlers.revoking(partitions).then(resolve, reject);
          });
        });
      },
      lost: (partitions) => {
        clock.hear(() => {
          handlers.lost(partitions);
          letGo(partitions);
        });
      },
      fetched: (fetch) => {
        clock.hear(() => {
          const offsets = fetch.records.map(({ offset }) => Number(offset));
          saw({ kind: 'delivered', app, epoch: fetch.epoch, log: formatPartition(fetch), offsets });
          handlers.fetched(this.#side.logs.roundOf(fetch.topic) === undefined ? fetch : this.#marked(fetch));
        });
      },
      health: (state) => {
        clock.hear(() => {
          handlers.health(state);
        });
      },
      failed: (error) => {
        clock.hear(() => {
          handlers.failed(error);
        });
      },
    };
  }

  /** The same, with headers that are nobody else's. */
  #marked(fetch: Fetch): Fetch {
    const { topic, partition } = fetch;
    const records = fetch.records.map((record) => {
      const at = this.#side.logs.copyAt(topic, partition, record);
      const headers = record.headers.map(([name, value]): Header => [name, value]);
      if (at !== undefined) for (const one of headers) this.#copies.set(one, at);
      return { ...record, headers };
    });
    return { ...fetch, records };
  }

  #overhear(consumer: Consumer): Consumer {
    return {
      pause: (partitions) => {
        consumer.pause(partitions);
      },
      resume: (partitions) => {
        consumer.resume(partitions);
      },
      commit: (offsets) => {
        const stored = this.#reach(() => consumer.commit(offsets));
        this.#side.logs.lookAtCommits(); // before the answer: it may be lost
        return stored;
      },
      stillOwned: (partitions) => this.#reach(() => consumer.stillOwned(partitions)),
      verify: () => {
        consumer.verify();
      },
      close: () => consumer.close(),
    };
  }

  #producer(producer: Producer): Producer {
    return {
      partitionsOf: (name) => producer.partitionsOf(name),
      close: () => producer.close(),
      send: async (topic, partition, records) => {
        try {
          const base = await this.#reach(() => producer.send(topic, partition, records));
          this.#written(topic, records, (i) => formatPosition({ topic, partition, offset: base + BigInt(i) }));
          return base;
        } catch (error) {
          this.#written(topic, records);
          throw error;
        }
      },
    };
  }

  #transactional(name: string, producer: TransactionalProducer): TransactionalProducer {
    return {
      begin: async () => this.#transaction(name, await this.#reach(() => producer.begin())),
      close: async () => {
        if (!this.#isCut) await producer.close(); // what a dead process left open stays open
      },
    };
  }

  #transaction(name: string, transaction: Transaction): Transaction {
    const { app, saw, logs } = this.#side;
    this.#transactions += 1;
    const id = `${name} ${String(app)}.${String(this.#transactions)}`;
    return {
      send: async (topic, partition, records) => {
        const base = await this.#reach(() => transaction.send(topic, partition, records));
        this.#written(topic, records, (i) => formatPosition({ topic, partition, offset: base + BigInt(i) }), id);
        return base;
      },
      storeOffsets: (groupId, offsets) => this.#reach(() => transaction.storeOffsets(groupId, offsets)),
      commit: async () => {
        saw({ kind: 'ended', transaction: id, outcome: 'asked' });
        await this.#reach(() => transaction.commit());
        saw({ kind: 'ended', transaction: id, outcome: 'committed' });
        logs.lookAtCommits();
      },
      abort: () => {
        saw({ kind: 'ended', transaction: id, outcome: 'aborted' });
        return this.#reach(() => transaction.abort());
      },
    };
  }

  /** Tells of outputs that a send has acknowledged, at these places, or not answered. */
  #written(topic: string, records: readonly OutputRecord[], at?: (index: number) => string, transaction?: string): void {
    const { app, logs, saw } = this.#side;
    const round = logs.roundOf(topic);
    for (const [i, output] of records.entries()) {
      const { record, part } = logs.identify(topic, output);
      if (record === undefined) continue; // it is found when the logs are read
      if (round !== undefined) {
        if (at) saw({ kind: 'postponed', app, record, round, ...(transaction === undefined ? {} : { transaction }) });
        continue;
      }
      if (!at) saw({ kind: 'unanswered', app, record, part });
      else saw({ kind: 'acked', app, record, part, at: at(i), ...(transaction === undefined ? {} : { transaction }) });
    }
  }

  /** A request and its answer: neither passes a wire that is cut, and no answer a process that stands still. */
  async #reach<T>(request: () => Promise<T>): Promise<T> {
    this.#requireWhole();
    try {
      return await request();
    } finally {
      await this.#side.clock.awake();
      this.#requireWhole();
    }
  }

  #requireWhole(): void {
    if (this.#isCut) throw new TransportError('transport_unavailable', 'the app has crashed');
  }
}
