import { PipelineError, TransportError } from '../errors.ts';
import { formatPartition } from '../record/record.ts';
import type { OwnedPartition, Transaction, TransactionalProducer, Transport } from '../transport/transport.ts';
import type { CommitSnapshot } from './commit-snapshot.ts';
import type { Owned } from './owned.ts';
import { judge } from './transaction.state.ts';

/** The partition, and what the group has stored for it as far as we know. */
export type WriterPartition = Pick<Owned, 'topic' | 'partition' | 'epoch' | 'stored'>;

export interface FencedWriterOptions {
  readonly transport: Pick<Transport, 'transact' | 'committed'>;
  readonly groupId: string;
  readonly clientId: string;
  /** Asks the group whether it still gives this partition to us. Rejects when nobody can say. */
  readonly stillOwned: (partition: OwnedPartition) => Promise<boolean>;
}

export const transactionalIdOf = (groupId: string, { topic, partition }: Omit<OwnedPartition, 'epoch'>): string =>
  `${groupId}-${topic}-${String(partition)}`;

/**
 * The writer of transactions for one owned partition. One that failed is thrown away; the next finds out what became of the
 * last transaction, and is opened only while the group says that the partition is ours: who was fenced by the next owner must
 * not fence back.
 */
export class FencedWriter {
  readonly #owned: WriterPartition;
  readonly #options: FencedWriterOptions;
  #producer: TransactionalProducer | undefined;
  #closing: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @param producer opened when the partition was gained, before what the group has stored was read */
  constructor(owned: WriterPartition, producer: TransactionalProducer | undefined, options: FencedWriterOptions) {
    this.#owned = owned;
    this.#producer = producer;
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#producer !== undefined;
  }

  begin(): Promise<Transaction> {
    if (!this.#producer) throw new TransportError('transport_failed', 'the writer is not open');
    return this.#producer.begin();
  }

  /** Throws the present producer away. */
  spend(): void {
    const producer = this.#producer;
    this.#producer = undefined;
    if (producer) this.#closing = producer.close().catch(() => undefined);
  }

  /**
   * Opens the next one. Resolves with what became of the transaction before.
   * @param unseen what it would have stored, where its commit was asked for and not answered
   * @throws TransportError `fenced` when the group has taken the partition from us; PipelineError `fenced` when somebody stores
   * offsets for it although it is ours
   */
  async reopen(unseen: Pick<CommitSnapshot, 'offset' | 'metadata'> | undefined): Promise<'committed' | 'aborted'> {
    const { transport, groupId, clientId } = this.#options;
    const { topic, partition, stored } = this.#owned;
    await this.#requireOwned();
    await this.#closing;
    const producer = await transport.transact({ transactionalId: transactionalIdOf(groupId, this.#owned), clientId });
    try {
      const found = (await transport.committed(groupId, [{ topic, partition }]))[0];
      const verdict = judge(found, stored, unseen);
      if (verdict === 'usurped') {
        await this.#requireOwned(); // else it was the next owner, who may
        throw usurped(groupId, this.#owned, found?.offset);
      }
      if (this.#isClosed) throw new TransportError('transport_failed', 'the writer is closed');
      this.#producer = producer;
      return verdict;
    } catch (error) {
      await producer.close().catch(() => undefined);
      throw error;
    }
  }

  /** Aborts what is open. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.spend();
    await this.#closing;
  }

  async #requireOwned(): Promise<void> {
    if (await this.#options.stillOwned(this.#owned)) return;
    throw new TransportError('fenced', `the group has given ${formatPartition(this.#owned)} to another member`);
  }
}

function usurped(groupId: string, owned: WriterPartition, offset: bigint | undefined): PipelineError {
  const [expected, got] = [owned.stored?.offset, offset].map((one) => (one === undefined ? 'nothing' : String(one)));
  return new PipelineError(
    'fenced',
    `somebody else has stored offsets of group ${groupId} for ${formatPartition(owned)} (expected ${String(expected)}, got ${String(got)}) while this member owns it: two programs use the group, or an owner of the past was late; what is in flight is given back, so that nothing is written twice`,
  );
}
