import { availableParallelism } from 'node:os';
import { requireInteger, requireNumber, requireOneOf } from 'millrace';

export interface IsolatedOptions {
  /**
   * `'process'`: processes of their own, each for one task at a time and used again; whatever happens in one (a crash of native code, memory without end) happens to its task alone, but tasks of one process see each
   * other's globals. `'task'`: a thread of its own for each task, with a heap and modules of its own; a crash of native code takes the application with it. @defaultValue 'process'
   */
  readonly isolation?: 'process' | 'task';
  /** Longest time of one task, in ms, from when its process or thread is there (30 s at most): then it is killed, in an endless loop too, and fails with `call_timeout`. @defaultValue 30,000 */
  readonly timeoutMs?: number;
  /** Most at once; at least 1. @defaultValue the cores of the machine */
  readonly maxWorkers?: number;
  /** Megabytes of the JavaScript heap of each; above that it is ended. @defaultValue 256 */
  readonly maxHeapMb?: number;
  /** Environment variables that processes get: what is not named here is not seen. @defaultValue PATH alone */
  readonly env?: Readonly<Record<string, string>>;
}

/** @throws OptionError for an option outside its range. */
export function resolveIsolated(options: IsolatedOptions): Required<IsolatedOptions> {
  const { isolation = 'process', timeoutMs = 30_000, maxWorkers = availableParallelism(), maxHeapMb = 256 } = options;
  const { env = { PATH: process.env['PATH'] ?? '' } } = options;
  requireOneOf('isolated.isolation', isolation, ['process', 'task']);
  requireNumber('isolated.timeoutMs', timeoutMs, 1);
  requireInteger('isolated.maxWorkers', maxWorkers, 1);
  requireInteger('isolated.maxHeapMb', maxHeapMb, 16);
  return { isolation, timeoutMs, maxWorkers, maxHeapMb, env };
}
