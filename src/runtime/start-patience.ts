import { type Clock, sleep } from '../clock.ts';
import { isRetryable, isStreamError, messageOf, PipelineError, type StreamError, TransportError } from '../errors.ts';
import { Outage } from './outage.state.ts';

/** After so long without an answer it is told that there is none: a broker that stands still accepts connections. */
const silenceMs = 2_000;

export interface StartPatienceOptions {
  readonly clock: Clock;
  /** Longest wait for a log that is away, in ms; 0: its first failure is the last. */
  readonly startPatienceMs: number;
  /** The transport's name. */
  readonly log: string;
  /** Aborted: nobody waits any more. */
  readonly signal: AbortSignal;
  /** Told at once why it waits, and for how long at most, and (undefined) when it need not any more. */
  readonly trouble: (why: string | undefined, leftMs?: number) => void;
}

/** What a start asks of a log that may not be there yet: it asks again while the log is unavailable; all else fails at once. */
export class StartPatience {
  readonly #options: StartPatienceOptions;

  constructor(options: StartPatienceOptions) {
    this.#options = options;
  }

  /** For what a log that is there answers soon: no answer is told, and not waited for beyond the patience. */
  answered<T>(ask: () => Promise<T>): Promise<T> {
    return this.#untilThere(ask, (...asked) => this.#withinPatience(...asked));
  }

  /** For what is no log, as the schemas of a codec: asked again after any error that may pass. */
  opened<T>(ask: () => Promise<T>): Promise<T> {
    return this.#untilThere(ask, (answer) => answer, mayPass);
  }

  /** For what may take long although the log is there, as a group that waits for a dead member does. */
  done<T>(ask: () => Promise<T>): Promise<T> {
    return this.#untilThere(ask, (answer) => answer);
  }

  async #untilThere<T>(
    ask: () => Promise<T>,
    listen: (answer: Promise<T>, outage: Outage, last: unknown) => Promise<T>,
    passes = isAway,
  ): Promise<T> {
    const { clock, startPatienceMs, signal, trouble } = this.#options;
    const outage = new Outage(startPatienceMs);
    let last: unknown;
    for (;;) {
      try {
        const answer = await listen(ask(), outage, last);
        trouble(undefined);
        return answer;
      } catch (error) {
        if (signal.aborted || !passes(error)) throw error;
        last = error;
        const next = outage.failed(clock.nowMs());
        if (next === undefined) throw startPatienceMs === 0 ? error : waitedFor(error, startPatienceMs);
        trouble(`the start waits: ${messageOf(error)}`, next.leftMs);
        await sleep(clock, next.retryInMs, signal);
      }
    }
  }

  async #withinPatience<T>(answer: Promise<T>, outage: Outage, last: unknown): Promise<T> {
    const { clock, startPatienceMs, log, trouble } = this.#options;
    if (startPatienceMs === 0) return answer;
    const askedMs = clock.nowMs();
    const over = Promise.withResolvers<never>();
    const none = `${log} does not answer; are the brokers up, are they named right, and does the network let them through?`;
    const cancelSilence = clock.schedule(silenceMs, () => {
      trouble(`the start waits: ${none}`, outage.silent(clock.nowMs(), askedMs));
    });
    const cancelEnd = clock.schedule(outage.leftMs(askedMs, askedMs), () => {
      over.reject(last ?? new TransportError('transport_unavailable', none));
    });
    try {
      return await Promise.race([answer, over.promise]);
    } finally {
      cancelSilence();
      cancelEnd();
    }
  }
}

type Passes = (error: unknown) => error is StreamError;
const isAway: Passes = (error): error is StreamError => isStreamError(error) && error.code === 'transport_unavailable';
const mayPass: Passes = (error): error is StreamError => isStreamError(error) && isRetryable(error.grade);

const waitedFor = (error: StreamError, ms: number): StreamError =>
  new (error instanceof PipelineError ? PipelineError : TransportError)(
    error.code,
    `${error.message}; the start has waited ${String(Math.round(ms / 1_000))} s for it (startPatienceMs; --start-patience-ms)`,
    { cause: error },
  );
