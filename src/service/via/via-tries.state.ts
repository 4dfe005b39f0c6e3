/** What a try at a request tells, as far as its order goes. */
export interface TriedPart {
  /** The try. */
  readonly run: string;
  /** Its place within the try: 0, 1, … */
  readonly seq: number;
}

export type TriedVerdict =
  /** It goes on. */
  | 'next'
  /** It goes on from the beginning: what came before is no part of it. */
  | 'anew'
  /** Written twice, or by a worker that has been given up. */
  | 'old'
  /** Something before it never came. */
  | 'gap';

/**
 * Puts together what comes of one request, which several workers may have worked on one after the other: the try that was begun last is the one that counts, in the order of the
 * log. A worker that stood still and goes on later tells of a try that nobody waits for. Holds two values.
 */
export class ViaTries {
  #run: string | undefined;
  #next = 0;
  #count = 0;

  /** How many tries were begun. */
  get count(): number {
    return this.#count;
  }

  see({ run, seq }: TriedPart): TriedVerdict {
    if (run === this.#run) {
      if (seq < this.#next) return 'old';
      if (seq > this.#next) return 'gap';
      this.#next += 1;
      return 'next';
    }
    if (seq !== 0) return this.#run === undefined ? 'gap' : 'old';
    this.#run = run;
    this.#next = 1;
    this.#count += 1;
    return this.#count === 1 ? 'next' : 'anew';
  }
}
