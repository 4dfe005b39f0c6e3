import type { Clock } from '../../clock.ts';
import { TransportError } from '../../errors.ts';
import type { TopicDescription } from '../transport.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { describeTopics } from './kafka-topics.ts';

const ageMs = 60_000;

/**
 * How many partitions topics have, a minute old at most; shared by all writers of a transport. It is asked apart from
 * them: kafkajs would remember a missing topic and ask for it for ever. Holds a number per topic written to.
 */
export class TopicPlaces {
  readonly #options: ResolvedKafkaOptions;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly count: Promise<number>; readonly atMs: number }>();

  constructor(options: ResolvedKafkaOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** @throws TransportError `unknown_topic` */
  async partitionsOf(topic: string): Promise<number> {
    const known = this.#known.get(topic);
    if (known && this.#clock.nowMs() - known.atMs < ageMs) return known.count;
    const asked = { count: this.#ask(topic), atMs: this.#clock.nowMs() };
    this.#known.set(topic, asked);
    try {
      return await asked.count;
    } catch (error) {
      if (this.#known.get(topic) === asked) this.#known.delete(topic);
      throw error;
    }
  }

  /** kafkajs would look for a missing topic again and again, and for a missing partition. @throws TransportError `unknown_topic` */
  async check(topic: string, partition: number): Promise<void> {
    const count = await this.partitionsOf(topic);
    if (Number.isInteger(partition) && partition >= 0 && partition < count) return;
    throw new TransportError(
      'unknown_topic',
      `cannot write to ${topic}: partition must be from 0 to ${String(count - 1)}, got ${String(partition)}`,
    );
  }

  /** Somebody asked for these anyway: a pipeline that starts asks once for all of its topics. */
  learn(found: ReadonlyMap<string, TopicDescription>): void {
    const atMs = this.#clock.nowMs();
    for (const [topic, { partitions }] of found) this.#known.set(topic, { count: Promise.resolve(partitions.length), atMs });
  }

  /** A broker says that there is no such topic any more. */
  forget(topic: string): void {
    this.#known.delete(topic);
  }

  async #ask(topic: string): Promise<number> {
    const found = (await describeTopics(this.#options, this.#clock, [topic])).get(topic);
    if (found) return found.partitions.length;
    throw new TransportError('unknown_topic', `cannot write to ${topic}: there is no such topic; create it, or check its name`);
  }
}
