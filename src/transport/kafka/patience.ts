import { type Clock, sleep } from '../../clock.ts';
import { TransportError } from '../../errors.ts';
import { toTransportError } from './kafka-errors.ts';

const pauseMs = 200;

/** Tries until it works, the failure is final, or `patienceMs` are over: a broker that has just started refuses much for a second. */
export async function patiently<T>(
  clock: Clock,
  patienceMs: number,
  doing: string,
  brokers: readonly string[],
  attempt: () => Promise<T>,
): Promise<T> {
  const giveUpMs = clock.nowMs() + patienceMs;
  for (;;) {
    let failure: TransportError;
    try {
      return await attempt();
    } catch (error) {
      failure = toTransportError(error, doing, brokers);
    }
    if (failure.code !== 'transport_unavailable' || clock.nowMs() + pauseMs > giveUpMs) throw failure;
    await sleep(clock, pauseMs);
  }
}

/** Gives up waiting after `limitMs`; what then becomes of the work nobody knows. */
export async function inTime<T>(clock: Clock, limitMs: number, doing: string, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = sleep(clock, limitMs, over.signal).then(() => {
    throw new TransportError('transport_unavailable', `cannot ${doing}: no answer within ${String(limitMs)} ms`);
  });
  late.catch(() => undefined); // the work was faster
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}
