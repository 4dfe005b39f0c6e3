import { Committer } from '../flow/committer.ts';
import { messageOf, PipelineError } from '../errors.ts';
import { type Departure, sendDeparture } from '../flow/departures.ts';
import type { Failure } from '../flow/failure-story.ts';
import type { Taken } from '../flow/owned.ts';
import { outputTo, writeTo } from '../flow/sink.ts';
import type { Source } from '../flow/source.ts';
import type { Delivery } from './delivery.ts';
import { departures, tellOfFailure } from './end-failed.ts';
import type { LineParts } from './line-parts.ts';

/**
 * Outputs are written as they come; a record is settled when they, or its dead letter, are acknowledged; the watermark is
 * committed behind it.
 */
export function atLeastOnce(parts: LineParts, source: Source): Delivery {
  const { pipeline, options, sink, stats } = parts;
  const trouble = (why: string | undefined): void => stats.trouble('commit', why);
  const committer = new Committer({ ...options, partitions: () => source.partitions, trouble, committed: () => (stats.commits += 1) });
  const settle = (taken: Taken): void => {
    if (source.settle(taken)) committer.settled();
  };
  return {
    get bytes() {
      return sink.bytes;
    },
    output: outputTo(pipeline, writeTo(sink)),
    begin: () => undefined,
    handed: (taken) => source.through(taken),
    givenBack: () => undefined,
    settled: (taken, verdict) => {
      if (verdict.outcome === 'failed') bury(parts, source, taken, verdict, () => settle(taken));
      else settle(taken);
    },
    moved: () => committer.settled(),
    beforeStart: undefined,
    attach: (consumer) => committer.attach(consumer),
    hurry: () => undefined,
    flush: (partitions, giveUp) => committer.flush(partitions, giveUp),
    release: () => Promise.resolve(),
    lose: () => undefined,
    stop: () => committer.stop(),
  };
}

/** A failed record is settled when what was written of it is acknowledged. */
function bury(parts: LineParts, source: Source, taken: Taken, failure: Failure, settled: () => void): void {
  const left = ({ to }: Departure): void => {
    taken.departed = to;
    tellOfFailure(parts, taken, failure);
    settled();
  };
  const refused = (error: Error): void => {
    source.abandon(taken, 'stopped');
    const text = `nothing can be written of record ${parts.stats.place(taken)}, which failed: ${messageOf(error)}`;
    parts.fail(new PipelineError('record_too_large', text, { cause: error }));
  };
  sendDeparture(parts.sink, departures(parts, taken, failure), taken, { left, refused });
}
