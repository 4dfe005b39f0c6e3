import { sleep, type Clock } from '../clock.ts';
import { seededRandom } from '../inference/scripted/seeded-random.ts';
import { Arrivals } from './arrivals.state.ts';
import type { Ask } from './ask-over-http.ts';
import type { Limit, LoadPlan } from './load-plan.ts';
import { LoadTally } from './load-tally.state.ts';
import type { LoadTask, TaskEnd } from './task-end.state.ts';

export interface RunLoadOptions {
  readonly plan: Pick<LoadPlan, 'shape' | 'limit' | 'warmUp' | 'users' | 'seed' | 'timeoutMs'>;
  readonly clock: Clock;
  readonly ask: Ask;
  /** Aborted: nothing begins any more, and what is open is given up. */
  readonly signal: AbortSignal;
  /** The measured part begins. */
  readonly onBegin: (tally: LoadTally) => void;
  /** Each task of the measured part, as it ends. */
  readonly onEnd: (end: TaskEnd) => void;
}

/** A queue whose task fails at once begins the next one so long after it: a target that is away is not asked in a loop. */
const afterFailureMs = 100;

/**
 * Presses a target as the plan says, and counts what comes of it. First the warm-up, to its end, then the measured part from nothing open to nothing open.
 * Holds one task a queue, or `maxOpen` in an open loop; who is due meanwhile waits as a time that is computed, not as an entry.
 * Resolves when nothing is open; false: it was stopped before.
 */
export async function runLoad(options: RunLoadOptions): Promise<boolean> {
  const { plan, clock, signal, onBegin } = options;
  if (plan.warmUp) await new Phase(options, plan.warmUp, 'warm-up', undefined).run();
  if (signal.aborted) return false;
  const tally = new LoadTally(clock.nowMs(), plan.timeoutMs);
  onBegin(tally);
  const phase = new Phase(options, plan.limit, 'run', tally);
  await phase.run();
  return phase.isWhole;
}

/** One part of a run. */
class Phase {
  readonly #options: RunLoadOptions;
  readonly #limit: Limit;
  readonly #tally: LoadTally | undefined;
  readonly #random: () => number;
  readonly #startMs: number;
  #taken = 0;
  #open = 0;
  #onRoom = (): void => undefined;
  /** Nothing that was to begin has been left out by a stop, and nothing was given up. */
  isWhole = true;

  constructor(options: RunLoadOptions, limit: Limit, name: 'warm-up' | 'run', tally: LoadTally | undefined) {
    this.#options = options;
    this.#limit = limit;
    this.#tally = tally;
    this.#random = seededRandom(options.plan.seed, 'arrivals', name);
    this.#startMs = options.clock.nowMs();
  }

  async run(): Promise<void> {
    const { shape } = this.#options.plan;
    if (shape.loop === 'open') await this.#arrive(shape.perSecond, shape.maxOpen);
    else await Promise.all(Array.from({ length: shape.queues }, (_, index) => this.#queue(index + 1)));
    if (this.#options.signal.aborted) this.isWhole = false;
  }

  /** One task after the other. */
  async #queue(queue: number): Promise<void> {
    const { clock, signal } = this.#options;
    for (let loop = 1; !signal.aborted && this.#mayBegin(loop, clock.nowMs()); loop += 1) {
      const dueMs = clock.nowMs();
      const { failure } = await this.#do(queue, dueMs);
      const tooSoonMs = dueMs + afterFailureMs - clock.nowMs();
      if (failure !== undefined && tooSoonMs > 0) await sleep(clock, tooSoonMs, signal).catch(() => undefined); // the loop looks at the signal
    }
  }

  #mayBegin(loop: number, atMs: number): boolean {
    const limit = this.#limit;
    if (limit.by === 'loops') return loop <= limit.loops;
    return limit.by === 'tasks' ? this.#taken < limit.tasks : atMs - this.#startMs < limit.durationMs;
  }

  /** Tasks begin when they are due, whatever became of those before. */
  async #arrive(perSecond: number, maxOpen: number): Promise<void> {
    const { clock, signal } = this.#options;
    const arrivals = new Arrivals(perSecond, this.#random);
    const open = new Set<Promise<unknown>>();
    for (let due = this.#startMs + arrivals.next(); this.#mayBegin(1, due); due = this.#startMs + arrivals.next()) {
      while (clock.nowMs() < due && !signal.aborted) await sleep(clock, due - clock.nowMs(), signal).catch(() => undefined);
      while (this.#open >= maxOpen && !signal.aborted && !this.#isTimeOver()) await this.#room();
      if (signal.aborted) break;
      if (this.#open >= maxOpen) {
        this.#giveUp(arrivals, maxOpen);
        break;
      }
      const task = this.#do(0, due);
      open.add(task);
      void task.then(() => open.delete(task));
    }
    await Promise.all(open);
  }

  #isTimeOver(): boolean {
    const limit = this.#limit;
    return limit.by === 'time' && this.#options.clock.nowMs() - this.#startMs >= limit.durationMs;
  }

  /** Until one of the open ones has ended, or the time is over. */
  #room(): Promise<void> {
    const { clock } = this.#options;
    const limit = this.#limit;
    return new Promise((resolve) => {
      const cancel =
        limit.by === 'time'
          ? clock.schedule(Math.max(0, this.#startMs + limit.durationMs - clock.nowMs()), () => this.#onRoom())
          : () => undefined;
      this.#onRoom = () => {
        cancel();
        resolve();
      };
    });
  }

  /** The time is over, and these were due: to leave them out would tell of a target that was better than it was. */
  #giveUp(arrivals: Arrivals, maxOpen: number): void {
    let count = 1;
    while (this.#mayBegin(1, this.#startMs + arrivals.next())) count += 1;
    this.#tally?.neverStarted(count, `due within the time, but ${String(maxOpen)} were open (--max-open)`);
  }

  async #do(queue: number, dueMs: number): Promise<TaskEnd> {
    const { plan, clock, ask, signal, onEnd } = this.#options;
    const tally = this.#tally;
    this.#taken += 1;
    this.#open += 1;
    const task: LoadTask = { number: this.#taken, queue, user: userOf(plan, this.#taken, queue), dueMs };
    tally?.started(dueMs, clock.nowMs());
    const end = await ask(task, (tokens, gap) => tally?.chunk(tokens, gap), signal);
    this.#open -= 1;
    tally?.ended(end);
    if (tally) onEnd(end);
    this.#onRoom();
    return end;
  }
}

function userOf({ users, shape }: RunLoadOptions['plan'], number: number, queue: number): string | undefined {
  if (users === undefined) return undefined;
  const nth = shape.loop === 'closed' && shape.queueIsUser ? queue : 1 + ((number - 1) % users);
  return `user-${String(nth)}`;
}
