import { tap } from 'rxjs';
import { type Clock, sleep } from '../../src/clock.ts';
import { messageOf, TransportError } from '../../src/errors.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { type Envelope, runOf } from '../../src/record/envelope.ts';
import type { OutputRecord } from '../../src/record/record.ts';
import type { OpenParts } from '../../src/record/run.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { type App, start } from '../../src/runtime/start.ts';
import type { MemoryTransport } from '../../src/transport/memory/memory.ts';
import type {
  Consumer,
  ConsumeHandlers,
  OwnedPartition,
  Producer,
  Transaction,
  TransactionalProducer,
  Transport,
} from '../../src/transport/transport.ts';
import { buildProcess, type Flow } from './build.ts';
import { type CountedClock, countedClock } from './counted-clock.ts';
import type { Event } from './history.ts';
import type { Item } from './meant.ts';
import type { Plan } from './plan.ts';
import { dead, group, items, source, type Topics } from './topics.ts';

export interface MemberSide {
  readonly plan: Plan;
  readonly clock: Clock;
  readonly transport: MemoryTransport;
  readonly topics: Topics;
  readonly saw: (event: Event) => void;
}

/** One app of a run, with an ear at everything it says to the broker. */
export class Member {
  readonly id: number;
  readonly #side: MemberSide;
  readonly #clock: CountedClock;
  #app: App | undefined;
  #consumer: Consumer | undefined;
  #open: OpenParts | undefined;
  /** It has crashed: its requests reach nobody. */
  #cut = false;
  state: 'starting' | 'alive' | 'leaving' | 'gone' = 'starting';

  constructor(id: number, side: MemberSide) {
    this.id = id;
    this.#side = side;
    this.#clock = countedClock(side.clock);
  }

  /** Resolves when it has started, or cannot because the broker is down. */
  async join(): Promise<void> {
    const { plan, saw } = this.#side;
    const { maxRecordsInFlight: records = 10_000, maxBytesInFlight: bytes = 64 * 1024 * 1024 } = plan.options;
    saw({ kind: 'caps', app: this.id, records, bytes });
    try {
      this.#app = await start(this.#pipeline(), {
        transport: this.#transport(),
        clock: this.#clock,
        log: silentLog,
        signals: false,
        ...plan.options,
      });
      this.state = 'alive';
      this.#app.done.catch((error: unknown) => {
        if (!this.#cut) saw({ kind: 'broken', why: `app ${String(this.id)} failed: ${messageOf(error)}` });
      });
    } catch {
      this.state = 'gone';
    }
  }

  expel(noticeMs: number): void {
    if (this.#consumer) this.#side.transport.broker.expel(this.#consumer, { noticeMs });
  }

  /** Drains; once it has stopped, nothing may be left of it. */
  async leave(deadlineMs: number): Promise<void> {
    if (!this.#app) return;
    this.state = 'leaving';
    await this.#app.drain({ deadlineMs });
    await sleep(this.#side.clock, 25); // a revoke that the drain has overtaken looks once more
    const { timers } = this.#clock;
    this.state = 'gone';
    const { recordsInFlight, bytesInFlight, bytesAhead, bytesOutgoing, partitions } = this.#app.stats();
    this.#open?.setSourceBlocked(true);
    const openParts = (this.#open?.nothingMoreCan(0, 100) ?? true) ? 0 : 1;
    for (const [what, count] of Object.entries({
      recordsInFlight,
      bytesInFlight,
      bytesAhead,
      bytesOutgoing,
      partitions,
      openParts,
      timers,
    })) {
      this.#side.saw({ kind: 'left', what: `${what} of app ${String(this.id)}`, count });
    }
  }

  /** Goes without a word. What it still does is cleared away, but reaches nobody. */
  async crash(): Promise<void> {
    this.#cut = true;
    await this.#consumer?.close();
    await this.leave(0);
  }

  /** For people who look why a run stands still. */
  describe(): string {
    return `app ${String(this.id)}: ${JSON.stringify(this.#app?.stats(), (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))}`;
  }

  #pipeline() {
    const { plan, saw } = this.#side;
    const build = buildProcess({
      plan,
      clock: this.#clock,
      kept: [],
      called: (at, { id, path }, step) => {
        saw({ kind: 'call', app: this.id, id, path: `${String(at)}:${path}`, step, together: plan.stages[at]?.kind === 'batch' });
        this.#measure();
      },
    });
    const many = Object.fromEntries(plan.routes.map((name) => [name, topic(name, items)]));
    return definePipeline({
      name: group,
      input: topic(source, items),
      output: plan.routes.length === 1 ? topic('out', items) : many,
      deadLetter: topic(dead),
      ordering: plan.ordering,
      deadlineMs: plan.deadlineMs,
      process: (flow) => {
        saw({ kind: 'built', app: this.id });
        return build(this.#watch(flow));
      },
    });
  }

  /** Stands between the source and the first operator. */
  #watch(flow: Flow): Flow {
    return flow.pipe(
      tap((envelope: Envelope<Item, unknown>) => {
        this.#open = runOf(envelope).open;
        this.#side.saw({ kind: 'emitted', app: this.id, epoch: envelope.position.epoch, id: envelope.value.id });
        this.#measure();
      }),
    );
  }

  #measure(): void {
    const stats = this.#app?.stats();
    if (!stats) return;
    const { options, partitions } = this.#side.plan;
    const { maxRecordsInFlight = 10_000, maxBytesInFlight = 64 * 1024 * 1024, maxAboveWatermark = 20_000 } = options;
    const app = this.id;
    this.#side.saw({ kind: 'held', app, what: 'records', count: stats.recordsInFlight, most: maxRecordsInFlight });
    if (stats.recordsInFlight > 1) this.#side.saw({ kind: 'held', app, what: 'bytes', count: stats.bytesInFlight, most: maxBytesInFlight });
    this.#side.saw({ kind: 'held', app, what: 'settled beyond', count: stats.settledBeyond, most: maxAboveWatermark * partitions });
  }

  #transport(): Transport {
    const inner = this.#side.transport;
    return {
      name: inner.name,
      describeTopics: (names) => inner.describeTopics(names),
      createTopics: (topics) => inner.createTopics(topics),
      close: () => inner.close(),
      consume: async (options, handlers) => {
        this.#consumer = await inner.consume(options, this.#hear(handlers));
        return this.#overhear(this.#consumer);
      },
      produce: async (options) => this.#producer(await inner.produce(options)),
      transact: async (options) => {
        this.#reach();
        return this.#transactional(await inner.transact(options));
      },
      committed: (groupId, partitions) => inner.committed(groupId, partitions),
    };
  }

  #hear(handlers: ConsumeHandlers): ConsumeHandlers {
    const letGo = (partitions: readonly OwnedPartition[]): void => {
      for (const { partition } of partitions) this.#side.saw({ kind: 'let-go', app: this.id, partition });
    };
    return {
      ...handlers,
      assigned: (partitions) => {
        for (const { partition, epoch } of partitions) this.#side.saw({ kind: 'assigned', app: this.id, partition, epoch });
        handlers.assigned(partitions);
      },
      revoking: (partitions) => {
        letGo(partitions); // from now on its records may be given back at any time
        return handlers.revoking(partitions);
      },
      lost: (partitions) => {
        handlers.lost(partitions);
        letGo(partitions);
      },
    };
  }

  #overhear(consumer: Consumer): Consumer {
    return {
      pause: (partitions) => {
        consumer.pause(partitions);
      },
      resume: (partitions) => {
        consumer.resume(partitions);
      },
      commit: async (offsets) => {
        this.#reach();
        const stored = consumer.commit(offsets);
        this.#side.topics.lookAtCommits(); // before the answer: it may be lost
        return await stored;
      },
      close: () => consumer.close(),
    };
  }

  #producer(producer: Producer): Producer {
    return {
      partitionsOf: (name) => producer.partitionsOf(name),
      close: () => producer.close(),
      send: async (name, partition, records) => {
        this.#reach();
        const base = await producer.send(name, partition, records);
        this.#reach();
        this.#side.topics.acknowledged(this.id, name, records);
        return base;
      },
    };
  }

  #transactional(producer: TransactionalProducer): TransactionalProducer {
    return {
      begin: async () => {
        this.#reach();
        return this.#transaction(await producer.begin());
      },
      close: async () => {
        if (!this.#cut) await producer.close(); // what a dead process left open stays open
      },
    };
  }

  #transaction(transaction: Transaction): Transaction {
    const sent: { readonly name: string; readonly records: readonly OutputRecord[] }[] = [];
    const reached = async <T>(request: () => Promise<T>): Promise<T> => {
      this.#reach();
      const answer = await request();
      this.#reach();
      return answer;
    };
    return {
      send: async (name, partition, records) => {
        const base = await reached(() => transaction.send(name, partition, records));
        sent.push({ name, records });
        return base;
      },
      storeOffsets: (groupId, offsets) => reached(() => transaction.storeOffsets(groupId, offsets)),
      commit: async () => {
        await reached(() => transaction.commit());
        this.#side.topics.lookAtCommits();
        for (const { name, records } of sent) this.#side.topics.acknowledged(this.id, name, records);
      },
      abort: () => reached(() => transaction.abort()),
    };
  }

  #reach(): void {
    if (this.#cut) throw new TransportError('transport_unavailable', 'the app has crashed');
  }
}
