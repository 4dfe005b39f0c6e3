import type { CancelTimer, Clock } from '../clock.ts';
import { stopsPipeline } from '../classify.ts';
import { isStreamError, messageOf, PipelineError } from '../errors.ts';
import { positionOf, type Taken } from '../flow/owned.ts';
import type { Source } from '../flow/source.ts';
import type { Pipeline } from '../pipeline.ts';
import { type Envelope, handleOf } from '../record/envelope.ts';
import { giveBackTogether, type Settlement } from '../record/lineage.ts';
import { recordError } from '../record/record-error.ts';
import type { Run } from '../record/run.ts';
import type { Log } from './logging.ts';
import type { Stats } from './stats.ts';
import { Stream } from './stream.ts';

export interface RestartingStreamOptions {
  readonly pipeline: Pipeline;
  readonly resources: Readonly<Record<string, unknown>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly stats: Stats;
  readonly source: Source;
  readonly run: Run;
  /** Begins a new settlement for a record. */
  readonly answerFor: (taken: Taken) => Settlement;
  /** Takes each envelope that reached the end. */
  readonly output: (envelope: Envelope<unknown, unknown>) => void;
  /** The pipeline cannot go on. */
  readonly fail: (error: Error) => void;
}

/**
 * A pipeline's `process`, subscribed to again whenever its stream ends before it should (an operator that is not guarded
 * threw, or it completed). Its unfinished records are taken back and run again one at a time; one that ends the stream
 * again alone fails as `pipeline_threw`.
 */
export class RestartingStream {
  readonly #options: RestartingStreamOptions;
  #stream: Stream | undefined;
  #cancelRestart: CancelTimer = () => undefined;

  constructor(options: RestartingStreamOptions) {
    this.#options = options;
  }

  /**
   * Builds the stream; records flow as soon as partitions are assigned.
   * @throws StreamError what `process` threw while it built the stream, in a PipelineError when it is none of ours.
   */
  open(): void {
    let problem: { readonly error: unknown } | undefined;
    const stream = this.#build((error) => {
      problem ??= { error };
    });
    if (!stream.over) return;
    const error = problem?.error;
    if (isStreamError(error)) throw error;
    const why = error === undefined ? 'it completed at once' : messageOf(error);
    const text = `process of pipeline ${this.#options.pipeline.name} does not build a stream: ${why}`;
    throw new PipelineError('pipeline_threw', text, { cause: error });
  }

  /** `early` is told of an end that comes while the stream is built. */
  #build(early: (error: unknown) => void): Stream {
    let tell = early;
    const stream = new Stream({
      ...this.#options,
      ended: (error) => {
        tell(error);
      },
    });
    this.#stream = stream;
    stream.start();
    tell = (error) => {
      this.#ended(error);
    };
    if (!stream.over) this.#options.source.setStreaming(true);
    return stream;
  }

  emit(envelope: Envelope<unknown, unknown>): void {
    const { run } = this.#options;
    const before = run.emitting;
    run.emitting = handleOf(envelope)?.part; // should the stream end now, this has ended it
    this.#stream?.emit(envelope);
    run.emitting = before;
  }

  /** Says that nothing more comes; operators send what they hold. */
  complete(): void {
    this.#stream?.complete();
  }

  /** Unsubscribes: calls are aborted. */
  stop(): void {
    this.#cancelRestart();
    this.#stream?.stop();
  }

  #ended(error: unknown): void {
    const { pipeline, source, clock, log, stats, fail } = this.#options;
    this.#cancelRestart();
    source.setStreaming(false);
    const unfinished = source.unfinished();
    if (source.stopped) {
      // draining: completing is what it should do, and what it left behind will never finish
      source.abandonAll(unfinished, 'the stream ended');
      return;
    }
    if (stopsPipeline(error) && error instanceof Error) {
      fail(error); // no restart makes it better: what was in flight is given back
      return;
    }
    const { suspects, innocent, isCaught } = sortOut(unfinished, this.#options.run);
    takeBack(unfinished);
    const why = error === undefined ? 'it completed' : messageOf(error);
    const { culprit, restartInMs, trialMs, hopeless } = source.isolation.ended({ suspects, isCaught, nowMs: clock.nowMs() });
    source.again(innocent);
    const details = { pipeline: pipeline.name, error: why, inFlight: unfinished.length, suspects: suspects.length, restartInMs, trialMs };
    log.error(details, 'the stream of the pipeline ended; it is restarted, and the records that may have ended it run one at a time');
    if (hopeless) {
      const text = `the stream of pipeline ${pipeline.name} ends again and again without any record in it: ${why}`;
      fail(new PipelineError('pipeline_threw', text, { cause: error }));
      return;
    }
    if (culprit) this.#blame(culprit, why, error);
    this.#cancelRestart = clock.schedule(restartInMs, () => {
      if (source.stopped) return;
      stats.restarts += 1;
      this.#build((problem) => {
        this.#ended(problem);
      });
      if (trialMs > 0 && this.#stream?.over === false) this.#cancelRestart = clock.schedule(trialMs, () => this.#passed());
    });
  }

  #passed(): void {
    const { source } = this.#options;
    source.isolation.trialPassed();
    source.pump();
  }

  #blame(culprit: Taken, why: string, error: unknown): void {
    const { pipeline, answerFor } = this.#options;
    const position = positionOf(culprit);
    const text = `this record ended the stream of pipeline ${pipeline.name} again when it ran alone: ${why}`;
    answerFor(culprit)
      .add(0)
      .settle('failed', recordError('pipeline_threw', text, position, error));
  }
}

/** Who may have ended the stream: what was being emitted at that moment, or else everything but what waited for its first call. */
function sortOut(unfinished: readonly Taken[], run: Run) {
  const emitting: ReadonlySet<unknown> = new Set(run.emitting?.roots ?? []);
  run.emitting = undefined;
  const caught = unfinished.filter(({ settlement }) => emitting.has(settlement));
  const isCaught = caught.length > 0;
  const suspects = isCaught ? caught : unfinished.filter(({ settlement }) => settlement?.isUnbegun !== true);
  const known = new Set(suspects);
  return { isCaught, suspects, innocent: unfinished.filter((one) => !known.has(one)) };
}

/** Their present run is over: from here on its parts speak to nobody. */
function takeBack(takens: readonly Taken[]): void {
  const runs = takens.flatMap((taken) => (taken.settlement ? [{ taken, settlement: taken.settlement }] : []));
  for (const { taken } of runs) taken.settlement = undefined;
  giveBackTogether(
    runs.map(({ settlement }) => settlement),
    'the stream ended',
  );
  for (const { taken, settlement } of runs) taken.spent = settlement.spending; // calls that were aborted have told by now
}
