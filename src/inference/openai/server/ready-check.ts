import { type Clock, sleep } from '../../../clock.ts';
import { InferenceError, messageOf } from '../../../errors.ts';

export interface ReadyCheck {
  readonly origin: string;
  /** Undefined: wherever such programs answer. */
  readonly path: string | undefined;
  readonly apiKey: string | undefined;
  readonly withinMs: number;
  readonly clock: Clock;
  /** Aborted when the program has ended, or nobody waits any more. */
  readonly signal: AbortSignal;
}

const betweenMs = 100;
const mostAnswerMs = 5_000;
/** A program that does not know the first is asked for the second. */
const usual = ['/health', '/v1/models'] as const;
const unknownPath: ReadonlySet<number> = new Set([404, 405, 501]);

/** Resolves when the program answers with 200. @throws InferenceError `model_unavailable` after `withinMs`; the reason of `signal`. */
export async function untilReady(check: ReadyCheck): Promise<void> {
  const { clock, signal, withinMs } = check;
  const endMs = clock.nowMs() + withinMs;
  for (;;) {
    const answer = await asked(check, endMs);
    signal.throwIfAborted();
    if (answer === 'ready') return;
    if (clock.nowMs() + betweenMs > endMs) throw late(check, answer);
    await sleep(clock, betweenMs, signal);
  }
}

const late = ({ origin, path = usual[0], withinMs }: ReadyCheck, answer: string): InferenceError =>
  new InferenceError(
    'model_unavailable',
    `the program did not answer ${origin}${path} with 200 within ${String(withinMs / 1_000)} s (${answer}): does it listen on {port}? Raise server.readyWithinMs if it needs longer`,
  );

/** `ready`, or what was got instead. */
async function asked(check: ReadyCheck, endMs: number): Promise<string> {
  if (check.path !== undefined) return told(await statusAt(check, check.path, endMs));
  const health = await statusAt(check, usual[0], endMs);
  return told(typeof health === 'number' && unknownPath.has(health) ? await statusAt(check, usual[1], endMs) : health);
}

const told = (status: number | string): string =>
  status === 200 ? 'ready' : typeof status === 'number' ? `status ${String(status)}` : status;

/** One question, which takes no longer than there is time left. */
async function statusAt({ origin, apiKey, clock, signal }: ReadyCheck, path: string, endMs: number): Promise<number | string> {
  const late = new AbortController();
  const withinMs = Math.max(0, Math.min(mostAnswerMs, endMs - clock.nowMs()));
  const cancel = clock.schedule(withinMs, () => {
    late.abort(new Error(`no answer in ${(withinMs / 1_000).toFixed(1)} s`));
  });
  try {
    const response = await fetch(`${origin}${path}`, {
      signal: AbortSignal.any([signal, late.signal]),
      redirect: 'manual',
      ...(apiKey !== undefined && { headers: { authorization: `Bearer ${apiKey}` } }),
    });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    return error instanceof Error && error.cause instanceof Error ? messageOf(error.cause) : messageOf(error);
  } finally {
    cancel();
  }
}
