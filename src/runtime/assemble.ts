import { codeOf, stopsPipeline } from '../classify.ts';
import { Committer } from '../flow/committer.ts';
import { sendDeadLetter } from '../flow/dead-letters.ts';
import type { Taken } from '../flow/owned.ts';
import { outputTo, type Sink } from '../flow/sink.ts';
import { Source } from '../flow/source.ts';
import type { Pipeline } from '../pipeline.ts';
import { handleOf } from '../record/envelope.ts';
import { watchLater } from '../record/handle.ts';
import { Settlement } from '../record/lineage.ts';
import type { Verdict } from '../record/outcome.ts';
import { OpenParts, type Run } from '../record/run.ts';
import { decodeEnvelope } from './decode.ts';
import type { ResolvedStartOptions } from './options.ts';
import { RestartingStream } from './restarting-stream.ts';
import type { Stats } from './stats.ts';

/** What a line is assembled from. */
export interface LineParts {
  readonly pipeline: Pipeline;
  readonly options: ResolvedStartOptions;
  readonly resources: Readonly<Record<string, unknown>>;
  readonly sink: Sink;
  readonly stats: Stats;
  /** The pipeline cannot go on. */
  readonly fail: (error: Error) => void;
}

/** A pipeline with all its parts in place. */
export interface Line {
  /** Takes records from the transport while the window allows; lanes keep their order. */
  readonly source: Source;
  /** The user's operators, policies and model. */
  readonly stream: RestartingStream;
  /** Stores what is settled without a gap. */
  readonly committer: Committer;
}

/**
 * The spine: one record's whole way, in order. Every step is a part of its own, named here and nowhere else.
 *
 *     transport ─ window ─ lanes ─ decode ─ process ─ encode ─ sink ─ settle ─ tracker ─ commit
 */
export function assemble(parts: LineParts): Line {
  const { pipeline, options, sink, stats } = parts;
  const { clock, log } = options;
  const open = new OpenParts();
  const run = runOf(parts, open, (reason, untilMs) => source.hold(reason, untilMs));

  // 1 The transport hands over what it fetched; the window takes what may be in flight; lanes keep the order.
  const { ordering } = pipeline;
  const source = new Source({
    ...options,
    ordering,
    open,
    outgoingBytes: () => sink.bytes,
    emit: (taken) => emit(taken),
    skipped: () => skipped(),
  });
  sink.onRoom(() => source.pump());

  // 2 A record may run: from here on a settlement answers for it. It is decoded, and enters the pipeline.
  const emit = (taken: Taken): void => {
    const settlement = answerFor(taken);
    const envelope = decodeEnvelope(pipeline, taken, settlement);
    if (envelope === undefined) return; // no value: it has failed on the spot
    const handle = handleOf(envelope);
    stream.emit(envelope);
    if (handle && !settlement.closed && !settlement.isHanded) watchLater(handle); // synchronous pipelines are spared the cost
  };
  const answerFor = (taken: Taken): Settlement => {
    const position = taken.partition.positionOf(taken.record);
    const isPresent = (): boolean => taken.settlement === settlement; // not that of a run before a restart
    const settlement: Settlement = new Settlement(position, pipeline.deadlineMs, run, {
      handed: () => {
        if (isPresent()) source.through(taken);
      },
      decided: (verdict) => {
        if (isPresent()) settle(taken, verdict);
      },
    });
    taken.settlement = settlement;
    return settlement;
  };

  // 3 The user's operators, policies and model. What reaches the end is encoded and handed to the sink.
  const stream = new RestartingStream({ ...parts, clock, log, source, answerFor, output: outputTo(pipeline, sink) });

  // 4 Every part is acknowledged, failed or dropped: the record is settled, exactly once, as the worst of them.
  const settle = (taken: Taken, verdict: Verdict): void => {
    if (verdict.outcome === 'failed' && endsPipeline(pipeline, verdict.error)) {
      source.abandon(taken, 'stopped'); // it is delivered again when somebody has acted
      stats.counts['given-back'] += 1;
      parts.fail(verdict.error);
      return;
    }
    stats.verdict(verdict, taken, clock.nowMs());
    if (verdict.outcome === 'failed') bury(parts, taken, verdict, () => settled(taken));
    else if (verdict.outcome !== 'given-back') settled(taken);
  };

  // 5 The tracker moves its watermark over what is settled without a gap; the committer stores it, and what is settled above it.
  // What an earlier owner has stored like that comes from the source straight to here.
  const settled = (taken: Taken): void => {
    if (source.settle(taken)) committer.settled();
  };
  const skipped = (): void => {
    stats.completedBefore += 1;
    committer.settled();
  };
  const trouble = (why: string | undefined): void => stats.trouble('commit', why);
  const committer = new Committer({ ...options, partitions: () => source.partitions, trouble });

  return { source, stream, committer };
}

/** Whether a failure ends the pipeline: its grade says so, or there are no dead letters. */
const endsPipeline = ({ deadLetter }: Pipeline, error: Error): boolean => deadLetter === 'stop' || stopsPipeline(error);

/** What envelopes know of their run. */
function runOf({ pipeline: { retry }, options: { clock, random, log }, fail }: LineParts, open: OpenParts, hold: Run['hold']): Run {
  return {
    clock,
    open,
    hold,
    ...(retry === 'none' ? {} : { retry: { ...retry, random } }),
    failed: (error) => {
      log.debug({ code: codeOf(error), error: error.message }, 'a part failed');
      // a record that waits for its other parts must not keep the pipeline going until then; nor is this the place to end it
      if (stopsPipeline(error)) queueMicrotask(() => fail(error));
    },
  };
}

/** A failed record is settled when its dead letter is acknowledged. */
function bury({ pipeline, options, sink, stats }: LineParts, taken: Taken, verdict: Verdict & { outcome: 'failed' }, settled: () => void) {
  const { error, attempts } = verdict;
  options.log.warn({ code: codeOf(error), position: stats.place(taken), attempts, error: error.message }, 'record failed');
  if (pipeline.deadLetter === 'stop') return; // it has stopped the pipeline
  const nowMs = (): number => options.clock.nowMs();
  sendDeadLetter({ pipeline: pipeline.name, topic: pipeline.deadLetter.name, sink, nowMs }, taken, verdict, settled);
}
