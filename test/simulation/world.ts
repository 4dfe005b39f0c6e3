import { tap } from 'rxjs';
import { json } from '../../src/codec/json.ts';
import type { Codec } from '../../src/codec/codec.ts';
import type { Clock } from '../../src/clock.ts';
import { messageOf, TransportError } from '../../src/errors.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { type Envelope, runOf } from '../../src/record/envelope.ts';
import { headerText, type OutputRecord } from '../../src/record/record.ts';
import type { OpenParts } from '../../src/record/run.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { type App, start } from '../../src/runtime/start.ts';
import { memory, type MemoryTransport } from '../../src/transport/memory/memory.ts';
import type { Consumer, Transport } from '../../src/transport/transport.ts';
import { type VirtualClock, virtualClock } from '../../src/virtual-clock.ts';
import { buildProcess, type Flow } from './build.ts';
import type { Event } from './history.ts';
import { type Item, meantFor } from './meant.ts';
import type { Deed, Plan, PlannedRecord } from './plan.ts';

const items = json() as Codec<Item>;
const source = 'in';
const group = 'sim';

/** One app of a run, and what the world knows of it. */
interface Member {
  readonly id: number;
  app: App | undefined;
  consumer: Consumer | undefined;
  state: 'starting' | 'alive' | 'leaving' | 'gone';
  /** A crashed one's requests reach nobody. */
  cut: boolean;
  open: OpenParts | undefined;
}

/** Runs one plan in virtual time and writes down what can be seen from outside. */
export class World {
  readonly history: Event[] = [];
  readonly clock: VirtualClock;
  readonly #timers = new Set<object>();
  readonly #transport: MemoryTransport;
  readonly #plan: Plan;
  readonly #members: Member[] = [];
  readonly #removed = new Map<string, number>();
  readonly #byPlace = new Map<string, number>();
  readonly #inputs: number[]; // offsets to commit up to, by partition
  readonly #pending: Promise<unknown>[] = [];
  readonly #committed = new Map<number, number>();
  #ids = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.clock = counting(virtualClock(1_000_000), this.#timers);
    this.#transport = memory({ clock: this.clock, partitions: plan.partitions, maxFetchRecords: plan.maxFetchRecords });
    this.#inputs = Array.from({ length: plan.partitions }, () => 0);
  }

  async run(): Promise<readonly Event[]> {
    await this.#transport.createTopics([source, 'dead', ...this.#plan.routes].map((name) => ({ name })));
    const [first, ...deeds] = this.#plan.deeds;
    if (first) this.#perform(first);
    this.#join();
    for (const deed of deeds) {
      await this.clock.advance(Math.max(0, 1_000_000 + deed.atMs - this.clock.nowMs()));
      this.#perform(deed);
    }
    await this.clock.advance(5_000);
    await this.#recover();
    await this.#settleDown();
    this.#readLogs();
    return this.history;
  }

  #saw(event: Event): void {
    this.history.push(event);
  }

  // deeds

  #perform(deed: Deed): void {
    const { broker } = this.#transport;
    switch (deed.do) {
      case 'feed':
        for (const record of deed.records) this.#feed(record);
        if (deed.records.some(({ removed }) => removed)) this.#compact();
        return;
      case 'skip':
        broker.skipOffsets(source, deed.partition, deed.count);
        return;
      case 'joined':
        if (this.#alive().length >= 4) return;
        this.#join();
        this.#saw({ kind: 'fault', name: this.#isHasty() ? 'moved-in-haste' : 'joined' });
        return;
      case 'left':
      case 'left-in-haste':
      case 'crashed':
      case 'expelled':
        this.#remove(deed);
        return;
      default:
        this.#saw({ kind: 'fault', name: deed.do });
        this.#trouble(deed);
    }
  }

  #trouble(deed: Deed & { readonly count: number; readonly ms: number }): void {
    const { broker } = this.#transport;
    const { count, ms } = deed;
    if (deed.do === 'down') broker.down();
    else if (deed.do === 'slow-acks') broker.delayAcknowledgements(ms);
    else if (deed.do === 'slow-fetches') broker.delayFetches(ms);
    else if (deed.do === 'send-lost' || deed.do === 'send-written') broker.failSends(count, { written: deed.do === 'send-written' });
    else broker.failCommits(count, { stored: deed.do === 'commit-stored' });
    this.clock.schedule(ms + 500, () => {
      if (deed.do === 'down') broker.up();
      if (deed.do === 'slow-acks') broker.delayAcknowledgements(0);
      if (deed.do === 'slow-fetches') broker.delayFetches(0);
    });
  }

  #feed(record: PlannedRecord): void {
    const { broker } = this.#transport;
    const { partition, body } = record;
    const id = this.#ids;
    this.#ids += 1;
    const key = record.key === null ? null : Buffer.from(record.key);
    const value = { value: items.encode({ id, path: '' }), poison: Buffer.from('{"id":'), tombstone: null, undecodable: null }[body];
    const headers = [['id', Buffer.from(String(id))] as const, ['padding', Buffer.alloc(record.padding)] as const];
    let offset: bigint;
    if (body === 'undecodable') {
      broker.appendUndecodable(source, partition, { offsets: 1 + (record.padding % 3), reason: 'planned', bytes: record.padding });
      offset = BigInt(broker.records(source, partition).at(-1)?.offset ?? 0n);
    } else offset = broker.append(source, partition, [{ key, value, headers }]);
    if (record.removed && body === 'value') {
      this.#removed.set(`${String(partition)}@${String(offset)}`, id); // named for removal below
      return;
    }
    const laneKey = body === 'undecodable' ? null : record.key;
    const { ordering } = this.#plan;
    const lane =
      ordering === 'partition'
        ? String(partition)
        : ordering === 'none' || laneKey === null
          ? undefined
          : `${String(partition)} ${laneKey}`;
    const code = { poison: 'decode_failed', tombstone: 'unexpected_tombstone', undecodable: 'undecodable_batch' };
    const expected = body === 'value' ? meantFor(this.#plan, id) : { outputs: [], codes: [code[body]], mustFail: true };
    this.#byPlace.set(`${String(partition)}@${String(offset)}`, id);
    this.#inputs[partition] = Number(offset) + 1;
    this.#saw({ kind: 'input', id, partition, offset: Number(offset), lane, keyed: record.key !== null, expected });
  }

  #compact(): void {
    for (let partition = 0; partition < this.#plan.partitions; partition += 1)
      this.#transport.broker.compact(source, partition, ({ offset }) => !this.#removed.has(`${String(partition)}@${String(offset)}`));
  }

  // apps

  #alive(): readonly Member[] {
    return this.#members.filter(({ state }) => state === 'alive');
  }

  /** Whether what is in flight may be given back when its partition moves: time is short, or the stream may end on its way out. */
  #isHasty(): boolean {
    const { options, deadlineMs, stages } = this.#plan;
    return options.revokeDeadlineMs < 30_000 || deadlineMs < 600_000 || stages.some(({ kind }) => kind === 'early' || kind === 'unguarded');
  }

  #join(): void {
    const member: Member = {
      id: this.#members.length,
      app: undefined,
      consumer: undefined,
      state: 'starting',
      cut: false,
      open: undefined,
    };
    this.#members.push(member);
    const plan = this.#plan;
    const build = buildProcess({
      plan,
      clock: this.clock,
      kept: [],
      called: (at, item, step) => {
        this.#saw({
          kind: 'call',
          app: member.id,
          id: item.id,
          path: `${String(at)}:${item.path}`,
          step,
          together: plan.stages[at]?.kind === 'batch',
        });
        this.#measure(member);
      },
    });
    const pipeline = definePipeline({
      name: group,
      input: topic(source, items),
      output: plan.routes.length === 1 ? topic('out', items) : Object.fromEntries(plan.routes.map((name) => [name, topic(name, items)])),
      deadLetter: topic('dead'),
      ordering: plan.ordering,
      deadlineMs: plan.deadlineMs,
      process: (flow) => {
        this.#saw({ kind: 'built', app: member.id });
        return build(this.#watch(flow, member)) as typeof flow;
      },
    });
    const starting = start(pipeline, {
      transport: this.#transportOf(member),
      clock: this.clock,
      log: silentLog,
      signals: false,
      ...plan.options,
    });
    this.#pending.push(
      starting.then(
        (app) => {
          member.app = app;
          member.state = 'alive';
          app.done.catch((error: unknown) => {
            if (!member.cut) this.#saw({ kind: 'broken', why: `app ${String(member.id)} failed: ${messageOf(error)}` });
          });
        },
        () => {
          member.state = 'gone'; // the broker was down
        },
      ),
    );
  }

  /** Between the source and the first operator. */
  #watch(flow: Flow, member: Member): Flow {
    return flow.pipe(
      tap((envelope: Envelope<Item, unknown>) => {
        member.open = runOf(envelope).open;
        this.#saw({ kind: 'emitted', app: member.id, epoch: envelope.position.epoch, id: envelope.value.id });
        this.#measure(member);
      }),
    );
  }

  #measure(member: Member): void {
    const stats = member.app?.stats();
    const { maxRecordsInFlight = 10_000, maxBytesInFlight = 64 * 1024 * 1024, maxAboveWatermark = 20_000 } = this.#plan.options;
    if (!stats) return;
    this.#saw({ kind: 'held', app: member.id, what: 'records', count: stats.recordsInFlight, most: maxRecordsInFlight });
    if (stats.recordsInFlight > 1)
      this.#saw({ kind: 'held', app: member.id, what: 'bytes', count: stats.bytesInFlight, most: maxBytesInFlight });
    this.#saw({ kind: 'held', app: member.id, what: 'above', count: stats.settledBeyond, most: maxAboveWatermark * this.#plan.partitions });
  }

  #remove(deed: Deed & { readonly which: number }): void {
    const alive = this.#alive();
    const member = alive[deed.which % Math.max(1, alive.length)];
    if (!member?.app || !member.consumer) return;
    if (deed.do === 'expelled' && 'ms' in deed) {
      this.#saw({ kind: 'fault', name: 'expelled', app: member.id });
      this.#transport.broker.expel(member.consumer, { noticeMs: deed.ms });
      return;
    }
    this.#saw({
      kind: 'fault',
      name: deed.do === 'left' ? (this.#isHasty() ? 'moved-in-haste' : 'left') : deed.do === 'crashed' ? 'crashed' : 'left-in-haste',
      app: member.id,
    });
    if (deed.do === 'crashed') {
      member.cut = true;
      void member.consumer.close();
    }
    this.#leave(member, deed.do === 'left' ? 3_600_000 : 'ms' in deed && deed.do === 'left-in-haste' ? Math.min(deed.ms, 500) : 0);
    if (alive.length === 1) this.#join();
  }

  #leave(member: Member, deadlineMs: number): void {
    member.state = 'leaving';
    const { app } = member;
    if (!app) return;
    const leaving = app.drain({ deadlineMs }).then(() => {
      member.state = 'gone';
      const { recordsInFlight, bytesInFlight, bytesAhead, bytesOutgoing, partitions } = app.stats();
      for (const [what, count] of Object.entries({ recordsInFlight, bytesInFlight, bytesAhead, bytesOutgoing, partitions }))
        this.#saw({ kind: 'left', what: `${what} of app ${String(member.id)}`, count });
      member.open?.setSourceBlocked(true);
      this.#saw({
        kind: 'left',
        what: `open parts of app ${String(member.id)}`,
        count: (member.open?.nothingMoreCan(0, 100) ?? true) ? 0 : 1,
      });
    });
    this.#pending.push(leaving);
  }

  // the transport, with an ear at it

  #transportOf(member: Member): Transport {
    const inner = this.#transport;
    const reach = (): void => {
      if (member.cut) throw new TransportError('transport_unavailable', 'the app has crashed');
    };
    return {
      name: inner.name,
      describeTopics: (names) => inner.describeTopics(names),
      createTopics: (topics) => inner.createTopics(topics),
      close: () => inner.close(),
      consume: async (options, handlers) => {
        const consumer = await inner.consume(options, handlers);
        member.consumer = consumer;
        const commit: Consumer['commit'] = async (offsets) => {
          reach();
          const stored = consumer.commit(offsets);
          this.#sawCommits();
          return await stored;
        };
        return {
          pause: (partitions) => {
            consumer.pause(partitions);
          },
          resume: (partitions) => {
            consumer.resume(partitions);
          },
          commit,
          close: () => consumer.close(),
        };
      },
      produce: async (options) => {
        const producer = await inner.produce(options);
        return {
          partitionsOf: (name) => producer.partitionsOf(name),
          close: () => producer.close(),
          send: async (name, partition, records) => {
            reach();
            const base = await producer.send(name, partition, records);
            reach();
            for (const record of records) this.#sawAck(member, name, record);
            return base;
          },
        };
      },
    };
  }

  #sawAck(member: Member, name: string, record: OutputRecord): void {
    if (name === 'dead') {
      const id = this.#byPlace.get(placeOf(record));
      if (id !== undefined) this.#saw({ kind: 'acked', app: member.id, id, path: undefined });
      return;
    }
    const { id, path } = items.decode(record.value);
    this.#saw({ kind: 'acked', app: member.id, id, path });
  }

  #sawCommits(): void {
    for (let partition = 0; partition < this.#plan.partitions; partition += 1) {
      const offset = Number(this.#transport.broker.committed(group, source, partition)?.offset ?? 0n);
      if (offset === (this.#committed.get(partition) ?? 0)) continue;
      this.#committed.set(partition, offset);
      this.#saw({ kind: 'commit', partition, offset });
    }
  }

  // the end

  async #recover(): Promise<void> {
    const { broker } = this.#transport;
    broker.up();
    broker.delayAcknowledgements(0);
    broker.delayFetches(0);
    await this.clock.advance(5_000);
    if (this.#alive().length === 0) this.#join();
    for (let i = 0; i < 400 && !this.#isCaughtUp(); i += 1) await this.clock.advance(10_000);
    if (!this.#isCaughtUp()) this.#saw({ kind: 'broken', why: `the run stands still: ${this.#standing()}` });
  }

  #isCaughtUp(): boolean {
    return this.#inputs.every((offset, partition) => (this.#committed.get(partition) ?? 0) >= offset);
  }

  #standing(): string {
    const behind = this.#inputs.flatMap((offset, partition) => {
      const committed = this.#committed.get(partition) ?? 0;
      return committed < offset ? [`${String(partition)}: ${String(committed)} of ${String(offset)}`] : [];
    });
    const paused = this.#alive().map(
      ({ id, app }) =>
        `app ${String(id)} ${JSON.stringify(app?.stats(), (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))}`,
    );
    return [...behind, ...paused].join('; ');
  }

  async #settleDown(): Promise<void> {
    for (let i = 0; i < 10 && this.#members.some(({ state }) => state === 'starting'); i += 1) await this.clock.advance(1_000);
    for (const member of this.#alive()) this.#leave(member, 60_000);
    let isOver = false;
    void Promise.allSettled(this.#pending).then(() => {
      isOver = true;
    });
    for (let i = 0; i < 200 && !isOver; i += 1) await this.clock.advance(1_000);
    this.#saw({ kind: 'left', what: 'apps that did not stop', count: this.#members.filter(({ state }) => state !== 'gone').length });
    this.#saw({ kind: 'left', what: 'timers', count: this.#timers.size });
    this.#saw({ kind: 'left', what: 'members of the group', count: this.#transport.broker.members(group).length });
  }

  #readLogs(): void {
    const { broker } = this.#transport;
    for (let partition = 0; partition < this.#plan.partitions; partition += 1) {
      for (const name of this.#plan.routes) {
        for (const { value } of broker.records(name, partition))
          this.#saw({ kind: 'output', log: `${name}/${String(partition)}`, ...items.decode(value) });
      }
      for (const letter of broker.records('dead', partition)) {
        const [from = '', offset = ''] = placeOf(letter).split('@');
        this.#saw({
          kind: 'letter',
          partition: Number(from),
          offset: Number(offset),
          code: headerText(letter.headers, 'millrace.error.code') ?? 'none',
        });
      }
    }
  }
}

const placeOf = ({ headers }: Pick<OutputRecord, 'headers'>): string =>
  `${headerText(headers, '__streams.errors.partition') ?? ''}@${headerText(headers, '__streams.errors.offset') ?? ''}`;

function counting(clock: VirtualClock, live: Set<object>): VirtualClock {
  const schedule: Clock['schedule'] = (delayMs, callback) => {
    const timer = {};
    live.add(timer);
    const cancel = clock.schedule(delayMs, () => {
      live.delete(timer);
      callback();
    });
    return () => {
      live.delete(timer);
      cancel();
    };
  };
  return { ...clock, schedule };
}
