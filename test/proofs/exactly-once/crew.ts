import { startWorker, type Worker } from '../../helpers/worker.ts';
import type { Assigned, Case, InWindow, Refused } from './case.ts';

const patienceMs = 60_000;

interface Place {
  worker: Worker;
  /** When each partition was given to it last. */
  readonly assignedMs: Map<number, number>;
}

/** Two members of one group, each a process of its own; hears what they say. */
export class Crew {
  readonly refused = new Set<string>();
  readonly failures: string[] = [];
  readonly #given: Case;
  readonly #places: readonly [Place, Place];

  constructor(given: Case) {
    this.#given = given;
    this.#places = [this.#place(), this.#place()];
  }

  #place(): Place {
    const place = { worker: this.#start(), assignedMs: new Map<number, number>() };
    this.#listen(place, place.worker);
    return place;
  }

  #start(): Worker {
    return startWorker(new URL('worker.ts', import.meta.url), this.#given);
  }

  #listen(place: Place, worker: Worker): void {
    const gone = (): void => undefined;
    hear(worker, 'assigned', ({ partitions }) => {
      for (const partition of partitions) place.assignedMs.set(partition, performance.now());
    }).catch(gone);
    hear(worker, 'refused', ({ name }) => this.refused.add(name)).catch(gone);
    hear(worker, 'failed', ({ why }) => this.failures.push(why)).catch(gone);
  }

  /** Both own something. */
  async ready(): Promise<void> {
    await until('both members own partitions', () => this.#places.every(({ assignedMs }) => assignedMs.size > 0));
  }

  /** Kills one with -9 and starts it again at once. */
  async killAndRestart(which: number): Promise<void> {
    const place = this.#at(which);
    process.kill(place.worker.pid, 'SIGKILL');
    await place.worker.end();
    place.worker = this.#start();
    this.#listen(place, place.worker);
    await this.#joinsAgain(place);
  }

  /** Stops one for so long. */
  async pause(which: number, ms: number): Promise<void> {
    const place = this.#at(which);
    process.kill(place.worker.pid, 'SIGSTOP');
    await wait(ms);
    process.kill(place.worker.pid, 'SIGCONT');
    await this.#joinsAgain(place);
  }

  /** Stops one in the middle of a transaction until the other has been given its partition and has read the offset; then lets it go on. */
  async handOverInWindow(which: number): Promise<void> {
    const [victim, heir] = [this.#at(which), this.#at(which + 1)];
    victim.worker.say('stop-in-window');
    const { partition } = await victim.worker.next<InWindow>('in-window');
    const stoppedMs = performance.now();
    try {
      await until(`the heir owns partition ${String(partition)}`, () => (heir.assignedMs.get(partition) ?? 0) > stoppedMs);
    } finally {
      process.kill(victim.worker.pid, 'SIGCONT');
    }
    await this.#joinsAgain(victim);
  }

  /** Drains both. */
  async end(): Promise<void> {
    for (const { worker } of this.#places) worker.say('end');
    await Promise.all(this.#places.map(({ worker }) => worker.end(60_000)));
  }

  kill(): void {
    for (const { worker } of this.#places) {
      try {
        process.kill(worker.pid, 'SIGKILL');
      } catch {
        // it is gone
      }
    }
  }

  async #joinsAgain(place: Place): Promise<void> {
    const sinceMs = performance.now();
    await until('the member owns partitions again', () => Math.max(0, ...place.assignedMs.values()) > sinceMs);
  }

  #at(which: number): Place {
    return this.#places[which % 2] ?? this.#places[0];
  }
}

/** What workers say unasked, by kind. */
interface Said {
  readonly assigned: Assigned;
  readonly refused: Refused;
  readonly failed: { readonly why: string };
}

/** Hears everything of one kind until the worker ends. */
async function hear<K extends keyof Said>(worker: Worker, kind: K, heard: (said: Said[K]) => void): Promise<void> {
  for (;;) heard(await worker.next<Said[K]>(kind));
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: string, holds: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + patienceMs;
  while (!holds()) {
    if (performance.now() > giveUpMs) throw new Error(`waited ${String(patienceMs / 1000)} s and still not: ${what}`);
    await wait(2);
  }
}
