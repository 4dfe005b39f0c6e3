import type { Clock } from '../clock.ts';
import { messageOf, PipelineError } from '../errors.ts';
import type { Taken } from '../flow/owned.ts';
import type { Source } from '../flow/source.ts';
import type { Pipeline } from '../pipeline.ts';
import { recordError, type Settlement } from '../record/lineage.ts';
import type { Log } from './logging.ts';

export interface EndedStream {
  readonly pipeline: Pipeline;
  readonly source: Source;
  readonly answerFor: (taken: Taken) => Settlement;
  readonly clock: Clock;
  readonly log: Log;
  readonly fail: (error: Error) => void;
  readonly restart: () => void;
}

/**
 * The stream of a pipeline ended before it should: an operator that is not guarded threw, or it completed. Its unfinished
 * records are taken back and run again one at a time; one that ends the stream again alone fails as `pipeline_threw`.
 */
export function afterEnd({ pipeline, source, answerFor, clock, log, fail, restart }: EndedStream, error: unknown): void {
  source.setStreaming(false);
  const unfinished = source.unfinished();
  if (source.stopped) {
    // draining: completing is what it should do, and what it left behind will never finish
    for (const one of unfinished) source.abandon(one, 'the stream ended');
    return;
  }
  for (const one of unfinished) {
    const { settlement } = one;
    one.settlement = undefined; // from here on its old parts speak to nobody
    settlement?.giveBack('the stream ended');
  }
  const why = error === undefined ? 'completed' : messageOf(error);
  const { culprit, restartInMs, hopeless } = source.isolation.ended(unfinished);
  log.error(
    { pipeline: pipeline.name, error: why, inFlight: unfinished.length, restartInMs },
    'the stream of the pipeline ended; it is restarted, and what was in flight runs one at a time',
  );
  if (hopeless) {
    const text = `the stream of pipeline ${pipeline.name} ends again and again without any record in it: ${why}`;
    fail(new PipelineError('pipeline_threw', text, { cause: error }));
    return;
  }
  if (culprit) {
    const { partition, record } = culprit;
    const text = `this record ended the stream of pipeline ${pipeline.name} twice, the second time alone: ${why}`;
    answerFor(culprit)
      .add(0)
      .settle('failed', recordError('pipeline_threw', text, partition.positionOf(record), error));
  }
  clock.schedule(restartInMs, restart);
}
