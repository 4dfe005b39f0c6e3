import { type ChildProcess, fork } from 'node:child_process';
import { Observable, type Subscriber } from 'rxjs';
import { abortReason, type Clock } from '../../clock.ts';
import { InferenceError, OptionError, OverloadError, PipelineError, type StreamError } from '../../errors.ts';
import type { OpenContext } from '../../resource.ts';
import type { EngineFacts, EngineSettings, ErrorData, FromChild, ToChild, Work, WorkEvent } from './protocol.ts';
import { afterCrash, neverCrashed, type RespawnState } from './respawn.state.ts';

/** `./child/main.ts` in the repository, `.js` where it was compiled. */
const entry = new URL(import.meta.url.endsWith('.ts') ? './child/main.ts' : './child/main.js', import.meta.url);

export interface ModelProcessOptions {
  readonly settings: EngineSettings;
  /** Works that may be open at once; more fail with `overloaded`. */
  readonly maxOpen: number;
  readonly context: OpenContext;
}

type State = 'starting' | 'ready' | 'resting' | 'failed' | 'closed';

/**
 * The model in a process of its own: a native abort ends that process, not the application. Works that were open then fail
 * with `model_crashed`; the process is started again after 0.1 to 3 s, and works asked for meanwhile wait for it. After six
 * crashes within a minute works are refused for 30 s at a time (`model_unavailable`).
 *
 * Holds at most `maxOpen` works.
 */
export class ModelProcess {
  readonly #settings: EngineSettings;
  readonly #maxOpen: number;
  readonly #clock: Clock;
  readonly #log: OpenContext['log'];
  readonly #open = new Map<number, { readonly work: Work; readonly out: Subscriber<WorkEvent> }>();
  #state: State = 'starting';
  #child: ChildProcess | undefined;
  #respawn: RespawnState = neverCrashed;
  #cancelRespawn = (): void => undefined;
  #restUntilMs = 0;
  #failure: StreamError | undefined;
  #nextId = 1;

  private constructor({ settings, maxOpen, context }: ModelProcessOptions) {
    this.#settings = settings;
    this.#maxOpen = maxOpen;
    this.#clock = context.clock;
    this.#log = context.log;
  }

  /** Resolves when the model is in memory. @throws what the child says of the model; the reason of `context.signal`. */
  static async start(options: ModelProcessOptions): Promise<{ readonly process: ModelProcess; readonly facts: EngineFacts }> {
    const { signal } = options.context;
    const givenUp = (): boolean => signal.aborted;
    if (givenUp()) throw abortReason(signal);
    const own = new ModelProcess(options);
    const onAbort = (): void => void own.close();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return { process: own, facts: await own.#spawn() };
    } catch (error) {
      await own.close();
      if (givenUp()) throw abortReason(signal);
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Of the process that runs now; undefined while none does. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** One work, begun on subscription and stopped within one token on unsubscription. */
  run(work: Work): Observable<WorkEvent> {
    return new Observable((out) => {
      const refusal = this.#refusal();
      if (refusal) {
        out.error(refusal);
        return;
      }
      const id = this.#nextId;
      this.#nextId += 1;
      this.#open.set(id, { work, out });
      if (this.#state === 'ready') this.#tell({ kind: 'start', id, work });
      out.add(() => {
        if (this.#open.delete(id) && this.#state === 'ready') this.#tell({ kind: 'cancel', id });
      });
    });
  }

  /** Ends the process; open works fail with `model_unavailable`. Idempotent. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#cancelRespawn();
    const child = this.#child;
    this.#failOpen(() => new InferenceError('model_unavailable', 'the model was closed'));
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) =>
      child.once('exit', () => {
        resolve();
      }),
    );
    child.kill('SIGKILL'); // it holds nothing that must be saved; an orderly end of native code can hang
    await gone;
  }

  #refusal(): StreamError | undefined {
    switch (this.#state) {
      case 'closed':
        return new InferenceError('model_unavailable', 'the model is closed');
      case 'failed':
        return this.#failure;
      case 'resting': {
        const retryAfterMs = Math.max(0, this.#restUntilMs - this.#clock.nowMs());
        return new InferenceError('model_unavailable', 'the model keeps crashing; it is started again later', { retryAfterMs });
      }
      case 'starting':
      case 'ready':
        if (this.#open.size < this.#maxOpen) return undefined;
        return new OverloadError(
          `expected at most ${String(this.#maxOpen)} calls of the model at once: use a permit, or raise llama.maxWaiting`,
        );
    }
  }

  #spawn(): Promise<EngineFacts> {
    this.#state = 'starting';
    const child = fork(entry, [], {
      execArgv: [], // an --inspect of ours would fight for its port, a --test would run tests
      serialization: 'advanced', // vectors travel as they are
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    let lastWords = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-2_000);
    });
    return new Promise((resolve, reject) => {
      child.on('message', (message) => {
        const told = message as FromChild;
        if (told.kind === 'opened') {
          this.#onReady();
          resolve(told.facts);
        } else if (told.kind === 'openFailed') {
          this.#onOpenFailed(fromData(told.error));
          reject(fromData(told.error));
        } else this.#onMessage(told);
      });
      let ended = false;
      const onEnd = (how: string): void => {
        if (ended) return;
        ended = true;
        if (lastWords !== '') this.#log('debug', 'last words of the model process', { stderr: lastWords });
        reject(new InferenceError('model_crashed', `the model process ended while loading (${how})`));
        if (this.#child === child) this.#onExit(how);
      };
      child.once('error', (error) => {
        onEnd(error.message);
      });
      child.once('exit', (code, signal) => {
        onEnd(signal ?? `exit code ${String(code)}`);
      });
      this.#send(child, { kind: 'open', settings: this.#settings });
    });
  }

  #onReady(): void {
    if (this.#state !== 'starting') return;
    this.#state = 'ready';
    for (const [id, { work }] of this.#open) this.#tell({ kind: 'start', id, work });
  }

  #onOpenFailed(failure: StreamError): void {
    if (this.#state === 'closed') return;
    this.#child = undefined;
    this.#state = 'failed'; // the same file and options would fail again
    this.#failure = failure;
    this.#failOpen(() => failure);
  }

  #onMessage(message: Exclude<FromChild, { kind: 'opened' | 'openFailed' }>): void {
    if (message.kind === 'log') {
      this.#log(message.level, message.message);
      return;
    }
    for (const event of message.events) {
      const open = this.#open.get(event.id);
      if (!open) continue; // cancelled while it was under way
      if (event.kind === 'text') open.out.next(event);
      else {
        this.#open.delete(event.id);
        if (event.kind === 'failed') open.out.error(fromData(event.error));
        else {
          open.out.next(event);
          open.out.complete();
        }
      }
    }
  }

  #onExit(how: string): void {
    this.#child = undefined;
    if (this.#state === 'closed' || this.#state === 'failed') return;
    const { state, delayMs, resting } = afterCrash(this.#respawn, this.#clock.nowMs());
    this.#respawn = state;
    this.#state = resting ? 'resting' : 'starting';
    this.#restUntilMs = this.#clock.nowMs() + delayMs;
    this.#log('error', 'the model process ended; starting it again', { how, delayMs, open: this.#open.size });
    this.#cancelRespawn = this.#clock.schedule(delayMs, () => {
      this.#spawn().catch(() => undefined); // reported where it happens: by #onExit and #onOpenFailed
    });
    this.#failOpen(() => new InferenceError('model_crashed', `the model process ended (${how}) while it worked on this`));
  }

  #failOpen(error: () => Error): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { out } of open) out.error(error());
  }

  #tell(message: ToChild): void {
    if (this.#child) this.#send(this.#child, message);
  }

  #send(child: ChildProcess, message: ToChild): void {
    if (!child.connected) return; // its exit is about to be told
    child.send(message, () => undefined); // a failed write is followed by that exit, too
  }
}

function fromData({ code, message }: ErrorData): StreamError {
  if (code === 'invalid_option') return new OptionError(message);
  return code === 'missing_dependency' ? new PipelineError(code, message) : new InferenceError(code, message);
}
