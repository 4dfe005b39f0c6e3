import { type CancelTimer, sleep } from '../../clock.ts';
import { TransportError } from '../../errors.ts';
import { formatPartition, type OutputRecord, parsePartition } from '../../record/record.ts';
import type { StoredOffset } from '../transport.ts';
import type { Broker } from './broker.ts';
import { type Fate, Faults } from './faults.state.ts';
import type { Committed } from './group.state.ts';
import { type Ended, TransactionalId } from './transactional-id.state.ts';

/** Who asks: a writer, under the epoch that it was given. */
export interface Writer {
  readonly transactionalId: string;
  readonly epoch: number;
}

interface Known {
  readonly id: TransactionalId;
  /** Ends the present transaction when it has lasted too long. */
  cancelExpiry: CancelTimer;
  /** Resolves when a decided commit is carried out. */
  completing: Promise<void> | undefined;
}

const nothing = (): void => undefined;

/**
 * The broker's part in transactions: obeys `TransactionalId`, writes the markers, and wakes the readers. Holds an entry
 * per transactional id that was ever used, as Kafka does for a week, and a timer per open transaction.
 */
export class TransactionCoordinator {
  readonly commitFaults = new Faults();
  /** How long a request of a writer is under way before it reaches the broker. */
  requestMs = 0;
  /** How long a commit that is decided, and answered, takes to be carried out. */
  completeMs = 0;
  readonly #broker: Broker;
  readonly #known = new Map<string, Known>();
  #last = 0;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  async fence(transactionalId: string, timeoutMs: number): Promise<Writer> {
    await this.#arrive();
    const known = this.#known.get(transactionalId) ?? { id: new TransactionalId(), cancelExpiry: nothing, completing: undefined };
    this.#known.set(transactionalId, known);
    const { epoch, ended } = known.id.fence(timeoutMs);
    this.#carryOut(known, ended);
    await this.#broker.answer(true, 'transact');
    return { transactionalId, epoch };
  }

  async begin(writer: Writer): Promise<void> {
    await this.#arrive();
    if (!this.#find(writer).id.isCurrent(writer.epoch)) throw fenced(writer);
  }

  async send(writer: Writer, topic: string, partition: number, records: readonly OutputRecord[]): Promise<bigint> {
    const known = this.#find(writer);
    const transaction = await this.#enter(writer, () => {
      this.#broker.requireRoom(topic, partition, records);
      return known.id.wrote(writer.epoch, formatPartition({ topic, partition }), this.#next, this.#nowMs());
    });
    const fate = this.#broker.sendFaults.next();
    const log = this.#broker.log(topic, partition);
    const base = fate.applied ? log.append(records, this.#nowMs(), transaction) : log.high;
    if (fate.applied) this.#broker.grown(topic, partition); // nobody can read it yet, but lag counts it
    await this.#broker.answer(fate.answered, 'send');
    return base;
  }

  async storeOffsets(writer: Writer, groupId: string, offsets: readonly StoredOffset[]): Promise<void> {
    const known = this.#find(writer);
    const stored = new Map<string, Committed>(offsets.map(({ offset, metadata, ...one }) => [formatPartition(one), { offset, metadata }]));
    let fate: Fate | undefined;
    await this.#enter(writer, () => {
      this.#broker.requireMetadata(offsets);
      if (!known.id.isCurrent(writer.epoch)) return 'fenced';
      fate ??= this.#broker.commitFaults.next();
      return fate.applied ? known.id.stored(writer.epoch, groupId, stored, this.#next, this.#nowMs()) : 'stored';
    });
    await this.#broker.answer(fate?.answered ?? true, 'store of offsets');
  }

  async commit(writer: Writer): Promise<void> {
    const known = this.#find(writer);
    await this.#arrive();
    if (!known.id.isCurrent(writer.epoch)) throw fenced(writer);
    const fate = this.commitFaults.next();
    if (fate.applied && known.id.prepare(writer.epoch) === 'prepared') this.#complete(known);
    await this.#broker.answer(fate.answered, 'commit of a transaction');
  }

  async abort(writer: Writer): Promise<void> {
    const known = this.#find(writer);
    await this.#arrive();
    const ended = known.id.abort(writer.epoch);
    if (ended === 'fenced') throw fenced(writer);
    if (ended !== 'empty') this.#carryOut(known, ended);
    await this.#broker.answer(true, 'abort');
  }

  readonly #next = (): number => {
    this.#last += 1;
    return this.#last;
  };

  #nowMs(): number {
    return this.#broker.options.clock.nowMs();
  }

  #find(writer: Writer): Known {
    const known = this.#known.get(writer.transactionalId);
    if (!known) throw new TransportError('transport_failed', `the memory broker knows no writer called ${writer.transactionalId}`);
    return known;
  }

  async #arrive(): Promise<void> {
    if (this.requestMs > 0) await sleep(this.#broker.options.clock, this.requestMs);
    this.#broker.requireUp();
  }

  /** What may begin a transaction: it comes again while the commit of the one before is carried out, as Kafka's clients do. */
  async #enter<T>(writer: Writer, attempt: () => T | 'fenced' | 'busy'): Promise<T> {
    const known = this.#find(writer);
    await this.#arrive();
    for (;;) {
      const answer = attempt();
      if (answer === 'fenced') throw fenced(writer);
      if (answer !== 'busy') {
        this.#watch(known);
        return answer;
      }
      await known.completing;
      this.#broker.requireUp();
    }
  }

  #watch(known: Known): void {
    const { deadlineMs } = known.id;
    if (deadlineMs === undefined || known.cancelExpiry !== nothing) return;
    known.cancelExpiry = this.#broker.options.clock.schedule(deadlineMs - this.#nowMs(), () => {
      known.cancelExpiry = nothing;
      this.#carryOut(known, known.id.expire(this.#nowMs()));
      this.#watch(known); // a machine's timer may run a moment early
    });
  }

  #complete(known: Known): void {
    if (this.completeMs === 0) {
      this.#carryOut(known, known.id.complete());
      return;
    }
    this.#stopExpiry(known);
    known.completing = sleep(this.#broker.options.clock, this.completeMs).then(() => {
      this.#carryOut(known, known.id.complete());
    });
  }

  /** Everything of a transaction shows in the same moment, in all partitions and all groups. */
  #carryOut(known: Known, ended: Ended | undefined): void {
    if (!ended) return;
    this.#stopExpiry(known);
    for (const key of ended.wrote) {
      const { topic, partition } = parsePartition(key);
      this.#broker.log(topic, partition).end(ended.transaction, ended.committed);
    }
    if (ended.committed)
      for (const [groupId, offsets] of ended.offsets)
        for (const [partition, committed] of offsets) this.#broker.group(groupId).store(partition, committed);
    for (const key of ended.wrote) {
      const { topic, partition } = parsePartition(key);
      this.#broker.grown(topic, partition);
    }
  }

  #stopExpiry(known: Known): void {
    known.cancelExpiry();
    known.cancelExpiry = nothing;
  }
}

const fenced = ({ transactionalId }: Writer): TransportError =>
  new TransportError(
    'fenced',
    `${transactionalId} was taken over by another writer, or its transaction lasted too long: close this writer, and open another only if the partition is still yours`,
  );
