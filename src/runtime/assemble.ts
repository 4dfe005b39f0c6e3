import { LongHolds } from './long-holds.state.ts';
import { codeOf, stopsPipeline } from '../classify.ts';
import { messageOf } from '../errors.ts';
import type { Owned, Taken } from '../flow/owned.ts';
import { Source } from '../flow/source.ts';
import { handleOf } from '../record/envelope.ts';
import { watchLater } from '../record/handle.ts';
import type { Settlement } from '../record/lineage.ts';
import type { Verdict } from '../record/outcome.ts';
import { formatPosition } from '../record/record.ts';
import { OpenParts, type Run } from '../record/run.ts';
import { atLeastOnce } from './at-least-once.ts';
import { decodeEnvelope } from './decode.ts';
import type { Delivery } from './delivery.ts';
import { exactlyOnce } from './exactly-once.ts';
import { endsPipeline } from './end-failed.ts';
import type { LineParts } from './line-parts.ts';
import { RestartingStream } from './restarting-stream.ts';
import { Way, type WayOptions } from './way.ts';

/** A pipeline with all its parts in place. */
export interface Line {
  /** Takes records from the transport while the window allows; lanes keep their order. */
  readonly source: Source;
  /** The user's operators, policies and model. */
  readonly stream: RestartingStream;
  /** Brings outputs, dead letters and offsets to the log. */
  readonly delivery: Delivery;
}

/**
 * The spine: one record's whole way, in order. Every step is a part of its own, named here and nowhere else.
 *
 *     transport ─ window ─ lanes ─ decode ─ process ─ encode ─ sink ─ settle ─ tracker ─ commit
 */
export function assemble(parts: LineParts): Line {
  const { pipeline, options, sink, stats } = parts;
  const open = new OpenParts();
  const hold = sayingLongHolds(parts, (reason, untilMs) => source.hold(reason, untilMs));
  const run: Run = { ...runOf(parts, open), hold, verify: () => source.verify() };

  // 1 The transport hands over what it fetched; the window takes what may be in flight; lanes keep the order.
  const source = new Source({
    ...options,
    ordering: pipeline.ordering,
    retryTopics: pipeline.retryTopics,
    weights: pipeline.weights,
    noteKeepers: parts.noteKeepers,
    pending: parts.pending,
    open,
    outgoingBytes: () => delivery.bytes,
    emit: (taken) => emit(taken),
    skipped: (partition) => skipped(partition),
    passed: (partition) => delivery.moved(partition),
  });
  sink.onRoom(() => source.pump());

  // 2 A record may run: from here on a settlement answers for it. It is decoded, and enters the pipeline.
  const emit = (taken: Taken): void => {
    const settlement = answerFor(taken);
    const envelope = decodeEnvelope(pipeline, taken, settlement, stats);
    if (envelope === undefined) return; // no value, or too late: it has failed on the spot
    const handle = handleOf(envelope);
    stream.emit(envelope);
    if (handle && !settlement.closed && !settlement.isHanded) watchLater(handle); // synchronous pipelines are spared the cost
  };
  const answerFor = (taken: Taken): Settlement => {
    const { settlement } = new Way(way, taken);
    if (pipeline.modelHeaders) settlement.spending = taken.spent;
    delivery.begin(taken, settlement);
    taken.settlement = settlement;
    return settlement;
  };

  // 3 What reaches the end is encoded and delivered. At least once: written as it comes; settled when acknowledged; then the
  // watermark, and what is settled above it, is stored. Exactly once: all of it in one transaction; then settled.
  const delivery: Delivery = pipeline.delivery === 'exactly-once' ? exactlyOnce(parts, source) : atLeastOnce(parts, source);

  // 4 The user's operators, policies and model.
  const stream = new RestartingStream({ ...parts, ...options, source, run, answerFor, output: delivery.output });

  // 5 Every part has ended: the record is settled, exactly once, as the worst of them; the tracker moves its watermark over what
  // is settled without a gap. What an owner before us had completed comes from the source straight to here.
  const settle = (taken: Taken, verdict: Verdict): void => {
    if (verdict.outcome === 'failed' && endsPipeline(parts, taken, verdict)) {
      source.abandon(taken, 'stopped'); // it is delivered again when somebody has acted
      stats.counts['given-back'] += 1;
      parts.fail(verdict.error);
      return;
    }
    if (verdict.outcome !== 'failed') stats.verdict(verdict, taken, options.clock.nowMs());
    if (verdict.outcome !== 'given-back') delivery.settled(taken, verdict);
  };
  const way: WayOptions = {
    run,
    deadlineMs: pipeline.deadlineMs,
    stages: stats.stages,
    handed: (taken, settlement) => delivery.handed(taken, settlement),
    givenBack: (settlement) => delivery.givenBack(settlement),
    settle: (taken, verdict) => settle(taken, verdict),
  };
  const skipped = (partition: Owned): void => {
    stats.completedBefore += 1;
    delivery.moved(partition);
  };

  return { source, stream, delivery };
}

/** The source stands still for so long that somebody may ask why. */
function sayingLongHolds({ pipeline: { name: pipeline }, options: { clock, log } }: LineParts, hold: Run['hold']): Run['hold'] {
  const longHolds = new LongHolds();
  return (reason, untilMs) => {
    hold(reason, untilMs);
    if (!longHolds.isNews(reason, untilMs, clock.nowMs())) return;
    const until = untilMs <= lastMs ? new Date(untilMs).toISOString() : 'never';
    log.warn({ pipeline, reason, until }, 'the source is held for more than a minute');
  };
}

const lastMs = 8.64e15; // of a Date

/** What envelopes know of their run. */
function runOf(
  { pipeline: { retry, ordering, delivery, modelHeaders }, options: { clock, random, log, maxRecordsInFlight }, stats, fail }: LineParts,
  open: OpenParts,
): Omit<Run, 'hold' | 'verify'> {
  return {
    clock,
    random,
    open,
    promises: { ordering, delivery, maxRecordsInFlight },
    waits: stats.waits,
    ...(retry === 'none' ? {} : { retry }),
    modelHeaders,
    used: ({ inputTokens, cachedTokens, outputTokens }) => {
      stats.tokens.input += inputTokens;
      stats.tokens.cached += cachedTokens;
      stats.tokens.output += outputTokens;
    },
    failed: (error) => {
      log.debug({ code: codeOf(error), error: error.message }, 'a part failed');
      // a record that waits for its other parts must not keep the pipeline going until then; nor is this the place to end it
      if (stopsPipeline(error)) queueMicrotask(() => fail(error));
    },
    strayed: (position, error) => {
      log.error({ record: formatPosition(position), error: messageOf(error) }, 'thrown where nobody awaits it, after its call had ended');
    },
  };
}
