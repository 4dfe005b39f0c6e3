import { lastValueFrom, Observable, type Subscriber } from 'rxjs';
import { abortReason, type Clock } from '../../clock.ts';
import { InferenceError, OverloadError, type StreamError } from '../../errors.ts';
import type { OpenContext } from '../../resource.ts';
import type { ModelState } from '../model.ts';
import { crashedWith, killedBy } from './crash-errors.ts';
import { errorOfData } from './error-of-data.ts';
import { FileWatch } from './file-watch.ts';
import { MemoryWatch } from './memory-watch.ts';
import { ModelProcess, warmUpWork } from './model-process.ts';
import type { Placement } from './placements.ts';
import type { ProcessEnd } from './process-end.ts';
import { closedModel } from '../internal/closed-model.ts';
import { ProcessPoolState } from '../internal/process-pool.state.ts';
import { ProcessQuestions } from './process-questions.ts';
import type { EngineActivity, EngineFacts, EngineSettings, Work, WorkEvent } from './protocol.ts';
import { summedActivity } from './summed-activity.ts';
import { Suspects } from '../internal/suspects.state.ts';
import { withWait } from './with-wait.ts';
import { beginningOf, keyOf } from './work-key.ts';

export interface ModelPoolOptions {
  /** Of each process. */
  readonly settings: EngineSettings;
  /** One for each process. */
  readonly placements: readonly Placement[];
  /** Works that may wait besides those that have a sequence; more fail with `overloaded`. */
  readonly maxWaiting: number;
  /** A process that takes more is replaced when it has finished what it works on. @defaultValue none is */
  readonly maxMemoryBytes?: number | undefined;
  readonly context: OpenContext;
  /** What runs in the processes. @defaultValue the engine */
  readonly entry?: URL;
}

/** A work that somebody wants, or that a process is to stop. */
interface Open {
  readonly work: Work;
  readonly out: Subscriber<WorkEvent>;
  readonly askedMs: number;
  /** What it has waited for a process. */
  waitedMs: number;
  isWanted: boolean;
}

/**
 * The processes of one model, and who does what. Works wait here and not in a process: a crash fails only those that were in it, with
 * `model_crashed`. Those are suspects: tried again, each runs alone in a process, and one that brings it down twice, alone, fails with
 * `model_killed`. A process that cannot be started again leaves the work to the others.
 *
 * Holds at most a work for each sequence, and `maxWaiting`; and what {@link Suspects} holds.
 */
export class ModelPool {
  readonly #settings: EngineSettings;
  readonly #maxOpen: number;
  readonly #clock: Clock;
  readonly #log: OpenContext['log'];
  readonly #processes: readonly ModelProcess[];
  readonly #state: ProcessPoolState;
  readonly #suspects = new Suspects();
  readonly #open = new Map<number, Open>();
  readonly #questions: ProcessQuestions;
  readonly #memory: MemoryWatch;
  readonly #file: FileWatch;
  #wanted = 0;
  #facts: EngineFacts | undefined;
  #isClosed = false;
  #lastId = 0;

  private constructor({ settings, placements, maxWaiting, maxMemoryBytes, context, entry }: ModelPoolOptions) {
    this.#settings = settings;
    this.#maxOpen = placements.length * settings.sequences + maxWaiting;
    this.#clock = context.clock;
    this.#log = context.log;
    // one more for each two sequences: its prompt becomes tokens while the others are computed
    this.#state = new ProcessPoolState(placements.length, settings.sequences + Math.ceil(settings.sequences / 2));
    this.#processes = placements.map(
      (placement, index) =>
        new ModelProcess(
          { settings, placement, context, entry },
          {
            ready: () => {
              this.#state.ready(index);
              this.#handOut();
            },
            event: (event) => this.#onEvent(event),
            gone: (end) => this.#onGone(index, end),
          },
        ),
    );
    this.#questions = new ProcessQuestions(this.#processes, () => this.#newId());
    const ask = async (index: number): Promise<number | undefined> =>
      (await this.#questions.ask<EngineActivity>(index, { kind: 'activity' }))?.memoryBytes;
    const leave = (index: number): void => {
      this.#state.leaving(index);
      this.#renew();
    };
    const spoiled = (why: StreamError): void => this.#processes.forEach((one) => one.giveUp(why));
    this.#file = new FileWatch({ path: settings.modelPath, clock: this.#clock, log: this.#log, spoiled });
    this.#memory = new MemoryWatch({ processes: placements.length, maxMemoryBytes, clock: this.#clock, log: this.#log, ask, leave });
  }

  /** Resolves when the model is in the memory of all processes. @throws what a process says of the model; the reason of `context.signal`. */
  static async start(options: ModelPoolOptions): Promise<{ readonly pool: ModelPool; readonly facts: EngineFacts }> {
    const { signal } = options.context;
    const givenUp = (): boolean => signal.aborted;
    if (givenUp()) throw abortReason(signal);
    const pool = new ModelPool(options);
    const onAbort = (): void => void pool.close();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return { pool, facts: await pool.#start() };
    } catch (error) {
      await pool.close();
      if (givenUp()) throw abortReason(signal);
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Of the processes that run now. */
  get pids(): readonly number[] {
    return this.#processes.flatMap(({ pid }) => pid ?? []);
  }

  /** One work, begun on subscription and stopped within one token on unsubscription. */
  run(work: Work): Observable<WorkEvent> {
    return new Observable((out) => {
      const refusal = this.#refusal();
      if (refusal) {
        out.error(refusal);
        return;
      }
      const id = this.#newId();
      const open: Open = { work, out, askedMs: this.#clock.nowMs(), waitedMs: 0, isWanted: true };
      this.#open.set(id, open);
      this.#wanted += 1;
      out.add(() => {
        this.#leave(id, open);
      });
      if (out.closed) return;
      this.#state.ask({ id, takesPlace: work.kind !== 'count', beginning: beginningOf(work), isSuspect: this.#isSuspect(work) });
      this.#handOut();
      void this.#file.look();
    });
  }

  /** What the processes that answer have done and do, together. */
  async activity(): Promise<EngineActivity> {
    return summedActivity(await this.#questions.askAll<EngineActivity>({ kind: 'activity' }));
  }

  async state(): Promise<ModelState> {
    const { running, waiting, heldTokens, memoryBytes } = await this.activity();
    const slots = this.#processes.filter(({ phase }) => phase !== 'failed').length * this.#settings.sequences;
    const roomTokens = Math.max(1, slots) * (this.#facts?.contextTokens ?? Number.POSITIVE_INFINITY);
    const restarts = this.#processes.reduce((sum, one) => sum + one.restarts, 0);
    return { running, waiting: waiting + this.#state.waiting, slots, kvUse: Math.min(1, heldTokens / roomTokens), memoryBytes, restarts };
  }

  /** Resolves when each process that is at work has computed something. */
  async warmUp(): Promise<void> {
    const refusal = this.#refusal();
    if (refusal) throw refusal;
    const isReady = this.#processes.some(({ phase }) => phase === 'ready');
    if (isReady) await this.#questions.askAll(warmUpWork);
    else await lastValueFrom(this.run(warmUpWork), { defaultValue: undefined }); // waits for one that is being started again
  }

  /** Ends the processes; open works fail with `model_unavailable`. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#fail([...this.#open.keys()], closedModel);
    this.#questions.close();
    await Promise.all(this.#processes.map((one) => one.close()));
  }

  /** The first alone: what is wrong with the model or the options is found once. */
  async #start(): Promise<EngineFacts> {
    const [first, ...others] = this.#processes;
    if (!first) throw new RangeError('expected at least one process');
    this.#facts = await first.start();
    await Promise.all(others.map((one) => one.start()));
    await Promise.all([this.#memory.requireEnough(), this.#file.begin()]);
    return this.#facts;
  }

  #refusal(): StreamError | undefined {
    if (this.#isClosed) return closedModel();
    const down = this.#downReason();
    if (down) return down;
    if (this.#wanted < this.#maxOpen) return undefined;
    return new OverloadError(
      `expected at most ${String(this.#maxOpen)} calls of the model at once: use a permit, or raise llama.maxWaiting`,
    );
  }

  /** Why nothing can be done, where no process is at work or comes back within seconds. */
  #downReason(): StreamError | undefined {
    if (this.#processes.some(({ phase }) => phase === 'ready' || phase === 'starting')) return undefined;
    const resting = this.#processes.filter(({ phase }) => phase === 'resting');
    if (resting.length === 0) return this.#processes.find(({ failure }) => failure)?.failure;
    const retryAfterMs = Math.min(...resting.map(({ restMs }) => restMs));
    return new InferenceError('model_unavailable', 'the model keeps crashing; it is started again later', { retryAfterMs });
  }

  #handOut(): void {
    for (let given = this.#state.next(); given; given = this.#state.next()) {
      const open = this.#open.get(given.id);
      if (!open) continue;
      open.waitedMs = this.#clock.nowMs() - open.askedMs;
      this.#processes[given.process]?.tell({ kind: 'start', id: given.id, work: open.work });
    }
  }

  #leave(id: number, open: Open): void {
    if (!open.isWanted) return; // it is over
    open.isWanted = false;
    this.#wanted -= 1;
    const process = this.#state.leave(id);
    if (process === undefined) this.#open.delete(id);
    else this.#processes[process]?.tell({ kind: 'cancel', id });
    this.#handOut();
  }

  #onEvent(event: WorkEvent): void {
    if (this.#questions.answered(event)) return;
    const open = this.#open.get(event.id);
    if (!open) return;
    const looking = this.#file.look(event.kind === 'done');
    if (event.kind === 'text') {
      if (open.isWanted) open.out.next(event);
    } else if (looking === undefined) this.#onOver(event, open);
    else void looking.then(() => this.#onOver(event, open));
  }

  #onOver(event: Exclude<WorkEvent, { readonly kind: 'text' }>, open: Open): void {
    if (!this.#open.has(event.id)) return; // its process was ended meanwhile
    this.#open.delete(event.id);
    this.#state.over(event.id);
    if (event.kind !== 'stopped') this.#suspects.cleared(this.#suspects.any ? keyOf(open.work) : undefined);
    this.#end(open, event);
    this.#renew();
    this.#memory.look();
    this.#handOut();
  }

  /** Those that were to finish what they had. */
  readonly #renew = (): void => this.#state.left.forEach((index) => this.#processes[index]?.renew());

  #end(open: Open, event: WorkEvent): void {
    if (!open.isWanted) return;
    open.isWanted = false;
    this.#wanted -= 1;
    if (event.kind === 'failed') open.out.error(errorOfData(event.error));
    else {
      open.out.next(event.kind === 'done' ? withWait(event, open.waitedMs) : event);
      open.out.complete();
    }
  }

  #onGone(index: number, end: ProcessEnd): void {
    const process = this.#processes[index];
    const comesBack = process?.phase === 'starting';
    const ids = this.#state.gone(index, comesBack);
    this.#questions.gone(index);
    const keys = this.#found(ids).map(({ work }) => keyOf(work));
    const isKiller = ids.length > 0 && this.#suspects.crashed(keys, end.by, this.#clock.nowMs());
    if (isKiller) this.#log('error', 'a call brings the process of the model down', { how: end.how });
    this.#fail(ids, () => (isKiller ? killedBy(end) : crashedWith(end, ids.length)));
    const down = this.#downReason();
    if (down) this.#fail(this.#state.leaveAll(), () => down);
    this.#handOut();
  }

  #fail(ids: readonly number[], error: () => Error): void {
    const open = this.#found(ids);
    for (const id of ids) this.#open.delete(id);
    for (const one of open) {
      if (!one.isWanted) continue;
      one.isWanted = false;
      this.#wanted -= 1;
      one.out.error(error());
    }
  }

  #found(ids: readonly number[]): readonly Open[] {
    return ids.map((id) => this.#open.get(id)).filter((one) => one !== undefined);
  }

  #isSuspect(work: Work): boolean {
    return this.#suspects.any && this.#suspects.has(keyOf(work), this.#clock.nowMs());
  }

  #newId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }
}
