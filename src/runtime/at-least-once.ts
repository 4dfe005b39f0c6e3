import { Committer } from '../flow/committer.ts';
import { deadLetterOf, sendDeadLetter } from '../flow/dead-letters.ts';
import type { Taken } from '../flow/owned.ts';
import { outputTo, writeTo } from '../flow/sink.ts';
import type { Source } from '../flow/source.ts';
import type { Verdict } from '../record/outcome.ts';
import type { Delivery } from './delivery.ts';
import type { LineParts } from './line-parts.ts';

/**
 * Outputs are written as they come; a record is settled when they, or its dead letter, are acknowledged; the watermark is
 * committed behind it.
 */
export function atLeastOnce(parts: LineParts, source: Source): Delivery {
  const { pipeline, options, sink, stats } = parts;
  const trouble = (why: string | undefined): void => stats.trouble('commit', why);
  const committer = new Committer({ ...options, partitions: () => source.partitions, trouble });
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
      if (verdict.outcome === 'failed') bury(parts, taken, verdict, () => settle(taken));
      else settle(taken);
    },
    skipped: () => committer.settled(),
    beforeStart: undefined,
    attach: (consumer) => committer.attach(consumer),
    hurry: () => undefined,
    flush: (partitions, giveUp) => committer.flush(partitions, giveUp),
    release: () => Promise.resolve(),
    lose: () => undefined,
    stop: () => committer.stop(),
  };
}

/** A failed record is settled when its dead letter is acknowledged. */
function bury({ pipeline, options, sink }: LineParts, taken: Taken, verdict: Verdict & { outcome: 'failed' }, settled: () => void): void {
  const { name, deadLetter } = pipeline;
  if (deadLetter === 'stop') return; // it has stopped the pipeline
  const letter = deadLetterOf({ pipeline: name, nowMs: () => options.clock.nowMs() }, taken, verdict);
  sendDeadLetter(sink, deadLetter.name, letter, taken, settled);
}
