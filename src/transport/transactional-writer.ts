import { messageOf, TransportError } from '../errors.ts';
import type { OutputRecord } from '../record/record.ts';
import type { StoredOffset, Transaction, TransactionalProducer } from './transport.ts';

/** What a log does for a writer of transactions. Failures are TransportErrors. */
export interface TransactionLink {
  readonly transactionalId: string;
  begin(): Promise<void>;
  send(topic: string, partition: number, records: readonly OutputRecord[]): Promise<bigint>;
  storeOffsets(groupId: string, offsets: readonly StoredOffset[]): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
  disconnect(): Promise<void>;
}

/**
 * The part of a writer of transactions that is the same for every log: who may be called when, and what spends it. Holds
 * what is under way.
 */
export class TransactionalWriter implements TransactionalProducer {
  readonly #link: TransactionLink;
  readonly #underWay = new Set<Promise<unknown>>();
  #present: Transaction | undefined;
  /** The end of the present transaction, once it was asked for. */
  #ending: Promise<void> | undefined;
  #spent: TransportError | undefined;
  #closed: Promise<void> | undefined;

  constructor(link: TransactionLink) {
    this.#link = link;
  }

  async begin(): Promise<Transaction> {
    if (this.#closed) throw this.#outOfTurn('the writer is closed');
    if (this.#present) throw this.#outOfTurn('its last transaction has not ended');
    const transaction: Transaction = {
      send: async (topic, partition, records) => {
        this.#requireOpen(transaction);
        if (records.length === 0) throw this.#outOfTurn('a send needs at least one record');
        return this.#ask(() => this.#link.send(topic, partition, records));
      },
      storeOffsets: async (groupId, offsets) => {
        this.#requireOpen(transaction);
        if (offsets.length > 0) await this.#ask(() => this.#link.storeOffsets(groupId, offsets));
      },
      commit: async () => this.#end(transaction, () => this.#link.commit()),
      abort: async () => this.#end(transaction, () => this.#link.abort()),
    };
    this.#present = transaction;
    try {
      await this.#ask(() => this.#link.begin());
    } catch (error) {
      this.#present = undefined;
      throw error;
    }
    return transaction;
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#ending?.catch(() => undefined);
      await this.#quiet();
      // what cannot be aborted now is aborted by the log, after the timeout
      if (this.#present && !this.#spent) await this.#ask(() => this.#link.abort()).catch(() => undefined);
      this.#present = undefined;
      await this.#link.disconnect();
    })();
    return this.#closed;
  }

  #end(transaction: Transaction, request: () => Promise<void>): Promise<void> {
    this.#requireOpen(transaction);
    this.#ending = (async () => {
      try {
        await this.#quiet();
        await this.#ask(request);
      } finally {
        this.#present = undefined;
        this.#ending = undefined;
      }
    })();
    return this.#ending;
  }

  /** What is under way ends first: a send that a commit overtakes would belong to no transaction, or to the next. */
  async #quiet(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  async #ask<T>(request: () => Promise<T>): Promise<T> {
    if (this.#spent) throw this.#spentError(this.#spent);
    const asked = request();
    this.#underWay.add(asked);
    try {
      return await asked;
    } catch (error) {
      const failure = error instanceof TransportError ? error : new TransportError('transport_failed', messageOf(error), { cause: error });
      if (failure.grade !== 'record') this.#spent ??= failure;
      throw failure;
    } finally {
      this.#underWay.delete(asked);
    }
  }

  #requireOpen(transaction: Transaction): void {
    if (this.#closed) throw this.#outOfTurn('the writer is closed');
    if (this.#present !== transaction || this.#ending) throw this.#outOfTurn('this transaction has ended');
  }

  #outOfTurn(why: string): TransportError {
    return new TransportError('transport_failed', `cannot write as ${this.#link.transactionalId}: ${why}`);
  }

  #spentError(cause: TransportError): TransportError {
    const text = `${this.#link.transactionalId} is spent, close it and open another: ${cause.message}`;
    return new TransportError(cause.code, text, { cause });
  }
}
