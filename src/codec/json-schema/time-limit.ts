import { createContext, Script } from 'node:vm';

/** Took longer than it may. */
export class TookTooLong extends Error {}

const call = new Script('work()');
let context: { work: (() => unknown) | undefined } | undefined;

/**
 * Runs what does nothing but compute and ends it after `mostMs`, in the midst of a regular expression, too. A thread of its own watches it, which costs up to a millisecond.
 * @throws TookTooLong
 */
export function withinTime<T>(mostMs: number, work: () => T): T {
  context ??= createContext({ work: undefined }) as { work: (() => unknown) | undefined };
  const outer = context.work;
  context.work = work;
  try {
    return call.runInContext(context, { timeout: mostMs }) as T;
  } catch (error) {
    if (isTimeout(error)) throw new TookTooLong(`took longer than ${String(mostMs)} ms`);
    throw error;
  } finally {
    context.work = outer;
  }
}

const isTimeout = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
