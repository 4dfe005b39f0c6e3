import { stopsPipeline } from '../classify.ts';
import { type FailedTry, keepTry } from './tries.ts';

/** What is known of a record that fails, or may. Holds one error and at most 20 failed tries. */
export class Failing {
  /** The first one, unless a later one ends the pipeline. */
  error: Error | undefined;
  /** When the error came, in the clock's milliseconds. */
  atMs = 0;
  /** Calls that were followed by another one, oldest first. */
  readonly tries: FailedTry[] = [];

  add(error: Error, nowMs: number): void {
    if (this.error !== undefined && (!stopsPipeline(error) || stopsPipeline(this.error))) return;
    this.error = error;
    this.atMs = nowMs;
  }

  tried(failed: readonly FailedTry[]): void {
    for (const one of failed) keepTry(this.tries, one);
  }
}
