import type { Consumer as KafkaJsConsumer, Kafka } from 'kafkajs';
import { type CancelTimer, type Clock, sleep } from '../../clock.ts';
import { messageOf, TransportError } from '../../errors.ts';
import type { Assignment, ConsumeHandlers, ConsumeOptions, Consumer, ConsumerHealth, OffsetCommit, OwnedPartition } from '../transport.ts';
import { Committer } from './commit.ts';
import { GroupConnection } from './group-connection.ts';
import { GroupMember, type MemberRun } from './group-member.ts';
import { kafkaClient } from './kafka-client.ts';
import { toTransportError } from './kafka-errors.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { loadKafkaJs } from './kafkajs.ts';
import { keyOf } from './ownership.state.ts';
import { atMost, patiently } from './patience.ts';
import { startOffset } from './start-offset.ts';
import { SupervisorState } from './supervisor.state.ts';

const fetchWaitMs = 100; // resume, stop and a wanted re-join are seen after at most this; kafkajs: 5 s
const defaultFetchBytes = 1024 * 1024;
const checkEveryMs = 500;
const joinWordMs = 1_000; // a join that lasts longer waits for somebody, and that is said
const closePatienceMs = 3_000;
const lookupRetryMs = 250;
/** Inside one run: enough to sit out a broker's restart (up to 10 s) without losing the partitions. */
const runRetry = { initialRetryTime: 50, maxRetryTime: 250, retries: 40, restartOnFailure: () => Promise.resolve(false) };

interface Run {
  readonly client: KafkaJsConsumer;
  readonly member: MemberRun;
}

/** One consumer: a group member, the client that runs it, and the supervisor that starts that again when it breaks or hangs. */
export class KafkaConsumer implements Consumer {
  readonly #options: ResolvedKafkaOptions;
  readonly #clock: Clock;
  readonly #consume: ConsumeOptions;
  readonly #handlers: ConsumeHandlers;
  readonly #kafka: Kafka;
  readonly #connection: GroupConnection;
  readonly #member: GroupMember;
  readonly #committer: Committer;
  readonly #supervisor: SupervisorState;
  readonly #closing = new AbortController();
  /** Resolves when the caller has its consumer. */
  readonly #opened: Promise<void>;
  #open: () => void = () => undefined;
  #run: Run | undefined;
  #recovering = false;
  #joiningSinceMs: number | undefined;
  /** When the broker last showed that it knows this member. */
  #knownMs = 0;
  #health: ConsumerHealth = { state: 'ok' };
  #stopChecks: CancelTimer | undefined;
  #closed: Promise<void> | undefined;

  private constructor(options: ResolvedKafkaOptions, clock: Clock, consume: ConsumeOptions, handlers: ConsumeHandlers, kafka: Kafka, connection: GroupConnection) {
    this.#options = options;
    this.#clock = clock;
    this.#consume = consume;
    this.#handlers = handlers;
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
    this.#kafka = kafka;
    this.#connection = connection;
    this.#member = new GroupMember({
      topics: consume.topics,
      handlers,
      kafkajs: loadKafkaJs(),
      findStarts: (partitions, wanted) => this.#findStarts(partitions, wanted),
      joining: (underWay) => {
        this.#joiningSinceMs = underWay ? clock.nowMs() : undefined;
        this.#supervisor.sign(clock.nowMs());
        if (!underWay) this.#knownMs = clock.nowMs();
        if (!underWay) this.#tell({ state: 'ok' });
      },
    });
    this.#committer = new Committer({
      state: this.#member.state,
      connection,
      clock,
      brokers: options.brokers,
      patienceMs: options.sessionTimeoutMs * 2,
      accepted: () => {
        this.#knownMs = clock.nowMs();
      },
      expelled: () => {
        this.#member.loseAll();
      },
    });
    // a join may wait for the session of a dead member, and then for those who are slow to join
    this.#supervisor = new SupervisorState({ maxRestarts: options.maxRestarts, hangMs: options.sessionTimeoutMs * 2 + options.requestTimeoutMs });
  }

  static async open(options: ResolvedKafkaOptions, clock: Clock, consume: ConsumeOptions, handlers: ConsumeHandlers): Promise<KafkaConsumer> {
    const kafka = kafkaClient(options, consume.clientId);
    const doing = `join group ${consume.groupId}`;
    const connection = await patiently(clock, options.startPatienceMs, doing, options.brokers, () => GroupConnection.open(kafka, consume.groupId, consume.topics));
    const consumer = new KafkaConsumer(options, clock, consume, handlers, kafka, connection);
    try {
      await patiently(clock, options.startPatienceMs, doing, options.brokers, () => consumer.#start());
    } catch (error) {
      await consumer.close();
      throw error;
    }
    consumer.#check();
    consumer.#open();
    return consumer;
  }

  /** Under which name the broker knows this consumer; for logs and tests. */
  get membership(): { readonly groupId: string; readonly memberId: string | null } {
    return { groupId: this.#consume.groupId, memberId: this.#member.clientMemberId };
  }

  pause(partitions: readonly OwnedPartition[]): void {
    this.#member.pause(partitions);
  }

  resume(partitions: readonly OwnedPartition[]): void {
    this.#member.resume(partitions);
  }

  commit(offsets: readonly OffsetCommit[]): Promise<{ readonly fenced: readonly OwnedPartition[] }> {
    return this.#committer.commit(offsets);
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#closing.abort();
    this.#stopChecks?.();
    this.#run?.member.end(); // from here on it delivers nothing and cannot join again
    await this.#leave();
    await this.#stopRun();
    this.#member.state.identify(null); // without a word: the owner knows
    await atMost(this.#clock, closePatienceMs, this.#connection.close());
  }

  async #start(): Promise<void> {
    const member = this.#member.startRun();
    const client = this.#kafka.consumer({
      groupId: this.#consume.groupId,
      partitionAssigners: [member.partitionAssigner],
      sessionTimeout: this.#options.sessionTimeoutMs,
      rebalanceTimeout: this.#options.sessionTimeoutMs, // nobody is waited for longer than a dead member
      heartbeatInterval: this.#options.heartbeatMs,
      maxWaitTimeInMs: fetchWaitMs,
      maxBytesPerPartition: this.#consume.maxFetchBytes ?? defaultFetchBytes,
      maxBytes: this.#options.maxFetchBytes,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      retry: runRetry,
    });
    const run: Run = { client, member };
    this.#run = run;
    const crashed = this.#listen(run);
    try {
      await client.connect();
      await client.subscribe({ topics: [...this.#consume.topics], fromBeginning: true }); // never reached: starts are ours
      const eachBatch = member.deliver;
      await Promise.race([crashed, client.run({ autoCommit: false, eachBatchAutoResolve: true, eachBatch: async (payload) => { eachBatch(payload); return Promise.resolve(); } })]);
      await Promise.race([crashed, Promise.resolve()]); // run() resolves after a crash too
    } catch (error) {
      await this.#stopRun();
      throw error;
    }
    this.#supervisor.started(this.#clock.nowMs());
    crashed.catch((error: unknown) => { void this.#recover(run, error); });
  }

  /** Signs of life, the wish to re-join, and a promise that rejects when the client has crashed. */
  #listen({ client, member }: Run): Promise<never> {
    const { FETCH_START, FETCH, HEARTBEAT, GROUP_JOIN, END_BATCH_PROCESS, CRASH } = client.events;
    const alive = (): void => {
      this.#supervisor.sign(this.#clock.nowMs());
    };
    for (const event of [FETCH, GROUP_JOIN, END_BATCH_PROCESS]) client.on(event as typeof FETCH, alive);
    client.on(HEARTBEAT, () => {
      alive();
      this.#knownMs = this.#clock.nowMs();
    });
    client.on(FETCH_START, () => {
      if (!member.takeRejoin()) return;
      // Thrown synchronously this leaves the fetch outside of any catch of kafkajs and ends its loop; the type makes the
      // runner join again. It works with everything paused and no data, and what other brokers send meanwhile is fetched again.
      const { KafkaJSProtocolError } = loadKafkaJs();
      throw new KafkaJSProtocolError(Object.assign(new Error('a partition was let go'), { type: 'REBALANCE_IN_PROGRESS', code: 27, retriable: false }));
    });
    const crashed = new Promise<never>((_resolve, reject) => {
      client.on(CRASH, ({ payload }) => { reject(payload.error); });
    });
    crashed.catch(() => undefined);
    return crashed;
  }

  /** Ends the present run, and not the membership. */
  async #stopRun(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    this.#run = undefined;
    run.member.end();
    await atMost(this.#clock, closePatienceMs, run.client.disconnect());
  }

  /** Over our own connection, so that it waits for nothing that the client waits for. */
  async #leave(): Promise<void> {
    const memberId = this.#member.clientMemberId;
    if (memberId !== null && memberId !== '') await atMost(this.#clock, closePatienceMs, this.#connection.leave(memberId));
  }

  async #recover(broken: Run, cause: unknown): Promise<void> {
    if (this.#closing.signal.aborted || this.#recovering || this.#run !== broken) return;
    this.#recovering = true;
    this.#joiningSinceMs = undefined;
    let error = toTransportError(cause, `consume as ${this.#consume.groupId}`, this.#options.brokers);
    for (;;) {
      const next = error.code === 'authentication_failed' ? 'give-up' : this.#supervisor.failed(this.#clock.nowMs(), Math.random());
      if (next === 'give-up') break;
      this.#tell({ state: 'reconnecting', why: error.message });
      await this.#stopRun();
      try {
        await sleep(this.#clock, next.retryInMs, this.#closing.signal);
        await this.#start();
        this.#recovering = false;
        this.#tell({ state: 'ok' });
        return;
      } catch (failure) {
        if (this.#closing.signal.aborted) return;
        error = toTransportError(failure, `consume as ${this.#consume.groupId}`, this.#options.brokers);
      }
    }
    this.#member.loseAll();
    await this.#end();
    this.#handlers.failed(error);
  }

  #check(): void {
    this.#stopChecks = this.#clock.schedule(checkEveryMs, () => {
      if (this.#closing.signal.aborted) return;
      this.#look();
      this.#check();
    });
  }

  #look(): void {
    const nowMs = this.#clock.nowMs();
    const vital = this.#supervisor.check(nowMs, checkEveryMs);
    // By now the broker has given this member up, if it lives: others may work on what was ours.
    const isForgotten = this.#joiningSinceMs === undefined && nowMs - this.#knownMs > this.#options.sessionTimeoutMs;
    if (isForgotten && this.#member.state.memberId !== null) this.#member.loseAll();
    const run = this.#run;
    if (this.#recovering || !run) return;
    if (vital === 'hung') void this.#recover(run, new TransportError('transport_unavailable', 'the client has fallen silent'));
    else if (this.#joiningSinceMs !== undefined && nowMs - this.#joiningSinceMs >= joinWordMs) {
      const leftMs = this.#joiningSinceMs + this.#options.sessionTimeoutMs - nowMs;
      const left = leftMs > 0 ? `, at most ${String(Math.ceil(leftMs / 1_000))} s more` : '';
      this.#tell({ state: 'waiting', why: `the group ${this.#consume.groupId} waits for a member that does not answer${left}` });
    } else if (vital === 'quiet') this.#tell({ state: 'reconnecting', why: `no answer from ${this.#options.brokers.join(', ')} for some seconds` });
    else if (this.#joiningSinceMs === undefined) this.#tell({ state: 'ok' });
  }

  #tell(health: ConsumerHealth): void {
    if (this.#closing.signal.aborted || JSON.stringify(health) === JSON.stringify(this.#health)) return;
    this.#health = health;
    this.#handlers.health(health);
  }

  async #findStarts(partitions: readonly OwnedPartition[], wanted: () => boolean): Promise<readonly Assignment[]> {
    await this.#opened; // nothing is told before the caller has its consumer
    while (wanted() && !this.#closing.signal.aborted) {
      try {
        return await this.#askStarts(partitions);
      } catch (error) {
        this.#options.log?.('warn', `cannot find where partitions start, trying again: ${messageOf(error)}`);
        await sleep(this.#clock, lookupRetryMs, this.#closing.signal).catch(() => undefined);
      }
    }
    return [];
  }

  async #askStarts(partitions: readonly OwnedPartition[]): Promise<readonly Assignment[]> {
    const facts = await this.#connection.starts(partitions);
    const assignments = partitions.flatMap((one): Assignment[] => {
      const known = facts.get(keyOf(one));
      if (!known) return [];
      const committed = known.committed < 0n ? undefined : { offset: known.committed, metadata: known.metadata };
      return [{ ...one, committed, ...startOffset(known, this.#consume.from) }];
    });
    // Without a commit the next owner would begin at a later end, and what came between would be nobody's
    const anchors = assignments.filter(({ reset }) => reset === 'none-committed' && this.#consume.from === 'latest');
    if (anchors.length > 0) await this.#committer.commit(anchors.map(({ start, ...one }) => ({ topic: one.topic, partition: one.partition, epoch: one.epoch, offset: start, metadata: '' })));
    return assignments;
  }
}
