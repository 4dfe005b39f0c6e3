import { existsSync } from 'node:fs';
import { atMost, type CancelTimer, type Clock } from '../../../clock.ts';
import { InferenceError, isStreamError, messageOf, type StreamError } from '../../../errors.ts';
import type { OpenContext } from '../../../resource.ts';
import { closedModel } from '../../internal/closed-model.ts';
import { afterCrash, neverCrashed, type RespawnState } from '../../internal/respawn.state.ts';
import { isFreePort, programHost, releasePort, reservePort } from './free-port.ts';
import { ProgramLog, secretsIn } from './program-log.ts';
import { type ProgramEnd, ProgramRun } from './program-run.ts';
import { untilReady } from './ready-check.ts';
import type { ResolvedServerOptions } from './server-options.ts';

/** Who is told what happens. */
export interface ProgramListener {
  /** It takes calls from now on. */
  ready(): void;
  /** It has ended with all that was in it; it comes back unless it rests. */
  gone(end: ProgramEnd): void;
}

export type ProgramPhase = 'starting' | 'ready' | 'resting' | 'closed';

const mostStarts = 3;

/**
 * A server program that is kept running: started again 0.1 to 3 s after it has ended; after six ends within a minute with no call
 * answered between them it rests for 30 s. A first start that fails is told and not repeated, but for a port that somebody else took.
 */
export class ServerProgram {
  readonly #options: ResolvedServerOptions;
  readonly #log: OpenContext['log'];
  readonly #clock: Clock;
  readonly #listener: ProgramListener;
  #phase: ProgramPhase = 'starting';
  #run: ProgramRun | undefined;
  #port: number | undefined;
  #respawn: RespawnState = neverCrashed;
  #cancelTimer: CancelTimer = () => undefined;
  #restUntilMs = 0;
  #restarts = 0;
  #useful = false;

  constructor(options: ResolvedServerOptions, { clock, log }: Pick<OpenContext, 'clock' | 'log'>, listener: ProgramListener) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#listener = listener;
  }

  /** Where it listens, or is about to. */
  get origin(): string {
    return `http://${programHost}:${String(this.#port ?? 0)}`;
  }

  /** Of the process that runs now; undefined while none does. */
  get pid(): number | undefined {
    return this.#run?.pid;
  }

  get phase(): ProgramPhase {
    return this.#phase;
  }

  /** How often it was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** While it rests: how long yet. */
  get restMs(): number {
    return Math.max(0, this.#restUntilMs - this.#clock.nowMs());
  }

  /** A call has been answered: starting again helps. */
  useful(): void {
    this.#useful = true;
  }

  /** Resolves when it takes calls. @throws InferenceError `missing_dependency`, `model_unavailable`, with its last words. */
  async start(): Promise<void> {
    for (let starts = 1; ; starts += 1) {
      try {
        await this.#start();
        return;
      } catch (error) {
        const wasTaken = starts < mostStarts && this.#options.port === undefined && !(await isFreePort(this.#port ?? 0));
        if (!wasTaken || this.#isClosed()) throw error;
        this.#log('info', `${this.#options.name}: somebody took the port of its program; trying another`, { port: this.#port });
      }
    }
  }

  /** Ends it: first by a word, then by force. Idempotent; resolves when all of its processes are gone. */
  async close(): Promise<void> {
    this.#phase = 'closed';
    this.#cancelTimer();
    const run = this.#run;
    if (run) {
      run.signal('SIGTERM');
      await atMost(this.#clock, this.#options.stopWithinMs, run.ended);
      run.signal('SIGKILL');
      await run.ended;
    }
    if (this.#port !== undefined) releasePort(this.#port);
  }

  /** One start: resolves when it is ready, or rejects when it has ended again. */
  async #start(): Promise<void> {
    this.#phase = 'starting';
    this.#useful = false;
    await this.#choosePort();
    if (this.#isClosed()) {
      releasePort(this.#port ?? 0);
      throw closedModel();
    }
    const { options, log } = { options: this.#options, log: this.#newLog() };
    const run = new ProgramRun(this.#command(), log, this.#clock);
    this.#run = run;
    const over = new AbortController();
    let wasReady = false;
    const gone = run.ended.then((end) => {
      over.abort(this.#isClosed() ? closedModel() : this.#startError(end, log.tail));
      log.flush();
      this.#run = undefined;
      if (wasReady) this.#onGone(end, log.tail);
    });
    const { readyPath: path, readyWithinMs: withinMs, client } = options;
    try {
      await untilReady({ origin: this.origin, path, apiKey: client.apiKey, withinMs, clock: this.#clock, signal: over.signal });
    } catch (error) {
      run.signal('SIGKILL');
      await gone;
      throw isLate(error, over.signal) ? withLastWords(error, log.tail) : error;
    }
    wasReady = true;
    this.#onReady(run);
  }

  #onReady({ pid }: ProgramRun): void {
    this.#phase = 'ready';
    const { name } = this.#options;
    this.#log('info', this.#restarts === 0 ? `the program of ${name} is ready` : `the program of ${name} is at work again`, {
      pid,
      port: this.#port,
    });
    this.#listener.ready();
  }

  #onGone(end: ProgramEnd, tail: string): void {
    if (this.#isClosed()) return;
    const { state, delayMs, resting } = afterCrash(this.#respawn, this.#clock.nowMs(), this.#useful);
    this.#respawn = state;
    this.#phase = resting ? 'resting' : 'starting';
    this.#restUntilMs = this.#clock.nowMs() + delayMs;
    this.#log('error', `the program of ${this.#options.name} ended; starting it again`, { how: end.how, delayMs, lastWords: tail });
    this.#cancelTimer = this.#clock.schedule(delayMs, () => {
      this.#restarts += 1;
      void this.#startAgain();
    });
    this.#listener.gone(end);
  }

  async #startAgain(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      const [how = '', ...tail] = messageOf(error).split('\n');
      this.#onGone({ how, by: 'itself', isMissing: false }, tail.join('\n'));
    }
  }

  async #choosePort(): Promise<void> {
    const { port, name } = this.#options;
    if (this.#port !== undefined) releasePort(this.#port);
    const wanted = port ?? this.#port;
    this.#port = await reservePort(wanted);
    if (port === undefined || port === this.#port) return;
    releasePort(this.#port);
    this.#port = undefined;
    throw new InferenceError(
      'model_unavailable',
      `port ${String(port)}, which the program of ${name} is to listen on, is taken by another program`,
    );
  }

  #command() {
    const { command, args, env, cwd } = this.#options;
    const filled = (text: string): string => text.replaceAll('{port}', String(this.#port)).replaceAll('{host}', programHost);
    const filledEnv = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, filled(value)]));
    return { command, args: args.map(filled), env: filledEnv, cwd };
  }

  #newLog(): ProgramLog {
    const { name, args, env, client } = this.#options;
    const secrets = [...secretsIn(args, env), ...(client.apiKey === undefined ? [] : [client.apiKey])];
    return new ProgramLog({ name, log: this.#log, clock: this.#clock, secrets });
  }

  #startError(end: ProgramEnd, tail: string): StreamError {
    const { command, cwd } = this.#options;
    const hint =
      cwd === undefined || existsSync(cwd)
        ? 'is it installed, and on the PATH? Or give its path as server.command'
        : `there is no folder ${JSON.stringify(cwd)} to start it in (server.cwd)`;
    const error = end.isMissing
      ? new InferenceError('missing_dependency', `the program ${JSON.stringify(command)} could not be run (${end.how}): ${hint}`)
      : new InferenceError('model_unavailable', `the program ${JSON.stringify(command)} ended before it took calls (${end.how})`);
    return withLastWords(error, tail);
  }

  /** A method, since it changes while others wait. */
  #isClosed(): boolean {
    return this.#phase === 'closed';
  }
}

const isLate = (error: unknown, signal: AbortSignal): error is StreamError => isStreamError(error) && error !== signal.reason;

const withLastWords = ({ code, message }: StreamError, tail: string): InferenceError =>
  new InferenceError(code, tail === '' ? `${message}; it has written nothing` : `${message}; its last words:\n${tail}`);
