import { type Clock, memory } from 'millrace';

export type EmbeddedBroker = ReturnType<typeof memory>;

const mebibyte = 2 ** 20;
/** As many answers are read between two looks. */
const forgetEvery = 500;

/** A broker of this process alone. It keeps what was not read, whatever its size; what was read `Forgetter` takes away. */
export const embeddedBroker = (clock: Clock): EmbeddedBroker =>
  memory({ clock, partitions: 1, retentionBytes: Number.MAX_SAFE_INTEGER, maxRecordBytes: 64 * mebibyte });

export interface ForgetterOptions {
  /** Topics of one partition. */
  readonly input: string;
  readonly output: string;
  /** Who reads the input. */
  readonly groupId: string;
}

/** Forgets what was read of an embedded broker's topics, or a million documents would stay in memory. */
export class Forgetter {
  readonly #transport: EmbeddedBroker;
  readonly #options: ForgetterOptions;
  #count = 0;

  constructor(transport: EmbeddedBroker, options: ForgetterOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  /** An answer was read, at this offset. */
  read(offset: bigint): void {
    this.#count += 1;
    if (this.#count % forgetEvery > 0) return;
    const { input, output, groupId } = this.#options;
    const { broker } = this.#transport;
    broker.truncate(output, 0, offset);
    // before what is committed nobody reads any more
    void this.#transport.committed(groupId, [{ topic: input, partition: 0 }]).then(([stored]) => {
      if (stored) broker.truncate(input, 0, stored.offset);
    });
  }
}
