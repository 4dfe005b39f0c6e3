import { TransportError } from '../../errors.ts';
import type { OutputRecord } from '../../record/record.ts';
import type { Producer } from '../transport.ts';
import type { Broker } from './broker.ts';

/** Writes to the broker. Holds the sends under way, nothing else. */
export class MemoryProducer implements Producer {
  readonly #broker: Broker;
  readonly #underWay = new Set<Promise<unknown>>();
  #closed = false;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that what is thrown rejects
  async partitionsOf(topic: string): Promise<number> {
    this.#requireOpen();
    this.#broker.requireUp();
    return this.#broker.topic(topic).length;
  }

  async send(topic: string, partition: number, records: readonly OutputRecord[]): Promise<bigint> {
    this.#requireOpen();
    const sending = this.#broker.send(topic, partition, records);
    this.#underWay.add(sending);
    try {
      return await sending;
    } finally {
      this.#underWay.delete(sending);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
  }

  #requireOpen(): void {
    if (this.#closed) throw new TransportError('transport_failed', 'the producer is closed: open another with produce()');
  }
}
