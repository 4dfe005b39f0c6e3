import { isStreamError, type StreamError } from '../../src/errors.ts';

/** The error of ours that `work` fails with; anything else, and success, is an error here. */
export async function failureOf(work: Promise<unknown>): Promise<StreamError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isStreamError(error)) return error;
  throw new Error('expected one of our errors', { cause: error });
}
