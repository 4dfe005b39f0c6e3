/** A work that wants to be done. */
export interface Asked {
  readonly id: number;
  /** False for what is done in no time and needs no sequence: it goes ahead of the others, wherever. */
  readonly takesPlace: boolean;
  /** How its prompt begins; a process that has had such a prompt may have kept it. */
  readonly beginning: string;
  /** It may have brought a process down: nothing else is in the process that has it. */
  readonly isSuspect: boolean;
}

export interface Given {
  readonly id: number;
  readonly process: number;
}

interface Process {
  /** `leaving`: it finishes what it has, and gets nothing more. */
  phase: 'ready' | 'leaving' | 'starting' | 'down';
  /** What it works on, what it is to stop included. */
  readonly works: Map<number, Asked>;
  /** Beginnings of the prompts that it has had, the latest last; as many as it has places. */
  readonly beginnings: Set<string>;
  /** Of its works, those that take a place. */
  load: number;
}

/**
 * Who does which work: in order of arrival, the process with the least to do; one that has kept the beginning of the prompt comes first
 * while it has at most one work more than that. Suspects go one at a time to one process, which has nothing else meanwhile and takes
 * nothing else before the last of them is through; the others go on. It is the same process, also while it is started again, unless
 * it is down.
 *
 * Holds what is asked for and not yet over; whoever asks bounds it.
 */
export class ProcessPoolState {
  readonly #places: number;
  readonly #processes: readonly Process[];
  readonly #suspects = new Map<number, Asked>();
  readonly #quick = new Map<number, Asked>();
  readonly #waiting = new Map<number, Asked>();
  readonly #where = new Map<number, number>();
  #quarantine: number | undefined;

  /** `places`: works that a process is given at once. */
  constructor(processes: number, places: number) {
    this.#places = places;
    this.#processes = Array.from({ length: processes }, () => ({ phase: 'starting', works: new Map(), beginnings: new Set(), load: 0 }));
  }

  /** Works that wait for a process. */
  get waiting(): number {
    return this.#suspects.size + this.#quick.size + this.#waiting.size;
  }

  /** Asks for a process; call {@link next} until it has no more. */
  ask(asked: Asked): void {
    this.#queueOf(asked).set(asked.id, asked);
  }

  /** Takes back what waits. The process that has it already, which must be told to stop; it has it until `over`. */
  leave(id: number): number | undefined {
    for (const queue of [this.#suspects, this.#quick, this.#waiting]) queue.delete(id);
    return this.#where.get(id);
  }

  /** All that wait, and do so no more. */
  leaveAll(): readonly number[] {
    const queues = [this.#suspects, this.#quick, this.#waiting];
    const ids = queues.flatMap((queue) => [...queue.keys()]);
    for (const queue of queues) queue.clear();
    return ids;
  }

  /** A process has ended a work, or stopped it. */
  over(id: number): void {
    const at = this.#where.get(id);
    const process = at === undefined ? undefined : this.#processes[at];
    if (!process) return;
    if (process.works.get(id)?.takesPlace === true) process.load -= 1;
    process.works.delete(id);
    this.#where.delete(id);
  }

  ready(index: number): void {
    const process = this.#processes[index];
    if (process) process.phase = 'ready';
  }

  /** It gets nothing more until it is ready again. */
  leaving(index: number): void {
    const process = this.#processes[index];
    if (process?.phase === 'ready') process.phase = 'leaving';
  }

  /** Those that are to leave, and have nothing any more. */
  get left(): readonly number[] {
    return this.#processes.flatMap(({ phase, works }, index) => (phase === 'leaving' && works.size === 0 ? [index] : []));
  }

  /** A process is gone; `comesBack` within seconds. What it had. */
  gone(index: number, comesBack: boolean): readonly number[] {
    const process = this.#processes[index];
    if (!process) return [];
    const ids = [...process.works.keys()];
    for (const id of ids) this.over(id);
    process.beginnings.clear();
    process.phase = comesBack ? 'starting' : 'down';
    return ids;
  }

  /** The next work that can be given away, and to whom. */
  next(): Given | undefined {
    this.#chooseQuarantine();
    return this.#nextSuspect() ?? this.#nextQuick() ?? this.#nextWaiting();
  }

  #nextSuspect(): Given | undefined {
    const process = this.#quarantine === undefined ? undefined : this.#processes[this.#quarantine];
    if (this.#quarantine === undefined || process?.phase !== 'ready' || process.works.size > 0) return undefined;
    return this.#give(first(this.#suspects), this.#quarantine);
  }

  #nextQuick(): Given | undefined {
    const asked = first(this.#quick);
    return asked && this.#give(asked, this.#least(this.#open()));
  }

  #nextWaiting(): Given | undefined {
    const asked = first(this.#waiting);
    if (!asked) return undefined;
    const open = this.#open().filter((index) => this.#loadOf(index) < this.#places);
    const least = this.#least(open);
    if (least === undefined) return undefined;
    const keeps = open.filter((index) => this.#processes[index]?.beginnings.has(asked.beginning) === true);
    const kept = this.#least(keeps);
    return this.#give(asked, kept !== undefined && this.#loadOf(kept) <= this.#loadOf(least) + 1 ? kept : least);
  }

  #chooseQuarantine(): void {
    const current = this.#quarantine === undefined ? undefined : this.#processes[this.#quarantine];
    const runs = current !== undefined && [...current.works.values()].some(({ isSuspect }) => isSuspect);
    if (this.#suspects.size === 0 && !runs) this.#quarantine = undefined;
    else if (current === undefined || current.phase === 'down') this.#quarantine = this.#least(this.#ready());
  }

  #ready(): readonly number[] {
    return this.#processes.flatMap(({ phase }, index) => (phase === 'ready' ? [index] : []));
  }

  #open(): readonly number[] {
    return this.#ready().filter((index) => index !== this.#quarantine);
  }

  #least(indexes: readonly number[]): number | undefined {
    const [head, ...rest] = indexes;
    return head === undefined ? undefined : rest.reduce((a, b) => (this.#loadOf(b) < this.#loadOf(a) ? b : a), head);
  }

  #loadOf(index: number): number {
    return this.#processes[index]?.load ?? 0;
  }

  #give(asked: Asked | undefined, index: number | undefined): Given | undefined {
    const process = index === undefined ? undefined : this.#processes[index];
    if (asked === undefined || index === undefined || !process) return undefined;
    this.#queueOf(asked).delete(asked.id);
    process.works.set(asked.id, asked);
    this.#where.set(asked.id, index);
    if (asked.takesPlace) {
      process.load += 1;
      process.beginnings.delete(asked.beginning);
      process.beginnings.add(asked.beginning);
      if (process.beginnings.size > this.#places) process.beginnings.delete([...process.beginnings][0] ?? '');
    }
    return { id: asked.id, process: index };
  }

  #queueOf({ isSuspect, takesPlace }: Asked): Map<number, Asked> {
    return isSuspect ? this.#suspects : takesPlace ? this.#waiting : this.#quick;
  }
}

const first = (queue: ReadonlyMap<number, Asked>): Asked | undefined => queue.values().next().value;
