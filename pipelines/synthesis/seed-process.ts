import { AsyncLocalStorage } from 'node:async_hooks';
import { classify, isAbortError, isStreamError, messageOf, RecordError, TimeoutError, type Clock } from 'millrace';
import { Observable, Subscription } from 'rxjs';
import type { Findings } from './agent/findings.ts';
import type { SeedOrder } from './agent/order.ts';
import type { Question, Reply } from './agent/question.ts';
import type { ToSeed, Used } from './seed-protocol.ts';
import type { SeedProcesses } from './seed-processes.ts';
import { heapShare, type SeedProcess } from './start-seed-process.ts';
import { toldBySeed } from './told-by-seed.ts';

export interface SeedProcessParts {
  /** One cold call. */
  readonly ask: (question: Question) => Observable<Reply>;
  readonly clock: Clock;
  /** Longest time without a question of its own on the way: beyond it the process is killed. */
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly processes: SeedProcesses;
}

export type SeedEnd = { readonly findings: Findings } & Used;

/** Works on a seed: one cold call. */
export type SeedWork = (order: SeedOrder, parts: SeedProcessParts) => Observable<SeedEnd>;

/** For a process to be there, on a machine that does much else. */
const longestStartMs = 60_000;

/**
 * Works on a seed in a process of its own, which has an environment of its own and is the head of a process group. Emits once, when it has told what it found; unsubscribing kills the group.
 * Fails with what a question fails with where that concerns all seeds, with `call_timeout`, with `call_failed` where the process is gone, and with what it tells of itself.
 */
export function seedProcess(order: SeedOrder, parts: SeedProcessParts): Observable<SeedEnd> {
  return new Observable<SeedEnd>((out) => {
    const run = new SeedRun(order, parts, {
      end: (end) => {
        out.next(end);
        out.complete();
      },
      fail: (error) => {
        out.error(error);
      },
    });
    out.add(() => {
      run.stop();
    });
  });
}

interface Listener {
  end(end: SeedEnd): void;
  fail(error: unknown): void;
}

class SeedRun {
  readonly #order: SeedOrder;
  readonly #parts: SeedProcessParts;
  readonly #listener: Listener;
  /** Not there while others start. */
  #process: SeedProcess | undefined;
  #leaveQueue: () => void = () => undefined;
  readonly #inScope = AsyncLocalStorage.snapshot();
  /** The process waited before, and has asked nothing since. */
  #hasWaited = false;
  readonly #asked = new Set<Subscription>();
  #isOver = false;
  #cancelLimit = (): void => undefined;

  constructor(order: SeedOrder, parts: SeedProcessParts, listener: Listener) {
    this.#order = order;
    this.#parts = parts;
    this.#listener = listener;
    this.#take();
  }

  #take(): void {
    // what it tells, and its end, are told in the scope of the seed's record: the process may have been begun in another's
    this.#leaveQueue = this.#parts.processes.take((given, isAhead) => {
      this.#inScope(() => {
        this.#use(given, isAhead);
      });
    });
  }

  #use(given: SeedProcess, isAhead: boolean): void {
    this.#process = given;
    const { child, isReady } = given;
    this.#hasWaited = isAhead;
    const heard = (hear: () => void): void => {
      if (this.#process === given) this.#inScope(hear);
    };
    child.on('message', (message) => {
      heard(() => {
        this.#told(message);
      });
    });
    child.on('error', (error) => {
      heard(() => {
        this.#gone(messageOf(error));
      });
    });
    child.on('exit', (code, signal) => {
      heard(() => {
        this.#gone(signal === null ? `it has ended with code ${String(code)}` : `it was ended by ${signal}`);
      });
    });
    if (isReady) this.#begin();
    else this.#limit(longestStartMs, 'has not started');
  }

  /** Ends it, and all that it started, at once. */
  stop(): void {
    this.#isOver = true;
    this.#cancelLimit();
    for (const one of this.#asked) one.unsubscribe();
    this.#asked.clear();
    this.#leaveQueue();
    this.#process?.kill();
  }

  #told(message: unknown): void {
    if (this.#isOver) return;
    const told = toldBySeed(message);
    if (told === undefined) return;
    if (told.kind === 'ready') this.#begin();
    else if (told.kind === 'ask') this.#ask(told.id, told.question);
    else if (told.kind === 'done') {
      const { findings, cpuMs, maxRssBytes } = told;
      this.#over(() => this.#listener.end({ findings, cpuMs, maxRssBytes }));
    } else this.#fail(new SeedError(told.code, told.message));
  }

  #begin(): void {
    this.#send({ kind: 'begin', order: this.#order });
    this.#watch();
  }

  #ask(id: number, question: Question): void {
    this.#cancelLimit();
    this.#hasWaited = false;
    this.#parts.processes.beginAhead();
    const asked = new Subscription(); // there before the answer, which may come at once
    this.#asked.add(asked);
    const calling = this.#parts.ask(question).subscribe({
      next: (reply) => {
        this.#send({ kind: 'reply', id, reply });
      },
      error: (error: unknown) => {
        this.#asked.delete(asked);
        if (concernsAll(error)) this.#fail(error);
        else {
          this.#watch();
          const code = isStreamError(error) ? error.code : 'call_failed';
          this.#send({ kind: 'refusal', id, code, message: messageOf(error), isOfAnswer: classify(error) === 'record' });
        }
      },
      complete: () => {
        this.#asked.delete(asked);
        this.#watch();
      },
    });
    asked.add(calling);
  }

  /** The time of a question is not the seed's: it may wait for others. */
  #watch(): void {
    this.#limit(this.#parts.timeoutMs, 'has neither asked nor ended');
  }

  #limit(ms: number, what: string): void {
    this.#cancelLimit();
    if (this.#isOver) return;
    this.#cancelLimit = this.#parts.clock.schedule(ms, () => {
      this.#fail(new TimeoutError(`the process of seed ${this.#order.sourceId} ${what} for ${String(ms)} ms, and was killed`));
    });
  }

  #send(message: ToSeed): void {
    const child = this.#process?.child;
    if (this.#isOver || child?.connected !== true) return;
    child.send(message, (error) => {
      if (error && this.#process?.child === child) this.#gone(error.message);
    });
  }

  #gone(why: string): void {
    if (this.#hasWaited && !this.#isOver) {
      // killed while it waited, its end not told before the seed took it: that is no attempt at the seed. There are only so many that wait
      this.#cancelLimit();
      this.#process?.kill();
      this.#take();
      return;
    }
    const memory = `${String(this.#parts.memoryMb)} MiB (worker_memory_mb)`;
    const { stderr = '' } = this.#process ?? {};
    const reason = stderr.includes('above its memory')
      ? `it took more than its ${memory}`
      : stderr.includes('heap out of memory')
        ? `its heap is full: ${String(Math.round(heapShare * 100))} % of its ${memory}`
        : why;
    this.#fail(new RecordError('call_failed', `the process of seed ${this.#order.sourceId} is gone: ${reason}`));
  }

  #fail(error: unknown): void {
    this.#over(() => this.#listener.fail(error));
  }

  #over(tell: () => void): void {
    if (this.#isOver) return;
    this.stop();
    tell();
  }
}

/** What the process of a seed tells of its own failure. */
export class SeedError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'SeedError';
    this.code = code;
  }
}

const concernsAll = (error: unknown): boolean => isAbortError(error) || classify(error) === 'pipeline';
