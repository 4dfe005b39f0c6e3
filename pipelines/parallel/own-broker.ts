import { type Clock, memory } from 'millrace';

type MemoryTransport = ReturnType<typeof memory>;

/** Tasks that end between two looks at what was read. */
const forgetEvery = 500;

export interface OwnBrokerOptions {
  readonly clock: Clock;
  readonly input: string;
  readonly dead: string;
  /** Who reads the input. */
  readonly groupId: string;
}

/**
 * A broker of the engine's own. It keeps whatever was not read, and forgets what was: a record takes some hundred bytes of memory however few are in it, so bytes are no bound for a million of them. Holds the records of tasks under way, and of
 * 500 that have ended, beside what is not committed yet.
 */
export class OwnBroker {
  readonly transport: MemoryTransport;
  readonly #options: OwnBrokerOptions;
  #ended = 0;

  constructor(options: OwnBrokerOptions) {
    this.#options = options;
    this.transport = memory({ clock: options.clock, partitions: 1, retentionBytes: Number.MAX_SAFE_INTEGER });
  }

  /** The record of a task was worked on. */
  ended(): void {
    this.#ended += 1;
    if (this.#ended % forgetEvery > 0) return;
    const { input, groupId } = this.#options;
    // before what is committed nobody reads any more
    void this.transport.committed(groupId, [{ topic: input, partition: 0 }]).then(([stored]) => {
      if (stored) this.transport.broker.truncate(input, 0, stored.offset);
    });
  }

  /** The letter at this offset was read. */
  readLetter(offset: bigint): void {
    this.transport.broker.truncate(this.#options.dead, 0, offset);
  }
}
