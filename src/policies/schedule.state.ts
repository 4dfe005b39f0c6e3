import { DeficitRounds } from './deficit-rounds.state.ts';
import { ClassTurns, type ClassTurnsOptions, serviceClasses } from './internal/class-turns.state.ts';
import { Heap, type HeapEntry } from './internal/heap.state.ts';
import { RunningPrefixes } from './internal/running-prefixes.state.ts';

/** What is known of a record that waits for its call. */
export interface JobFacts {
  /** Of its class: 0 goes first. */
  readonly rank: number;
  readonly tenant: string;
  readonly weight: number;
  /** What it costs its tenant; at least 0. */
  readonly tokens: number;
  /** Among equals in the order, who was taken first goes first. */
  readonly arrival: number;
  /** Until then others may pass it that came later: its place in the order. In the clock's milliseconds. */
  readonly passableUntilMs: number;
  /** What preemption goes by: the higher, the more urgent. */
  readonly priority: number;
  /** Of its prompt, shortest first. */
  readonly prefixes: readonly string[];
}

export interface Job<W> extends JobFacts, HeapEntry {
  readonly item: W;
  /** By its coming here. */
  readonly number: number;
  state: 'waiting' | 'running' | 'over';
  /** Its call was taken back for a more urgent one. */
  wasSentBack: boolean;
}

export interface ScheduleStateOptions extends ClassTurnsOptions {
  /** A head may go before another of its tenant for a longer shared prefix if its place in the order is at most so much later, in ms. */
  readonly prefixSlackMs: number;
}

const lookAt = 16; // heads that are compared for their prefixes
const averageOver = 64; // pieces that the quantum of a round is an average of

/**
 * Which of the records that wait starts next: by class, then by tenant in deficit rounds, then by its place in the order. Holds an
 * entry for each record that waits or runs, one for each tenant with such records or debts, and nothing of those that are gone.
 */
export class ScheduleState<W> {
  readonly #options: ScheduleStateOptions;
  readonly #classes: ClassTurns;
  readonly #tenants = serviceClasses.map(() => new DeficitRounds<string, Heap<Job<W>>>(1));
  readonly #running = new Heap<Job<W>>(isLessUrgent);
  readonly #prefixes = new RunningPrefixes();
  #waiting = 0;
  #numbers = 0;

  constructor(options: ScheduleStateOptions) {
    this.#options = options;
    this.#classes = new ClassTurns(options);
  }

  get waiting(): number {
    return this.#waiting;
  }

  get running(): number {
    return this.#classes.running;
  }

  /** Tenants that anything is held for. */
  get tenants(): number {
    return this.#tenants.reduce((sum, { size }) => sum + size, 0);
  }

  add(item: W, facts: JobFacts): Job<W> {
    const job: Job<W> = { ...facts, item, number: this.#numbers++, at: -1, state: 'waiting', wasSentBack: false };
    const rounds = this.#roundsOf(job);
    rounds.quantum += (costOf(job) - rounds.quantum) / (job.number === 0 ? 1 : averageOver);
    this.#wait(job);
    return job;
  }

  /** Takes out the one that starts now; undefined when nobody waits, or no place is free. */
  next(): Job<W> | undefined {
    const rank = this.#waiting === 0 ? undefined : this.#classes.next(this.#waits);
    const turn = rank === undefined ? undefined : this.#tenants[rank]?.turn();
    const job = turn && this.#headOf(turn.item);
    if (job) this.#start(job);
    return job;
  }

  /**
   * The running call whose place this one may have, which found none: the least urgent, if it is of no higher class and less urgent.
   * Whoever asks takes its call back and says so (`sendBack`, then `startNow`), or that it cannot be (`keep`).
   */
  victimFor(job: Job<W>): Job<W> | undefined {
    if (job.state !== 'waiting' || this.#classes.hasPlace(job.rank)) return undefined;
    const least = this.#running.peek();
    return least && least.rank >= job.rank && least.priority < job.priority ? least : undefined;
  }

  /** It is not to be sent back any more. */
  keep(job: Job<W>): void {
    if (job.state === 'running' && job.at >= 0) this.#running.remove(job);
  }

  /** Its call was taken back: it waits again, in its old place, and nobody takes it back once more. */
  sendBack(job: Job<W>): void {
    this.end(job);
    job.wasSentBack = true;
    this.#wait(job);
    this.#roundsOf(job).charge(job.tenant, -costOf(job));
  }

  /** Starts this one, whoever else waits; false when it does not wait any more. */
  startNow(job: Job<W>): boolean {
    if (job.state !== 'waiting') return false;
    this.#start(job);
    return true;
  }

  /** A call has ended. */
  end(job: Job<W>): void {
    if (job.state !== 'running') return;
    this.keep(job);
    job.state = 'over';
    this.#classes.end(job.rank);
    this.#prefixes.end(job.prefixes);
  }

  /** Takes out those that wait and are not to be kept; costs one look at each. */
  sweep(isKept: (item: W) => boolean): void {
    for (const rounds of this.#tenants) {
      for (const turn of rounds.turns()) {
        const before = turn.item.size;
        turn.item.sweep((job) => isKept(job.item));
        this.#waiting -= before - turn.item.size;
        if (turn.item.size === 0) rounds.leave(turn.key);
      }
    }
  }

  readonly #waits = (rank: number): boolean => (this.#tenants[rank]?.busy ?? 0) > 0;

  #wait(job: Job<W>): void {
    job.state = 'waiting';
    this.#waiting += 1;
    this.#roundsOf(job)
      .enter(job.tenant, job.weight, () => new Heap<Job<W>>(isBefore))
      .push(job);
  }

  #start(job: Job<W>): void {
    const rounds = this.#roundsOf(job);
    const own = rounds.find(job.tenant)?.item;
    own?.remove(job);
    rounds.charge(job.tenant, costOf(job));
    if (own?.size === 0) rounds.leave(job.tenant);
    this.#waiting -= 1;
    this.#classes.start(job.rank, this.#waits);
    this.#prefixes.start(job.prefixes);
    job.state = 'running';
    if (!job.wasSentBack) this.#running.push(job);
  }

  /** The first in the order, or one close behind it whose prompt shares more with what runs. */
  #headOf(heap: Heap<Job<W>>): Job<W> | undefined {
    const first = heap.peek();
    if (first === undefined || first.prefixes.length === 0 || heap.size === 1) return first;
    const lastMs = first.passableUntilMs + this.#options.prefixSlackMs;
    let [best, most] = [first, this.#prefixes.shared(first.prefixes)];
    for (const job of heap.first(lookAt)) {
      if (job.passableUntilMs > lastMs) break;
      const shared = this.#prefixes.shared(job.prefixes);
      if (shared > most) [best, most] = [job, shared];
    }
    return best;
  }

  #roundsOf({ rank }: JobFacts): DeficitRounds<string, Heap<Job<W>>> {
    return this.#tenants[rank] as DeficitRounds<string, Heap<Job<W>>>; // ranks are those of the classes
  }
}

/** Who is served for nothing would never pass the turn on. */
const costOf = ({ tokens }: JobFacts): number => Math.max(1, tokens);

function isBefore(a: Job<unknown>, b: Job<unknown>): boolean {
  if (a.passableUntilMs !== b.passableUntilMs) return a.passableUntilMs < b.passableUntilMs;
  return a.arrival === b.arrival ? a.number < b.number : a.arrival < b.arrival;
}

/** The lowest class, in it the lowest priority, and of those the one that came last: it has lost the least. */
function isLessUrgent(a: Job<unknown>, b: Job<unknown>): boolean {
  if (a.rank !== b.rank) return a.rank > b.rank;
  return a.priority === b.priority ? a.number > b.number : a.priority < b.priority;
}
