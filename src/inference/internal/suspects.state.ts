/** What is known of a request that was in a process when it crashed. */
interface Suspicion {
  /** For crashes in which nothing else was in the process: two for one of the process's own, one for an end that may have come from outside. */
  readonly weight: number;
  readonly atMs: number;
}

/** Whether a process ended by itself (a segmentation fault, an abort), or by a signal that somebody else sends (`SIGKILL`). */
export type EndedBy = 'itself' | 'outside';

const mostKept = 1_024;
const keptMs = 600_000;
const enoughWeight = 4;
/** So many killers with no call going well between them are no killers: something is wrong with the machine, or with the model. */
const mostInARow = 3;

/**
 * Requests that may have brought the model's process down, by a hash of them. All that were in it when it crashed are suspects, and
 * run alone from then on, in a process that has just shown that it works: who goes down with it twice, alone, was the reason. An end
 * that may have come from outside (a person, the system short of memory) is weak evidence: it counts half.
 *
 * Holds the last 1,024 suspects, each for 10 minutes after its last crash.
 */
export class Suspects {
  readonly #known = new Map<string, Suspicion>();
  #inARow = 0;

  /** Whether any are known: without one nobody needs a hash. */
  get any(): boolean {
    return this.#known.size > 0;
  }

  has(key: string, nowMs: number): boolean {
    const suspicion = this.#known.get(key);
    if (suspicion === undefined) return false;
    if (nowMs - suspicion.atMs < keptMs) return true;
    this.#known.delete(key);
    return false;
  }

  /** A process crashed with these requests in it. True: there was one only, and it is the reason. */
  crashed(keys: readonly string[], by: EndedBy, nowMs: number): boolean {
    const alone = keys.length === 1;
    let isKiller = false;
    for (const key of new Set(keys)) {
      const suspicion = this.has(key, nowMs) ? this.#known.get(key) : undefined;
      const { weight = 0 } = suspicion ?? {};
      const added = alone ? (by === 'itself' ? 2 : 1) : 0;
      this.#known.delete(key); // to the end: the first is the one that crashed longest ago
      this.#known.set(key, { weight: weight + added, atMs: nowMs });
      isKiller = alone && weight + added >= enoughWeight;
    }
    for (const key of this.#known.keys()) {
      if (this.#known.size <= mostKept) break;
      this.#known.delete(key);
    }
    if (!isKiller || this.#inARow === mostInARow) return false;
    this.#inARow += 1;
    return true;
  }

  /** A request went well. */
  cleared(key: string | undefined): void {
    this.#inARow = 0;
    if (key !== undefined) this.#known.delete(key);
  }
}
