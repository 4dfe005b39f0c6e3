import { codeOf, stopsPipeline } from '../classify.ts';
import { type Departure, departuresOf, nextRetry } from '../flow/departures.ts';
import type { Failure } from '../flow/failure-story.ts';
import type { Taken } from '../flow/owned.ts';
import type { LineParts } from './line-parts.ts';

/**
 * Whether a failure ends the pipeline, and its record is given back: its grade says so, or there are no dead letters and no
 * retry topic is left for it.
 */
export function endsPipeline(
  { pipeline }: Pick<LineParts, 'pipeline'>,
  taken: Taken,
  failure: Pick<Failure, 'error' | 'outputs'>,
): boolean {
  if (stopsPipeline(failure.error)) return true;
  return pipeline.deadLetter === 'stop' && nextRetry(pipeline.retryTopics, taken, failure) === undefined;
}

/** How a failed record leaves this pipeline, the best way first. */
export function departures({ pipeline, options }: LineParts, taken: Taken, failure: Failure): readonly Departure[] {
  const deadLetter = pipeline.deadLetter === 'stop' ? undefined : pipeline.deadLetter.name;
  const nowMs = options.clock.nowMs();
  return departuresOf({ pipeline: pipeline.name, deadLetter, retryTopics: pipeline.retryTopics, nowMs }, taken, failure);
}

/** Counts a failed record that has left, and says so. One that waits in a retry topic ends later. */
export function tellOfFailure({ options, stats }: LineParts, taken: Taken, failure: Failure): void {
  const { error, attempts } = failure;
  const details = { code: codeOf(error), position: stats.place(taken), attempts, error: error.message };
  if (taken.departed === 'retry') {
    stats.retriedLater += 1;
    options.log.info(details, 'record failed; it waits in a retry topic');
    return;
  }
  stats.verdict(failure, taken, options.clock.nowMs());
  options.log.warn(details, 'record failed');
}
