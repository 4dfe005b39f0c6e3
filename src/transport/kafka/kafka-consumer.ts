import type { Consumer as KafkaJsConsumer, EachBatchPayload, Kafka } from 'kafkajs';
import { type CancelTimer, type Clock, sleep } from '../../clock.ts';
import { messageOf, TransportError } from '../../errors.ts';
import type { ConsumeHandlers, ConsumeOptions, Consumer, ConsumerHealth, OffsetCommit, OwnedPartition } from '../transport.ts';
import { listenTo } from './client-signs.ts';
import { Committer } from './commit.ts';
import { GroupConnection } from './group-connection.ts';
import { GroupMember, type MemberRun } from './group-member.ts';
import { kafkaClient } from './kafka-client.ts';
import { toTransportError } from './kafka-errors.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { loadKafkaJs } from './kafkajs.ts';
import { atMost, patiently } from './patience.ts';
import { findStarts, type StartLookup } from './start-lookup.ts';
import { SupervisorState } from './supervisor.state.ts';

const fetchWaitMs = 100; // resume, stop and a wanted re-join are seen after at most this; kafkajs: 5 s
const defaultFetchBytes = 256 * 1024;
const checkEveryMs = 500;
const joinWordMs = 1_000; // a join that lasts longer waits for somebody, and that is said
const closePatienceMs = 3_000;
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
  readonly #lookup: StartLookup;
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

  private constructor(
    options: ResolvedKafkaOptions,
    clock: Clock,
    consume: ConsumeOptions,
    handlers: ConsumeHandlers,
    kafka: Kafka,
    connection: GroupConnection,
  ) {
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
      handlers,
      kafkajs: loadKafkaJs(),
      findStarts: async (partitions, wanted) => {
        await this.#opened; // nothing is told before the caller has its consumer
        if (!(await this.#beforeStart(partitions, () => wanted() && !this.#isClosing()))) return [];
        return findStarts(this.#lookup, partitions, wanted);
      },
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
      accepted: () => (this.#knownMs = clock.nowMs()),
      expelled: () => this.#member.loseAll(),
    });
    const { log } = options;
    this.#lookup = { connection, committer: this.#committer, clock, from: consume.from, closing: this.#closing.signal, log };
    // a join may wait for the session of a dead member, and then for those who are slow to join
    this.#supervisor = new SupervisorState({
      maxRestarts: options.maxRestarts,
      hangMs: options.sessionTimeoutMs * 2 + options.requestTimeoutMs,
    });
  }

  static async open(
    options: ResolvedKafkaOptions,
    clock: Clock,
    consume: ConsumeOptions,
    handlers: ConsumeHandlers,
  ): Promise<KafkaConsumer> {
    const kafka = kafkaClient(options, consume.clientId);
    const doing = `join group ${consume.groupId}`;
    const connection = await patiently(clock, options.startPatienceMs, doing, options.brokers, () =>
      GroupConnection.open(kafka, consume.groupId, consume.topics),
    );
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

  stillOwned(partitions: readonly OwnedPartition[]): Promise<readonly OwnedPartition[]> {
    return this.#committer.stillOwned(partitions);
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
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
    const crashed = listenTo(client, member, {
      alive: () => {
        this.#supervisor.sign(this.#clock.nowMs());
      },
      known: () => {
        this.#knownMs = this.#clock.nowMs();
      },
    });
    try {
      await client.connect();
      await client.subscribe({ topics: [...this.#consume.topics], fromBeginning: true }); // never reached: starts are ours
      const eachBatch = (payload: EachBatchPayload): Promise<void> => {
        member.deliver(payload);
        return Promise.resolve();
      };
      await Promise.race([crashed, client.run({ autoCommit: false, eachBatchAutoResolve: true, eachBatch })]);
      await Promise.race([crashed, Promise.resolve()]); // run() resolves after a crash too
    } catch (error) {
      await this.#stopRun();
      throw error;
    }
    this.#supervisor.started(this.#clock.nowMs());
    crashed.catch((error: unknown) => {
      void this.#recover(run, error);
    });
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
    if (this.#isClosing() || this.#recovering || this.#run !== broken) return;
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
        if (this.#isClosing()) return;
        error = toTransportError(failure, `consume as ${this.#consume.groupId}`, this.#options.brokers);
      }
    }
    await this.#giveUp(error);
  }

  async #giveUp(error: TransportError): Promise<void> {
    this.#member.loseAll();
    await this.close();
    this.#handlers.failed(error);
  }

  /** Whether the partitions may be started. They are paused meanwhile, and nothing of them is read, offsets included. */
  async #beforeStart(partitions: readonly OwnedPartition[], wanted: () => boolean): Promise<boolean> {
    try {
      await this.#consume.beforeStart?.(partitions, wanted);
      return true;
    } catch (error) {
      if (!this.#isClosing())
        await this.#giveUp(new TransportError('transport_failed', `beforeStart rejected: ${messageOf(error)}`, { cause: error }));
      return false;
    }
  }

  #check(): void {
    this.#stopChecks = this.#clock.schedule(checkEveryMs, () => {
      if (this.#isClosing()) return;
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
    } else if (vital === 'quiet')
      this.#tell({ state: 'reconnecting', why: `no answer from ${this.#options.brokers.join(', ')} for some seconds` });
    else if (this.#joiningSinceMs === undefined) this.#tell({ state: 'ok' });
  }

  #tell(health: ConsumerHealth): void {
    if (this.#isClosing() || JSON.stringify(health) === JSON.stringify(this.#health)) return;
    this.#health = health;
    this.#handlers.health(health);
  }
}
