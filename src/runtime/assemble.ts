import { Committer } from '../flow/committer.ts';
import { sendDeadLetter } from '../flow/dead-letters.ts';
import type { Taken } from '../flow/owned.ts';
import { outputTo, type Sink } from '../flow/sink.ts';
import { Source } from '../flow/source.ts';
import type { Pipeline } from '../pipeline.ts';
import { Settlement, watchLater } from '../record/lineage.ts';
import { handleOf } from '../record/envelope.ts';
import type { Verdict } from '../record/outcome.ts';
import { OpenParts, type Run } from '../record/run.ts';
import type { Consumer, ConsumeHandlers } from '../transport/transport.ts';
import { afterEnd } from './after-end.ts';
import { decodeEnvelope } from './decode.ts';
import { consumeHandlers } from './handlers.ts';
import type { ResolvedStartOptions } from './options.ts';
import type { Stats } from './stats.ts';
import { Stream } from './stream.ts';

/** A pipeline with all its parts in place: what `start` drives. */
export interface Line {
  readonly source: Source;
  readonly committer: Committer;
  readonly handlers: ConsumeHandlers;
  /** Builds the stream; records flow as soon as partitions are assigned. */
  open(): void;
  attach(consumer: Consumer): void;
  stream(): Stream;
  /** Aborts every call and stops every timer. */
  close(): void;
}

export interface Given {
  readonly options: ResolvedStartOptions;
  readonly resources: Readonly<Record<string, unknown>>;
  readonly sink: Sink;
  readonly stats: Stats;
  /** The pipeline cannot go on. */
  readonly fail: (error: Error) => void;
}

/**
 * The spine. One record's whole way, in order; every step is a part of its own, named here and nowhere else.
 *
 *     transport ─ window ─ lanes ─ decode ─ process ─ encode ─ sink ─ settle ─ tracker ─ commit
 */
export function assemble(pipeline: Pipeline, { options, resources, sink, stats, fail }: Given): Line {
  const { clock, log } = options;

  // The transport hands over what it fetched; the window takes what may be in flight; lanes keep the order.
  const open = new OpenParts();
  const source = new Source({
    ordering: pipeline.ordering,
    maxBytes: options.maxBytesInFlight,
    maxRecords: options.maxRecordsInFlight,
    maxAboveWatermark: options.maxAboveWatermark,
    outgoingBytes: () => sink.bytes,
    clock,
    open,
    emit,
  });

  // A record enters the pipeline: from here on a settlement answers for it.
  const run: Run = {
    clock,
    open,
    hold: (reason, untilMs) => {
      source.hold(reason, untilMs);
    },
    failed: (error) => {
      log.debug({ code: stats.codeOf(error), error: error.message }, 'a part failed');
    },
  };
  function answerFor(taken: Taken): Settlement {
    const settlement: Settlement = new Settlement(taken.partition.positionOf(taken.record), pipeline.deadlineMs, run, {
      handed: () => {
        if (taken.settlement === settlement) source.through(taken);
      },
      decided: (verdict) => {
        if (taken.settlement === settlement) settle(taken, verdict);
      },
    });
    taken.settlement = settlement;
    return settlement;
  }
  function emit(taken: Taken): void {
    const settlement = answerFor(taken);
    const envelope = decodeEnvelope(pipeline, taken, settlement);
    if (envelope === undefined) return; // undecodable: failed on the spot
    const handle = handleOf(envelope);
    stream.emit(envelope);
    if (handle && !settlement.closed && !settlement.isHanded) watchLater(handle); // a synchronous pipeline is spared the cost
  }

  // The user's operators, policies and model; what reaches the end is encoded and handed to the sink.
  const output = outputTo(pipeline, sink);
  let stream = newStream();
  function newStream(): Stream {
    return new Stream({
      pipeline,
      resources,
      output,
      ended: (error) => {
        afterEnd({ pipeline, source, answerFor, clock, log, fail, restart }, error);
      },
    });
  }
  function start(): void {
    stream.start();
    if (!stream.over) source.setStreaming(true);
  }
  function restart(): void {
    if (source.stopped) return;
    stats.restarts += 1;
    stream = newStream();
    start();
  }

  // Every part is acknowledged, failed or dropped: the record is settled, exactly once, as the worst of them.
  function settle(taken: Taken, verdict: Verdict): void {
    stats.verdict(verdict, taken, clock.nowMs());
    const settled = (): void => {
      if (source.settle(taken)) committer.settled();
    };
    if (verdict.outcome === 'done' || verdict.outcome === 'dropped') settled();
    else if (verdict.outcome === 'failed') bury(taken, verdict, settled);
  }

  // A failed record is settled when its dead letter is acknowledged.
  function bury(taken: Taken, verdict: Verdict & { outcome: 'failed' }, settled: () => void): void {
    const { deadLetter, name } = pipeline;
    log.warn(
      { code: stats.codeOf(verdict.error), position: stats.place(taken), attempts: verdict.attempts, error: verdict.error.message },
      'record failed',
    );
    if (deadLetter === 'stop') {
      source.abandon(taken, 'stopped');
      fail(verdict.error);
    } else sendDeadLetter({ pipeline: name, topic: deadLetter.name, sink, nowMs: () => clock.nowMs() }, taken, verdict, settled);
  }

  // What is settled without a gap is committed.
  const committer = new Committer({
    clock,
    everyMs: options.commitIntervalMs,
    everyRecords: options.commitEveryRecords,
    partitions: () => source.partitions,
    trouble: (why) => {
      stats.trouble('commit', why);
    },
  });
  return {
    source,
    committer,
    handlers: consumeHandlers({ pipeline, options, source, committer, stats, fail }),
    open: start,
    attach: (consumer) => {
      source.attach(consumer);
      committer.attach(consumer);
    },
    stream: () => stream,
    close: () => {
      source.stop();
      stream.stop();
      committer.stop();
    },
  };
}
