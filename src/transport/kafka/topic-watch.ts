import type { Clock } from '../../clock.ts';
import { TransportError } from '../../errors.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { describeTopics } from './kafka-topics.ts';

const patienceMs = 10_000; // a busy broker forgets, for a moment, a topic that it has

export interface TopicWatchOptions {
  readonly clock: Clock;
  readonly topics: readonly string[];
  /** Which of the topics the cluster knows. */
  readonly ask: () => Promise<{ has(topic: string): boolean }>;
  /** The topics are gone for good. */
  readonly gone: (error: TransportError) => unknown;
}

/**
 * Looks whether topics still exist while their reader hears nothing. One that is gone for 10 s ends the reader: in a topic that is
 * made anew under its name, what the group has stored would name other records.
 */
export class TopicWatch {
  readonly #options: TopicWatchOptions;
  #missing: readonly string[] = [];
  #sinceMs: number | undefined;
  #asking = false;

  constructor(options: TopicWatchOptions) {
    this.#options = options;
  }

  /** Looks once more, and says what the last look has found; undefined while all topics are there, or nobody knows. */
  look(): string | undefined {
    if (!this.#asking) void this.#ask();
    return this.#missing.length === 0 ? undefined : this.#why();
  }

  /** The reader hears again. */
  heard(): void {
    this.#missing = [];
    this.#sinceMs = undefined;
  }

  async #ask(): Promise<void> {
    const { clock, topics, ask, gone } = this.#options;
    this.#asking = true;
    try {
      const found = await ask();
      this.#missing = topics.filter((topic) => !found.has(topic));
    } catch {
      this.#missing = []; // nobody can say
    }
    this.#asking = false;
    if (this.#missing.length === 0) this.#sinceMs = undefined;
    else this.#sinceMs ??= clock.nowMs();
    if (this.#sinceMs !== undefined && clock.nowMs() - this.#sinceMs >= patienceMs) gone(new TransportError('unknown_topic', this.#why()));
  }

  #why(): string {
    const [what, verb] = this.#missing.length === 1 ? ['topic', 'does'] : ['topics', 'do'];
    return `${what} ${this.#missing.join(', ')} ${verb} not exist any more; create it anew and delete the offsets of the group for it, or take another group: what is stored names records of the deleted topic`;
  }
}

/** A watch that asks the brokers. */
export const watchTopics = (
  options: ResolvedKafkaOptions,
  clock: Clock,
  topics: readonly string[],
  gone: TopicWatchOptions['gone'],
): TopicWatch => new TopicWatch({ clock, topics, ask: () => describeTopics(options, clock, topics), gone });
