import type { Consumer as KafkaJsConsumer, EachBatchPayload, Kafka } from 'kafkajs';
import { atMost, type Clock, sleep } from '../../clock.ts';
import { messageOf, TransportError } from '../../errors.ts';
import type { ConsumeHandlers, ConsumeOptions, Consumer, OffsetCommit, OwnedPartition } from '../transport.ts';
import { listenTo } from './client-signs.ts';
import { Committer } from './commit.ts';
import { groupClient } from './group-client.ts';
import { GroupConnection } from './group-connection.ts';
import { GroupMember, type MemberRun } from './group-member.ts';
import { kafkaClient } from './kafka-client.ts';
import { isFinal, toTransportError } from './kafka-errors.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { loadKafkaJs } from './kafkajs.ts';
import { thisMachine } from './machine.ts';
import { clientIdOf, type MemberName } from './member-name.ts';
import { patiently } from './patience.ts';
import { nameFor, Predecessors } from './predecessors.ts';
import { findLow, findStarts, type StartLookup } from './start-lookup.ts';
import { Standstills } from './standstill.state.ts';
import { watchTopics } from './topic-watch.ts';
import { Watchdog } from './watchdog.ts';

const closePatienceMs = 3_000;

interface Run {
  readonly client: KafkaJsConsumer;
  readonly member: MemberRun;
  /** Ends it as a crash would. */
  readonly fail: (error: Error) => void;
}

/** What a consumer is made of. */
interface Parts {
  readonly options: ResolvedKafkaOptions;
  readonly clock: Clock;
  readonly consume: ConsumeOptions;
  readonly handlers: ConsumeHandlers;
  readonly connection: GroupConnection;
  /** What its client id says of it; undefined: nothing. */
  readonly name: MemberName | undefined;
}

/** One consumer: a group member, the client that runs it, and the supervisor that starts that again when it breaks or hangs. */
export class KafkaConsumer implements Consumer {
  readonly #parts: Parts;
  readonly #clientId: string;
  readonly #kafka: Kafka;
  readonly #member: GroupMember;
  readonly #committer: Committer;
  readonly #lookup: StartLookup;
  readonly #watchdog: Watchdog;
  readonly #predecessors: Predecessors | undefined;
  readonly #standstills = new Standstills();
  readonly #closing = new AbortController();
  /** Resolves when the caller has its consumer. */
  readonly #opened = Promise.withResolvers<undefined>();
  #run: Run | undefined;
  #recovering = false;
  #closed: Promise<void> | undefined;

  private constructor(parts: Parts) {
    const { options, clock, consume, handlers, connection, name } = parts;
    this.#parts = parts;
    const base = consume.clientId ?? options.clientId;
    this.#clientId = name ? clientIdOf(base, name) : base;
    this.#kafka = kafkaClient(options, this.#clientId);
    this.#watchdog = this.#watch();
    this.#member = new GroupMember({
      handlers,
      kafkajs: loadKafkaJs(),
      findStarts: async (partitions, wanted) => {
        await this.#opened.promise; // nothing is told before the caller has its consumer
        if (!(await this.#beforeStart(partitions, () => wanted() && !this.#isClosing()))) return [];
        return findStarts(this.#lookup, partitions, wanted);
      },
      findLow: (partition, wanted) => findLow(this.#lookup, partition, () => wanted() && !this.#isClosing()),
      standing: (partition, sight) => this.#standstills.note(partition, sight, clock.nowMs()),
      joining: () => {
        this.#watchdog.joining();
        this.#predecessors?.joining();
      },
      joined: () => {
        this.#watchdog.joined();
        this.#predecessors?.joined();
      },
      heartbeat: (underWay) => this.#watchdog.heartbeat(underWay),
    });
    this.#committer = new Committer({
      state: this.#member.state,
      connection,
      clock,
      brokers: options.brokers,
      patienceMs: options.sessionTimeoutMs * 2,
      accepted: (sentMs) => this.#watchdog.known(sentMs),
      expelled: () => this.#member.loseAll(),
    });
    this.#lookup = {
      ...{ connection, committer: this.#committer, clock, consume, atFirst: connection.partitionCounts(consume.topics) },
      ...{ closing: this.#closing.signal, log: options.log },
    };
    const succeeded = (error: TransportError): void => this.#run?.fail(error);
    const { isGone } = thisMachine();
    if (name)
      this.#predecessors = new Predecessors({ connection, clock, groupId: consume.groupId, own: name, isGone, kafka: options, succeeded });
  }

  #watch(): Watchdog {
    const { options: kafka, clock, consume, handlers } = this.#parts;
    const gone = (error: TransportError): unknown => (this.#isClosing() ? undefined : this.#giveUp(error));
    const topics = watchTopics(kafka, clock, consume.topics, gone);
    return new Watchdog({
      ...{ clock, groupId: consume.groupId, kafka },
      health: (state) => {
        if (state.state === 'ok') topics.heard();
        handlers.health(state);
      },
      quiet: () => topics.look(),
      still: () => this.#standstills.why(clock.nowMs()),
      forgotten: () => {
        if (this.#member.state.memberId !== null) this.#member.loseAll();
      },
      hung: () => {
        this.#run?.fail(new TransportError('transport_unavailable', 'the client has fallen silent'));
      },
    });
  }

  static async open(
    options: ResolvedKafkaOptions,
    clock: Clock,
    consume: ConsumeOptions,
    handlers: ConsumeHandlers,
  ): Promise<KafkaConsumer> {
    const { groupId, topics } = consume;
    const patient = <T>(attempt: () => Promise<T>): Promise<T> =>
      patiently(clock, options.startPatienceMs, `join group ${groupId}`, options.brokers, attempt);
    const connection = await patient(() => GroupConnection.open(kafkaClient(options, consume.clientId), groupId, topics));
    let consumer: KafkaConsumer | undefined;
    try {
      const name = await nameFor(consume.instance, connection, clock, thisMachine());
      const opening = new KafkaConsumer({ options, clock, consume, handlers, connection, name });
      consumer = opening;
      await patient(() => opening.#start());
    } catch (error) {
      await (consumer ?? connection).close();
      throw error;
    }
    consumer.#opened.resolve(undefined);
    return consumer;
  }

  /** Under which name the broker knows this consumer; for logs and tests. */
  get membership(): { readonly groupId: string; readonly memberId: string | null; readonly clientId: string } {
    return { groupId: this.#parts.consume.groupId, memberId: this.#member.clientMemberId, clientId: this.#clientId };
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

  verify(): void {
    this.#watchdog.verify();
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
    this.#watchdog.stop();
    this.#predecessors?.stop();
    this.#run?.member.end(); // from here on it delivers nothing and cannot join again
    const { clock, connection } = this.#parts;
    await atMost(clock, closePatienceMs, this.#leave());
    await this.#stopRun();
    this.#member.state.identify(null); // without a word: the owner knows
    await atMost(clock, closePatienceMs, connection.close());
  }

  async #start(): Promise<void> {
    const { options, consume } = this.#parts;
    const member = this.#member.startRun();
    const client = groupClient(this.#kafka, options, consume, member.partitionAssigner);
    const over = Promise.withResolvers<never>();
    over.promise.catch(() => undefined); // before anybody waits for it
    const run: Run = { client, member, fail: over.reject };
    this.#run = run;
    this.#watchdog.starting();
    listenTo(client, member, {
      alive: () => this.#watchdog.alive(),
      known: () => this.#watchdog.known(),
      crashed: over.reject,
    });
    try {
      await Promise.race([over.promise, this.#join(run)]);
      await Promise.race([over.promise, Promise.resolve()]); // run() resolves after a crash too
    } catch (error) {
      await this.#stopRun();
      throw error;
    }
    this.#watchdog.supervisor.started(this.#parts.clock.nowMs());
    over.promise.catch((error: unknown) => {
      void this.#recover(run, error);
    });
  }

  async #join({ client, member }: Run): Promise<void> {
    await client.connect();
    await client.subscribe({ topics: [...this.#parts.consume.topics], fromBeginning: true }); // never reached: starts are ours
    const eachBatch = (payload: EachBatchPayload): Promise<void> => {
      member.deliver(payload);
      return Promise.resolve();
    };
    await client.run({ autoCommit: false, eachBatchAutoResolve: true, eachBatch });
  }

  /** Ends the present run, and not the membership. */
  async #stopRun(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    this.#run = undefined;
    this.#predecessors?.stop();
    run.member.end();
    await atMost(this.#parts.clock, closePatienceMs, run.client.disconnect());
  }

  /** Over our own connection, so that it waits for nothing that the client waits for. */
  async #leave(): Promise<void> {
    const { connection, name } = this.#parts;
    const memberId = this.#member.clientMemberId ?? '';
    if (memberId !== '') await connection.leave(memberId).catch(() => undefined);
    if (name === undefined || (memberId !== '' && !this.#watchdog.isJoining)) return;
    // in a join nobody here knows the id that the broker has given: left alone it would hold up the others for a session
    for (const one of await connection.members()) if (one.clientId === this.#clientId) await connection.leave(one.memberId);
  }

  async #recover(broken: Run, cause: unknown): Promise<void> {
    if (this.#isClosing() || this.#recovering || this.#run !== broken) return;
    this.#recovering = true;
    const { options, clock, consume } = this.#parts;
    const { supervisor } = this.#watchdog;
    let error = toTransportError(cause, `consume as ${consume.groupId}`, options.brokers);
    for (;;) {
      const next = isFinal(error) ? 'give-up' : supervisor.failed(clock.nowMs(), Math.random());
      if (next === 'give-up') break;
      this.#watchdog.broken(error.message);
      await this.#stopRun();
      try {
        await sleep(clock, next.retryInMs, this.#closing.signal);
        await this.#start();
        this.#recovering = false;
        this.#watchdog.tell({ state: 'ok' });
        return;
      } catch (failure) {
        if (this.#isClosing()) return;
        error = toTransportError(failure, `consume as ${consume.groupId}`, options.brokers);
      }
    }
    await this.#giveUp(error);
  }

  async #giveUp(error: TransportError): Promise<void> {
    this.#member.loseAll();
    await this.close();
    this.#parts.handlers.failed(error);
  }

  /** Whether the partitions may be started. They are paused meanwhile, and nothing of them is read, offsets included. */
  async #beforeStart(partitions: readonly OwnedPartition[], wanted: () => boolean): Promise<boolean> {
    try {
      await this.#parts.consume.beforeStart?.(partitions, wanted);
      return true;
    } catch (error) {
      if (!this.#isClosing())
        await this.#giveUp(new TransportError('transport_failed', `beforeStart rejected: ${messageOf(error)}`, { cause: error }));
      return false;
    }
  }
}
