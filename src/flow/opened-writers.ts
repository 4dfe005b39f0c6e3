import { type Clock, sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { formatPartition } from '../record/record.ts';
import type { OwnedPartition, TransactionalProducer, Transport } from '../transport/transport.ts';
import { Backoff } from './backoff.state.ts';
import { transactionalIdOf } from './fenced-writer.ts';

export interface OpenedWritersOptions {
  readonly transport: Pick<Transport, 'transact'>;
  readonly clock: Clock;
  readonly groupId: string;
  readonly clientId: string;
  /** Whether opening will never work; any other failure is waited out. */
  readonly isFinal: (error: unknown) => boolean;
  /** Told when opening fails and is tried again, and (undefined) when that is over. */
  readonly trouble: (partition: OwnedPartition, why: string | undefined) => void;
}

const openedAtOnce = 16;

/**
 * Writers of transactions that were opened when their partitions were gained, before what the group has stored is read, and were
 * not taken into use yet: opening one fences whoever owned the partition before. Holds one for each partition.
 */
export class OpenedWriters {
  readonly #options: OpenedWritersOptions;
  readonly #opened = new Map<string, { readonly epoch: number; readonly producer: TransactionalProducer }>();
  readonly #stopping = new AbortController();

  constructor(options: OpenedWritersOptions) {
    this.#options = options;
  }

  /**
   * Opens those of partitions that were gained; tried again while they are wanted.
   * @throws what is final
   */
  async open(partitions: readonly OwnedPartition[], wanted: () => boolean): Promise<void> {
    const rest = partitions.values();
    const openInTurn = async (): Promise<void> => {
      for (const one of rest) await this.#open(one, () => wanted() && !this.#stopping.signal.aborted);
    };
    await Promise.all(Array.from({ length: openedAtOnce }, openInTurn));
  }

  async #open(partition: OwnedPartition, wanted: () => boolean): Promise<void> {
    const { transport, clock, groupId, clientId, isFinal, trouble } = this.#options;
    const id = formatPartition(partition);
    const backoff = new Backoff(50, 5_000);
    while (wanted()) {
      try {
        const producer = await transport.transact({ transactionalId: transactionalIdOf(groupId, partition), clientId });
        void this.#opened.get(id)?.producer.close();
        if (this.#stopping.signal.aborted) void producer.close();
        else this.#opened.set(id, { epoch: partition.epoch, producer });
        break;
      } catch (error) {
        if (isFinal(error)) throw error;
        trouble(partition, `opening the writer of ${id} fails and is tried again: ${messageOf(error)}`);
        await sleep(clock, backoff.failed(), this.#stopping.signal).catch(() => undefined);
      }
    }
    if (backoff.failures > 0) trouble(partition, undefined);
  }

  /** The one that was opened for this ownership, from now on the caller's; one of another ownership is closed. */
  take(partition: OwnedPartition): TransactionalProducer | undefined {
    const id = formatPartition(partition);
    const opened = this.#opened.get(id);
    this.#opened.delete(id);
    if (opened?.epoch === partition.epoch) return opened.producer;
    void opened?.producer.close();
    return undefined;
  }

  /** Closes the one of this ownership. */
  async close(partition: OwnedPartition): Promise<void> {
    const id = formatPartition(partition);
    const opened = this.#opened.get(id);
    if (opened?.epoch !== partition.epoch) return;
    this.#opened.delete(id);
    await opened.producer.close();
  }

  /** Closes all, and opens no more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const left = [...this.#opened.values()];
    this.#opened.clear();
    await Promise.allSettled(left.map(({ producer }) => producer.close()));
  }
}
