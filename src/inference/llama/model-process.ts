import { type ChildProcess, fork } from 'node:child_process';
import type { CancelTimer, Clock } from '../../clock.ts';
import { InferenceError, type StreamError } from '../../errors.ts';
import type { OpenContext } from '../../resource.ts';
import { errorOfData } from './error-of-data.ts';
import type { Placement } from './placements.ts';
import { type ProcessEnd, processEnd, spoilsDevice } from './process-end.ts';
import type { EngineFacts, EngineSettings, FromChild, ToChild, Work, WorkEvent } from './protocol.ts';
import { afterCrash, neverCrashed, type RespawnState } from '../internal/respawn.state.ts';

/** `./child/main.ts` in the repository, `.js` where it was compiled. */
const childEntry = new URL(import.meta.url.endsWith('.ts') ? './child/main.ts' : './child/main.js', import.meta.url);

export interface ModelProcessOptions {
  readonly settings: EngineSettings;
  readonly placement: Placement;
  readonly context: OpenContext;
  /** What runs in the process. @defaultValue the engine */
  readonly entry?: URL | undefined;
}

/** Who is told what happens. */
export interface ProcessListener {
  /** It takes works from now on. */
  ready(): void;
  event(event: WorkEvent): void;
  /** It has ended with all that was in it; it comes back unless it rests or has failed. */
  gone(end: ProcessEnd): void;
}

export type ProcessPhase = 'starting' | 'ready' | 'resting' | 'failed' | 'closed';

/** A small call whose answer nobody wants: it shows that the device computes, and brings everything into memory. */
export const warmUpWork: Work = {
  kind: 'labels',
  turns: [{ role: 'user', content: 'Hello' }],
  labels: ['yes', 'no'],
};
/** Ids of works are counted from 1. */
const warmUpId = 0;
const mostWarmUpMs = 60_000;
const mostLastWordsMs = 200;
/** Of its memory the weights and contexts are what counts. Left alone, V8 lets garbage lie there as it would on the heap of a whole machine: 50 MB within 200 prompts. */
const heapFlags = ['--max-semi-space-size=4', '--heap-growing-percent=50'] as const;

/**
 * One process with the model in it: a native abort ends that process, not the application. After a crash it is started again in 0.1 to
 * 3 s, and takes works when it has shown with a small call that it computes: what it does then is not the machine's fault. After six
 * crashes within a minute in which it did nothing it rests for 30 s; what fails to load again has failed for good.
 */
export class ModelProcess {
  readonly #options: ModelProcessOptions;
  readonly #clock: Clock;
  readonly #listener: ProcessListener;
  #phase: ProcessPhase = 'starting';
  #child: ChildProcess | undefined;
  #respawn: RespawnState = neverCrashed;
  #cancelTimer: CancelTimer = () => undefined;
  #restUntilMs = 0;
  #failure: StreamError | undefined;
  #restarts = 0;
  #goneAtMs = 0;
  #bornAtMs = 0;
  #useful = false;
  #spoiled: string | undefined;
  #isRenewed = false;

  constructor(options: ModelProcessOptions, listener: ProcessListener) {
    this.#options = options;
    this.#clock = options.context.clock;
    this.#listener = listener;
  }

  /** Of the process that runs now; undefined while none does. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get phase(): ProcessPhase {
    return this.#phase;
  }

  /** How often it was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Why it takes nothing, where it has failed. */
  get failure(): StreamError | undefined {
    return this.#failure;
  }

  /** While it rests: how long yet. */
  get restMs(): number {
    return Math.max(0, this.#restUntilMs - this.#clock.nowMs());
  }

  /** Resolves when the model is in memory. @throws what the child says of the model. */
  start(): Promise<EngineFacts> {
    return this.#spawn();
  }

  tell(message: ToChild): void {
    const child = this.#child;
    if (!child?.connected) return; // its exit is about to be told
    child.send(message, () => undefined); // a failed write is followed by that exit, too
  }

  /** Puts a new process in the place of this one, which has nothing to do: no crash, and no wait. */
  renew(): void {
    if (this.#phase !== 'ready') return;
    this.#isRenewed = true;
    this.#child?.kill('SIGKILL');
  }

  /** Ends it for good: what it computes is not what it was started for. */
  giveUp(failure: StreamError): void {
    if (this.#phase === 'closed' || this.#phase === 'failed') return;
    this.#cancelTimer();
    const child = this.#child;
    this.#fail(failure, 'outside');
    child?.kill('SIGKILL');
  }

  /** Ends it. Idempotent. */
  async close(): Promise<void> {
    this.#phase = 'closed';
    this.#cancelTimer();
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) =>
      child.once('exit', () => {
        resolve();
      }),
    );
    child.kill('SIGKILL'); // it holds nothing that must be saved; an orderly end of native code can hang
    await gone;
  }

  #spawn(): Promise<EngineFacts> {
    this.#phase = 'starting';
    this.#useful = false;
    this.#bornAtMs = this.#clock.nowMs();
    this.#spoiled = undefined;
    const child = this.#fork();
    this.#child = child;
    let lastWords = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-4_000);
    });
    return new Promise((resolve, reject) => {
      child.on('message', (message) => {
        const told = message as FromChild;
        if (told.kind === 'opened') {
          this.#onOpened();
          resolve(told.facts);
        } else if (told.kind === 'openFailed') {
          const failure = errorOfData(told.error);
          this.#onOpenFailed(child, failure);
          reject(failure);
        } else this.#onMessage(told);
      });
      let ended = false;
      const onEnd = (code: number | null, signal: string | null): void => {
        if (ended) return;
        ended = true;
        const said = [this.#spoiled, lastWords].filter((one) => one !== undefined).join('\n');
        const end = processEnd(child.pid, signal, code, said);
        if (said !== '') this.#options.context.log('debug', 'last words of the model process', { stderr: said });
        reject(new InferenceError('model_crashed', `the model's process ended while loading (${end.how})`));
        if (this.#child === child) this.#onGone(end);
      };
      child.once('error', (error) => {
        lastWords += error.message;
        onEnd(null, null);
      });
      child.once('close', onEnd); // after the last of its words, unless somebody else holds the other end of them
      child.once('exit', (code, signal) => {
        this.#clock.schedule(mostLastWordsMs, () => {
          onEnd(code, signal);
        });
      });
      this.tell({ kind: 'open', settings: this.#options.settings });
    });
  }

  #fork(): ChildProcess {
    const { placement, entry = childEntry } = this.#options;
    const { cpus } = placement;
    return fork(entry, [], {
      // none of ours: an --inspect would fight for its port, a --test would run tests
      ...(cpus === undefined
        ? { execArgv: [...heapFlags] }
        : { execPath: 'taskset', execArgv: ['-c', cpus, process.execPath, ...heapFlags] }),
      env: { ...process.env, ...placement.env },
      serialization: 'advanced', // vectors travel as they are
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
  }

  #onOpened(): void {
    if (this.#phase !== 'starting') return;
    if (this.#restarts === 0) {
      this.#onReady();
      return;
    }
    this.tell({ kind: 'start', id: warmUpId, work: warmUpWork });
    this.#cancelTimer = this.#clock.schedule(mostWarmUpMs, () => this.#child?.kill('SIGKILL'));
  }

  #onReady(): void {
    this.#cancelTimer();
    this.#phase = 'ready';
    const nowMs = this.#clock.nowMs();
    const [afterMs, loadMs] = [nowMs - this.#goneAtMs, nowMs - this.#bornAtMs].map(Math.round);
    if (this.#restarts > 0) this.#options.context.log('info', 'the model process is at work again', { pid: this.pid, afterMs, loadMs });
    this.#listener.ready();
  }

  /** The same file and options would fail again; only memory may come back. */
  #onOpenFailed(child: ChildProcess, failure: StreamError): void {
    if (this.#phase === 'closed' || this.#child !== child) return;
    this.#failure = failure;
    if (failure.code === 'resource_exhausted' && this.#restarts > 0) return; // its exit is taken for a crash
    this.#fail(failure, 'itself');
  }

  /** For good. Of a first start that fails its caller hears. */
  #fail(failure: StreamError, by: ProcessEnd['by']): void {
    const isFirstStart = this.#phase === 'starting' && this.#restarts === 0;
    this.#failure = failure;
    this.#child = undefined;
    this.#phase = 'failed';
    if (!isFirstStart) this.#options.context.log('error', 'a model process is lost, and cannot be started again', { why: failure.message });
    this.#listener.gone({ how: failure.message, by });
  }

  #onMessage(message: Exclude<FromChild, { kind: 'opened' | 'openFailed' }>): void {
    if (message.kind === 'log') {
      this.#options.context.log(message.level, message.message);
      return;
    }
    for (const event of message.events) {
      if (this.#spoiled !== undefined) return; // it ends, and with it all that is in it
      if (event.kind === 'failed' && event.error.code === 'model_failed' && spoilsDevice(event.error.message)) {
        this.#spoiled = event.error.message;
        this.#child?.kill('SIGKILL');
      } else if (event.id !== warmUpId) {
        if (event.kind === 'done') this.#useful = true;
        this.#listener.event(event);
      } else if (this.#phase === 'starting' && event.kind !== 'text') this.#onReady();
    }
  }

  #onGone(end: ProcessEnd): void {
    this.#child = undefined;
    if (this.#phase === 'closed' || this.#phase === 'failed') return;
    this.#goneAtMs = this.#clock.nowMs();
    this.#cancelTimer();
    if (this.#isRenewed) {
      this.#isRenewed = false;
      this.#phase = 'starting';
      this.#restarts += 1;
      this.#spawn().catch(() => undefined); // reported where it happens, as below
      this.#listener.gone(end);
      return;
    }
    const { state, delayMs, resting } = afterCrash(this.#respawn, this.#clock.nowMs(), this.#useful);
    this.#respawn = state;
    this.#phase = resting ? 'resting' : 'starting';
    this.#restUntilMs = this.#clock.nowMs() + delayMs;
    this.#options.context.log('error', 'the model process ended; starting it again', { how: end.how, delayMs });
    this.#cancelTimer = this.#clock.schedule(delayMs, () => {
      this.#restarts += 1;
      this.#spawn().catch(() => undefined); // reported where it happens: by #onGone and #onOpenFailed
    });
    this.#listener.gone(end);
  }
}
