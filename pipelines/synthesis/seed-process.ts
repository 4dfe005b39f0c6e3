import { AsyncLocalStorage } from 'node:async_hooks';
import { type ChildProcess, fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { fileURLToPath } from 'node:url';
import { classify, isAbortError, isStreamError, messageOf, RecordError, TimeoutError, type Clock } from 'millrace';
import { Observable, Subscription } from 'rxjs';
import type { Findings } from './agent/findings.ts';
import type { SeedOrder } from './agent/order.ts';
import type { Question, Reply } from './agent/question.ts';
import type { ToSeed, Used } from './seed-protocol.ts';
import { toldBySeed } from './told-by-seed.ts';

export interface SeedProcessParts {
  /** One cold call. */
  readonly ask: (question: Question) => Observable<Reply>;
  readonly clock: Clock;
  /** What the process sees of the environment: nothing else. */
  readonly env: Readonly<Record<string, string>>;
  /** Longest time without a question of its own on the way: beyond it the process is killed. */
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Told of each process that runs. */
  readonly onStart?: ((pid: number) => void) | undefined;
}

export type SeedEnd = { readonly findings: Findings } & Used;

/** Works on a seed: one cold call. */
export type SeedWork = (order: SeedOrder, parts: SeedProcessParts) => Observable<SeedEnd>;

const childPath = fileURLToPath(new URL('./seed-child.ts', import.meta.url));
/** For a process to be there, on a machine that does much else. */
const longestStartMs = 60_000;
const mebibyte = 2 ** 20;
/** Of a process's memory, what may be JavaScript's heap. */
const heapShare = 0.6;
const mostStderr = 4_096;

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

/** Half of a process's start is compiling what the one before it has compiled. */
function compileCache(): { readonly NODE_COMPILE_CACHE?: string } {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
}

interface Listener {
  end(end: SeedEnd): void;
  fail(error: unknown): void;
}

class SeedRun {
  readonly #order: SeedOrder;
  readonly #parts: SeedProcessParts;
  readonly #listener: Listener;
  readonly #child: ChildProcess;
  readonly #asked = new Set<Subscription>();
  #stderr = '';
  #isOver = false;
  #cancelLimit = (): void => undefined;

  constructor(order: SeedOrder, parts: SeedProcessParts, listener: Listener) {
    this.#order = order;
    this.#parts = parts;
    this.#listener = listener;
    const { env, memoryMb, onStart } = parts;
    this.#child = fork(childPath, [String(memoryMb * mebibyte), String(process.pid)], {
      execArgv: [`--max-old-space-size=${String(Math.floor(memoryMb * heapShare))}`],
      env: { ...env, ...compileCache() },
      detached: true, // the head of a group: what it has started goes with it, and Ctrl-C reaches this process alone
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    if (this.#child.pid !== undefined) onStart?.(this.#child.pid);
    // answers are made in the scope of the seed's record, whoever's turn the message came in
    const inScope = AsyncLocalStorage.snapshot();
    this.#child.on('message', (message) => {
      inScope(() => {
        this.#told(message);
      });
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('latin1')).slice(-mostStderr);
    });
    this.#child.on('error', (error) => {
      this.#gone(messageOf(error));
    });
    this.#child.on('exit', (code, signal) => {
      this.#gone(signal === null ? `it has ended with code ${String(code)}` : `it was ended by ${signal}`);
    });
    this.#limit(longestStartMs, 'has not started');
  }

  /** Ends it, and all that it started, at once. */
  stop(): void {
    this.#isOver = true;
    this.#cancelLimit();
    for (const one of this.#asked) one.unsubscribe();
    this.#asked.clear();
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // gone already
    }
  }

  #told(message: unknown): void {
    if (this.#isOver) return;
    const told = toldBySeed(message);
    if (told === undefined) return;
    if (told.kind === 'ready') {
      this.#send({ kind: 'begin', order: this.#order });
      this.#watch();
    } else if (told.kind === 'ask') this.#ask(told.id, told.question);
    else if (told.kind === 'done') {
      const { findings, cpuMs, maxRssBytes } = told;
      this.#over(() => this.#listener.end({ findings, cpuMs, maxRssBytes }));
    } else this.#fail(new SeedError(told.code, told.message));
  }

  #ask(id: number, question: Question): void {
    this.#cancelLimit();
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
    if (this.#isOver || !this.#child.connected) return;
    this.#child.send(message, (error) => {
      if (error) this.#gone(error.message);
    });
  }

  #gone(why: string): void {
    const memory = `${String(this.#parts.memoryMb)} MiB (worker_memory_mb)`;
    const reason = this.#stderr.includes('above its memory')
      ? `it took more than its ${memory}`
      : this.#stderr.includes('heap out of memory')
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
