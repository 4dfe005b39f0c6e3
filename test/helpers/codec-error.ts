import { inspect } from 'node:util';
import { CodecError } from '../../src/errors.ts';

/** The CodecError that `body` throws; anything else, and success, is an error here. */
export function codecErrorOf(body: () => unknown): CodecError {
  try {
    body();
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

/** Everything that a logger may print of an error. */
export const printed = (error: Error): string => `${error.message} ${error.stack ?? ''} ${JSON.stringify(error)} ${inspect(error.cause)}`;
