import type { Clock } from '../clock.ts';
import type { Topic } from '../pipeline.ts';
import type { Log } from './logging.ts';
import { closeCodecs, type OpenedCodec, openTopic } from './open-codecs.ts';

interface Opened {
  readonly topic: unknown;
  readonly opened: readonly OpenedCodec[];
}

/** Topics whose codecs are open for writing: each by its first use, all until `close`. Holds what it has opened. */
export class WritingTopics {
  readonly #clock: Clock;
  readonly #log: () => Log;
  readonly #given = new Map<unknown, Promise<Opened>>();
  readonly #over = new AbortController();

  constructor(clock: Clock, log: () => Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** The topic with its codecs open. One that could not be opened is tried anew by the next use. */
  async open<T, K>(topic: Topic<T, K>): Promise<Topic<T, K>> {
    let opening = this.#given.get(topic);
    if (opening === undefined) {
      opening = openTopic(topic, 'out', { clock: this.#clock, log: this.#log(), signal: this.#over.signal });
      this.#given.set(topic, opening);
      opening.catch(() => this.#given.delete(topic));
    }
    return (await opening).topic as Topic<T, K>;
  }

  async close(): Promise<void> {
    this.#over.abort(new DOMException('the client is closed', 'AbortError'));
    const all = [...this.#given.values()];
    this.#given.clear();
    for (const one of await Promise.allSettled(all)) if (one.status === 'fulfilled') await closeCodecs(one.value.opened);
  }
}
