import { classify } from '../../classify.ts';
import { BreakerOpenError, type Grade, InferenceError, isRetryable, isStreamError, messageOf, type StreamError } from '../../errors.ts';
import type { Standstill } from './pool.state.ts';

/** The most telling first: what waiting mends, what another attempt may, what a person must, what lies with the record. */
const order: readonly Grade[] = ['overload', 'transient', 'resource', 'pipeline', 'record'];

/** The error that says best what became of a call that several models failed at. */
export const mostTelling = (errors: readonly unknown[]): unknown =>
  errors.toSorted((a, b) => order.indexOf(classify(a)) - order.indexOf(classify(b)))[0];

/** What a call fails with that nobody of the pool can be asked for any more. `isAwaited`: somebody further out waits for a pool that is out. */
export function verdict(
  pool: string,
  stands: Standstill,
  errors: readonly unknown[],
  nowMs: number,
  isAwaited: (open: StreamError) => boolean,
): unknown {
  const told = mostTelling(errors);
  if (stands.why === 'out' && stands.needPerson.length > 0) return mostTelling(stands.needPerson); // no time mends it: the pipeline is to stop
  if (stands.why === 'out') {
    const open = allOut(pool, stands.untilMs - nowMs, told);
    return told === undefined || isAwaited(open) || !isRetryable(classify(told)) ? open : told;
  }
  if (told !== undefined && (stands.isWhole || !isUnable(told))) return told;
  if (!stands.isWhole) return notOpen(pool, told);
  return stands.why === 'cannot' && stands.tooLong ? tooLong(pool) : unable(pool);
}

/** Another model may do what this one cannot. */
export const isUnable = (error: unknown): boolean =>
  isStreamError(error) && ['prompt_too_long', 'capability_missing', 'schema_unsupported'].includes(error.code);

function allOut(pool: string, retryAfterMs: number, cause: unknown): BreakerOpenError {
  const last = cause === undefined ? '' : `; the last failure: ${messageOf(cause)}`;
  return new BreakerOpenError(
    `every model of ${pool} that can do this is left alone for its failures, the first of them for ${String(Math.ceil(retryAfterMs))} ms more${last}`,
    { retryAfterMs, ...(cause === undefined ? {} : { cause }) },
  );
}

const notOpen = (pool: string, cause: unknown): InferenceError =>
  new InferenceError(
    'model_unavailable',
    `no open model of ${pool} can do this, and others are not open yet: they are tried again; the log says why they cannot be opened`,
    cause === undefined ? {} : { cause },
  );

const tooLong = (pool: string): InferenceError =>
  new InferenceError(
    'prompt_too_long',
    `no model of ${pool} has room for so long an answer: lower maxTokens, or add a model with a larger context`,
  );

const unable = (pool: string): InferenceError =>
  new InferenceError(
    'capability_missing',
    `no model of ${pool} can do this: add one to the pool that does, or leave out the options that none knows`,
  );
