import { Intake, newTurn, type Turn } from './intake.state.ts';

/** What a share may have. */
export interface ShareOptions {
  /** Of the model's time, against the other shares; above 0. @defaultValue 1 */
  readonly weight?: number;
  /** Most of `memory` that its tasks hold at once, above 0, at most 1. @defaultValue 1 */
  readonly memory?: number;
}

/** How a share stands. */
export interface ShareStats {
  readonly weight: number;
  /** Tasks taken and not ended. */
  readonly inFlight: number;
  /** What these hold of `memory`. */
  readonly memory: number;
}

interface Share<T extends Turn> extends Turn {
  weight: number;
  part: number;
  /** It was asked for, and stays when it has no tasks. */
  isKept: boolean;
  readonly intake: Intake<T>;
  tasks: number;
  memory: number;
  isFull: boolean;
}

/**
 * Who gives the next task: first by share, each by its weight, then as its own intake says. A share that holds its part of the memory waits, and the others go on; where the whole is held, all wait, so that a large task is not passed
 * by small ones for ever. One task is always let in: larger than all there is, it has all of it.
 *
 * Holds an entry for each share that was asked for, has tasks, or something to give.
 */
export class Shares<T extends Turn> {
  readonly #whole: number;
  readonly #shares = new Map<string, Share<T>>();
  readonly #ready = new Intake<Share<T>>();
  #tasks = 0;
  #memory = 0;
  #isFull = false;

  /** @param whole memory for all; Infinity: it is not counted. */
  constructor(whole: number, given: Readonly<Record<string, ShareOptions>> = {}) {
    this.#whole = whole;
    for (const [name, options] of Object.entries(given)) this.set(name, options);
  }

  /** What is left out stays as it is. */
  set(name: string, { weight, memory }: ShareOptions): void {
    const share = this.#of(name);
    share.weight = weight ?? share.weight;
    share.part = memory ?? share.part;
    share.isKept = true;
    this.#reopen(share);
  }

  weightOf(name: string): number {
    return this.#shares.get(name)?.weight ?? 1;
  }

  stats(): Readonly<Record<string, ShareStats>> {
    return Object.fromEntries(
      [...this.#shares].map(([name, { weight, tasks: inFlight, memory }]) => [name, { weight, inFlight, memory }] as const),
    );
  }

  /** It may have something to give. */
  enter(name: string, turn: T): void {
    const share = this.#of(name);
    share.intake.add(turn);
    if (!share.isFull) this.#ready.add(share);
  }

  /** It has nothing to give. */
  leave(name: string, turn: T): void {
    const share = this.#shares.get(name);
    share?.intake.remove(turn);
    this.#forget(name, share);
  }

  next(): T | undefined {
    if (this.#isFull) return undefined;
    for (let share = this.#ready.next(); share; share = this.#ready.next()) {
      const turn = share.intake.next();
      if (turn) return turn;
      this.#ready.remove(share);
    }
    return undefined;
  }

  /** Whether there is memory for a task of the share. Where there is none nobody of it is next, until some is free. */
  fits(name: string, memory: number): boolean {
    const share = this.#of(name);
    if (share.tasks > 0 && share.memory + memory > share.part * this.#whole) {
      share.isFull = true;
      this.#ready.remove(share);
      return false;
    }
    this.#isFull = this.#tasks > 0 && this.#memory + memory > this.#whole;
    return !this.#isFull;
  }

  /** Notes that a task was taken. */
  took(name: string, turn: T, { length, memory }: { readonly length: number; readonly memory: number }): void {
    const share = this.#of(name);
    share.intake.took(turn);
    this.#ready.took(share, length / share.weight);
    share.tasks += 1;
    share.memory += memory;
    this.#tasks += 1;
    this.#memory += memory;
  }

  /** A task that was taken has ended. */
  ended(name: string, memory: number): void {
    const share = this.#shares.get(name);
    if (!share) return;
    share.tasks -= 1;
    share.memory = share.tasks === 0 ? 0 : share.memory - memory;
    this.#tasks -= 1;
    this.#memory = this.#tasks === 0 ? 0 : this.#memory - memory;
    this.#reopen(share);
    this.#forget(name, share);
  }

  #reopen(share: Share<T>): void {
    this.#isFull = false;
    share.isFull = false;
    if (share.intake.size > 0) this.#ready.add(share);
  }

  #of(name: string): Share<T> {
    const found = this.#shares.get(name);
    if (found) return found;
    const share: Share<T> = {
      ...newTurn(0),
      ...{ weight: 1, part: 1, isKept: false, intake: new Intake<T>(), tasks: 0, memory: 0, isFull: false },
    };
    this.#shares.set(name, share);
    return share;
  }

  #forget(name: string, share: Share<T> | undefined): void {
    if (!share || share.isKept || share.tasks > 0 || share.intake.size > 0) return;
    this.#ready.remove(share);
    this.#shares.delete(name);
  }
}
