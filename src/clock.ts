/** Stops a timer; calling it again, or after the timer ran, does nothing. */
export type CancelTimer = () => void;

/**
 * The one source of time. Everything that waits or measures takes a clock, so that a whole pipeline runs in virtual
 * time; this file is the only one that may touch the machine's timers.
 */
export interface Clock {
  /** Milliseconds since 1970; never goes back while the process lives. */
  nowMs(): number;
  /** Runs `callback` once, `delayMs` (at least 0) from now, never before `schedule` has returned. */
  schedule(delayMs: number, callback: () => void): CancelTimer;
}

const originMs = performance.timeOrigin; // reading it costs as much as reading the time
const longestTimerMs = 2 ** 31 - 1; // setTimeout fires at once above it

/** The machine's clock. It is monotonic: a step of the wall clock after the start of the process is not seen. */
export const systemClock: Clock = {
  nowMs: () => originMs + performance.now(),
  schedule: (delayMs, callback) => {
    let timer: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      timer = setTimeout(
        () => {
          if (leftMs > longestTimerMs) arm(leftMs - longestTimerMs);
          else callback();
        },
        Math.min(leftMs, longestTimerMs),
      );
    };
    arm(Math.max(0, delayMs));
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Resolves `delayMs` from now, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = (): void => {
      cancel();
      if (signal) reject(abortReason(signal));
    };
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Waits for something whose failure or slowness must not hold up an end. */
export async function atMost(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const settled = work.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([settled, sleep(clock, limitMs, over.signal).catch(() => undefined)]);
  over.abort();
}

/** The reason of an aborted signal, always an Error. */
export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('the call was cancelled', 'AbortError');
}
