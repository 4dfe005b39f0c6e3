import { TransportError } from '../errors.ts';
import type { OutputRecord, SourceRecord } from '../record/record.ts';
import type { Transport } from '../transport/transport.ts';
import { type Letter, letterOf, redriven } from './letter.ts';
import { type LetterFilter, passes } from './letter-filter.ts';
import { Partitioner } from './partitioner.ts';

/** Why a letter stays where it is. */
export const skipReasons = {
  filter: 'not what the filters ask for',
  payload_omitted: 'the letter has no payload: the record was too large to be written',
  unreadable: 'the letter stands for records that could not be read',
  loop_guard: 'sent too often already; --force sends it all the same',
  no_topic: 'its topic does not exist; --to names another',
  refused: 'the broker refused it',
  not_a_letter: 'no dead letter of ours',
} as const;

export type SkipReason = keyof typeof skipReasons;

/** A record that was sent so often and failed again is not sent by itself any more. */
export const mostRedrives = 3;

export interface RedrivePlanOptions {
  readonly transport: Pick<Transport, 'describeTopics'>;
  readonly filter: LetterFilter;
  /** Where letters go. @defaultValue the topic each was read from */
  readonly to?: string | undefined;
  /** Send also what was sent {@link mostRedrives} times. */
  readonly force: boolean;
}

/** One record of a dead-letter topic, in its turn. */
export type RedriveStep = { readonly offset: bigint } & (
  | {
      readonly what: 'send';
      readonly to: { readonly topic: string; readonly partition: number; readonly record: OutputRecord };
    }
  | { readonly what: 'leave'; readonly why: SkipReason }
  /** An earlier run has sent it. */
  | { readonly what: 'before' }
);

/** Decides letter by letter whether it is sent, and where to. Holds a number per topic. */
export class RedrivePlan {
  readonly #options: RedrivePlanOptions;
  readonly #partitions = new Map<string, number>();
  readonly #partitioner = new Partitioner();

  constructor(options: RedrivePlanOptions) {
    this.#options = options;
  }

  /** @throws TransportError `unknown_topic` where all letters are to go to a topic that does not exist */
  async check(): Promise<void> {
    const { to } = this.#options;
    if (to !== undefined && (await this.#partitionsOf(to)) === 0)
      throw new TransportError('unknown_topic', `topic ${to} (--to) does not exist; create it first`);
  }

  async of(record: SourceRecord): Promise<RedriveStep> {
    const { offset } = record;
    const { filter, force, to } = this.#options;
    const letter = letterOf(record);
    if (letter === undefined) return { offset, what: 'leave', why: 'not_a_letter' };
    if (!passes(filter, letter)) return { offset, what: 'leave', why: 'filter' };
    if (letter.payload !== 'whole') return { offset, what: 'leave', why: letter.payload === 'omitted' ? 'payload_omitted' : 'unreadable' };
    if (letter.redrives >= mostRedrives && !force) return { offset, what: 'leave', why: 'loop_guard' };
    const topic = to ?? letter.source.topic;
    const partitions = await this.#partitionsOf(topic);
    if (partitions === 0) return { offset, what: 'leave', why: 'no_topic' };
    return { offset, what: 'send', to: { topic, partition: this.#place(letter, partitions), record: redriven(letter) } };
  }

  /** Back into its own topic a record goes to the partition it was in, whoever chose that; elsewhere its key decides. */
  #place({ source, original }: Letter, partitions: number): number {
    if (this.#options.to === undefined && source.partition < partitions) return source.partition;
    if (original.key === null) this.#partitioner.turn();
    return this.#partitioner.choose(original.key, partitions);
  }

  async #partitionsOf(topic: string): Promise<number> {
    const known = this.#partitions.get(topic);
    if (known !== undefined) return known;
    const found = (await this.#options.transport.describeTopics([topic])).get(topic)?.partitions.length ?? 0;
    this.#partitions.set(topic, found);
    return found;
  }
}
