import type { Consumer } from '../transport/transport.ts';
import type { Owned } from './owned.ts';

const maxAheadBytes = 1024 * 1024; // over all partitions
const enoughAheadBytes = 128 * 1024; // of one partition

/** What was fetched and not taken yet: counts it, and pauses the partitions of which no more should come. */
export class Ahead {
  #consumer: Pick<Consumer, 'pause' | 'resume' | 'verify'> | undefined;
  #bytes = 0;

  get consumer(): Pick<Consumer, 'verify'> | undefined {
    return this.#consumer;
  }

  get bytes(): number {
    return this.#bytes;
  }

  attach(consumer: Pick<Consumer, 'pause' | 'resume' | 'verify'>, partitions: Iterable<Owned>): void {
    this.#consumer = consumer;
    const paused = [...partitions].filter((one) => one.paused); // decided before there was anyone to tell
    if (paused.length > 0) consumer.pause(paused);
  }

  add(owned: Owned, bytes: number): void {
    owned.aheadBytes += bytes;
    this.#bytes += bytes;
  }

  /**
   * A partition is paused while enough of it waits, or while too much waits over all. Not until nothing waits: a log
   * whose partitions are all paused sees that one is resumed after up to 0.1 s, with nothing to do meanwhile.
   */
  steer(partitions: Iterable<Owned>, stopped: boolean): void {
    const full = this.#bytes >= maxAheadBytes;
    const pause: Owned[] = [];
    const resume: Owned[] = [];
    for (const one of partitions) {
      const wanted = stopped || full || one.aheadBytes >= enoughAheadBytes;
      if (one.phase !== 'held' || wanted === one.paused) continue;
      one.paused = wanted;
      (wanted ? pause : resume).push(one);
    }
    if (pause.length > 0) this.#consumer?.pause(pause);
    if (resume.length > 0) this.#consumer?.resume(resume);
  }
}
