import { codeOf } from '../classify.ts';
import { abortReason } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { Sink } from '../flow/sink.ts';
import type { Pipeline } from '../pipeline.ts';
import type { ConsumeHandlers, ConsumeOptions, Consumer, Producer } from '../transport/transport.ts';
import { assemble, type Line } from './assemble.ts';
import { Closers } from './closers.ts';
import { consumeHandlers } from './handlers.ts';
import { Lifecycle, type LifecycleState } from './lifecycle.state.ts';
import { attachLogUsers } from './log-users.ts';
import { askForCollection, guardMemory } from './memory-guard.ts';
import { attachNoteKeepers, commitNotes, noteKeepersOf } from './note-keepers.ts';
import { openCodecs, pendingOf } from './open-codecs.ts';
import { openResources } from './open-resources.ts';
import { type ResolvedStartOptions, resolveStartOptions, type StartOptions } from './options.ts';
import { releasePartitions } from './release.ts';
import { requireRunnable } from './require-runnable.ts';
import { endOnSignals } from './signals.ts';
import { catchStrays } from './strays.ts';
import { checkTopics, topicsOf } from './check-topics.ts';
import { Opening } from './opening.ts';
import { snapshotOf } from './snapshot.ts';
import { StartPatience } from './start-patience.ts';
import { ownedIds, Stats, type StatsSnapshot } from './stats.ts';
import { sweepDeadlines } from './sweep.ts';
import { watchCodecs } from './watch-codecs.ts';
import { shedAll, watchedPolicies } from './watched-policies.ts';

/** A pipeline that runs. */
export interface App {
  readonly name: string;
  readonly state: LifecycleState;
  /** What it has done and is doing; a copy. */
  stats(): StatsSnapshot;
  /**
   * Takes nothing more, waits for what is in flight up to the deadline, commits, gives the rest back and leaves the
   * group. Resolves when everything is closed; a second call shortens the deadline of the first.
   */
  drain(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** Resolves when the pipeline has been drained; rejects when it failed, after everything is closed. */
  readonly done: Promise<void>;
}

/**
 * Starts a pipeline: checks its topics, opens its resources, joins its group. Resolves when records can flow. A log that is away is
 * waited for, up to `startPatienceMs`.
 *
 * @throws OptionError for bad options; TransportError `unknown_topic` (naming the remedy) or `transport_unavailable`;
 * PipelineError `resource_failed` when a resource, or a codec, cannot be opened; the reason of `signal`. Whatever was opened is closed first.
 */
export async function start<In, Out, K>(pipeline: Pipeline<In, Out, K>, given: StartOptions): Promise<App> {
  const options = resolveStartOptions(given);
  requireRunnable(pipeline as unknown as Pipeline, options.transport);
  const running = new Running(pipeline as unknown as Pipeline, options); // within, values are whatever the codecs make of them
  await running.start();
  return running;
}

class Running implements App {
  readonly name: string;
  readonly #end: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly done = this.#end.promise;
  readonly #pipeline: Pipeline;
  readonly #options: ResolvedStartOptions;
  readonly #life = new Lifecycle();
  readonly #stats: Stats;
  readonly #closers: Closers;
  readonly #opening: Opening;
  readonly #patience: StartPatience;
  readonly #opened = Promise.withResolvers<undefined>();
  #line: Line | undefined;
  #policies: ReturnType<typeof watchedPolicies> = new Map();
  #draining: Promise<void> | undefined;
  #drainUntilMs = Number.POSITIVE_INFINITY;
  #failure: Error | undefined;

  constructor(pipeline: Pipeline, options: ResolvedStartOptions) {
    this.name = pipeline.name;
    this.#pipeline = pipeline;
    this.#options = options;
    this.#stats = new Stats({
      // as loud as the trouble: whoever saw that must see its end
      trouble: (where, why) => {
        if (why === undefined) options.log.warn({ pipeline: this.name, where }, 'works again');
        else options.log.warn({ pipeline: this.name, where, why }, 'does not work at present');
      },
      changed: options.onTroubles,
    });
    this.#closers = new Closers(options.clock, (error) => {
      options.log.warn({ pipeline: this.name, error: messageOf(error) }, 'closing failed');
    });
    this.#opening = new Opening(options.clock, this.#closers);
    this.#patience = new StartPatience({
      clock: options.clock,
      startPatienceMs: options.startPatienceMs,
      log: options.transport.name,
      signal: this.#opening.signal,
      trouble: (why, leftMs) => {
        this.#stats.trouble('start', why, leftMs);
      },
    });
    this.done.catch(() => undefined); // whoever does not ask for `done` sees the failure in the log and in `state`
  }

  get state(): LifecycleState {
    return this.#life.state;
  }

  /** Given up, it closes what it has opened. */
  async start(): Promise<void> {
    const { signal, signals, clock } = this.#options;
    const giveUp = (): void => {
      if (signal) this.#opening.giveUp(abortReason(signal));
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    if (signals) {
      this.#closers.add(endOnSignals(this, clock));
      this.#closers.add(catchStrays());
    }
    try {
      if (signal?.aborted === true) giveUp();
      await this.#start();
    } catch (error) {
      this.#opening.giveUp(error);
      this.#life.to('failed');
      await this.#opening.ended();
      await this.#closers.close();
      throw this.#opening.reason;
    } finally {
      signal?.removeEventListener('abort', giveUp);
      this.#opened.resolve(undefined);
    }
  }

  async #start(): Promise<void> {
    const { clock } = this.#options;
    const { inputs, outputs } = topicsOf(this.#pipeline);
    await this.#opening.unlessGivenUp(checkTopics(this.#pipeline, this.#options, this.#patience));
    const { pipeline, opened } = await openCodecs(this.#pipeline, this.#options, this.#opening, this.#patience);
    const sink = await this.#openSink();
    const resources = await openResources(this.#pipeline, this.#options, this.#opening);
    this.#policies = watchedPolicies(resources);
    const noteKeepers = noteKeepersOf(resources);
    this.#closers.add(
      await attachNoteKeepers(noteKeepers, {
        transport: this.#options.transport,
        inputs,
        clock,
        commitIntervalMs: this.#options.commitIntervalMs,
        changed: () => commitNotes(this.#line),
        trouble: (why) => {
          this.#stats.trouble('policies', why);
        },
      }),
    );
    await attachLogUsers(resources, this.#options, this.#opening, (name, why) => {
      this.#stats.trouble(`resources.${name}`, why);
    });
    const parts = {
      pipeline,
      options: this.#options,
      stats: this.#stats,
      fail: (error: Error): void => {
        this.#fail(error);
      },
    };
    const line = assemble({ ...parts, resources, noteKeepers, sink, pending: pendingOf(opened) });
    this.#line = line;
    this.#closers.add(() => {
      line.source.stop();
      line.stream.stop();
      return line.delivery.stop();
    });
    line.stream.open();
    this.#closers.add(sweepDeadlines(line.source, clock, this.#stats));
    if (opened.length > 0) this.#closers.add(watchCodecs(opened, { ...line, clock, stats: this.#stats }));
    this.#guardMemory(line);
    const consumer = await this.#patience.done(() => this.#join(line, consumeHandlers({ ...parts, ...line })));
    line.source.attach(consumer);
    line.delivery.attach(consumer);
    if (this.#failure) throw this.#failure;
    this.#opening.signal.throwIfAborted();
    this.#life.to('running');
    this.#sayRunning(inputs, outputs);
  }

  async #openSink(): Promise<Sink> {
    const { transport, clock } = this.#options;
    const { outputs, waiting } = topicsOf(this.#pipeline);
    const open = (): Promise<Producer> => this.#opening.hold(transport.produce({ clientId: this.name }), (opened) => opened.close());
    const producer = await this.#patience.answered(open);
    const topics = [...new Set([...outputs, ...waiting])];
    const trouble = (where: string, why: string | undefined): void => {
      this.#stats.trouble(where, why);
    };
    const close = (opened: Sink): void => {
      opened.stop();
    };
    const denied = (error: Error): void => {
      this.#fail(error);
    };
    return this.#patience.answered(() => this.#opening.hold(Sink.open({ producer, clock, topics, trouble, denied }), close));
  }

  async #join({ delivery: { beforeStart } }: Line, handlers: ConsumeHandlers): Promise<Consumer> {
    const { transport, instance } = this.#options;
    const { groupId, from } = this.#pipeline;
    const { inputs, waiting } = topicsOf(this.#pipeline);
    const options: ConsumeOptions = {
      ...{ groupId, topics: [...inputs, ...waiting], from, fromEarliest: waiting, clientId: this.name },
      ...(instance === undefined ? {} : { instance }),
      ...(beforeStart && { beforeStart }),
    };
    try {
      return await this.#opening.hold(transport.consume(options, handlers), (joined) => joined.close());
    } catch (error) {
      handlers.health({ state: 'ok' }); // what held it up ended with it
      throw error;
    }
  }

  #guardMemory({ source }: Line): void {
    const { memory: limits, clock } = this.#options;
    if (limits === false) return;
    const shed = (): void => {
      shedAll(this.#policies);
    };
    const shrink = (share: number): void => {
      if (source.window.share === share) return;
      source.window.shrink(share, share === 0 ? 'memory is used up' : 'memory is short');
      source.pump();
    };
    this.#closers.add(
      guardMemory({ limits, clock, shed, collect: askForCollection, shrink, trouble: (why) => this.#stats.trouble('memory', why) }),
    );
  }

  #sayRunning(inputs: readonly string[], outputs: readonly string[]): void {
    const { transport, log } = this.#options;
    const partitions = ownedIds(this.#line?.source.partitions ?? []);
    log.info({ pipeline: this.name, transport: transport.name, inputs, outputs, partitions }, 'running');
    // nobody should find out from a bill that calls were made three times
    const { retry } = this.#pipeline;
    if (retry === 'none') return;
    this.#options.log.info(
      { pipeline: this.name, ...retry },
      "calls without retryWithBackoff are tried again by default; change it with retry: { attempts, initialMs, maxMs } or 'none' in definePipeline, or with retryWithBackoff on the call",
    );
  }

  drain({ deadlineMs = this.#options.drainDeadlineMs }: { readonly deadlineMs?: number } = {}): Promise<void> {
    if (this.state === 'starting') return this.#giveUp();
    const untilMs = this.#options.clock.nowMs() + deadlineMs;
    this.#drainUntilMs = Math.min(this.#drainUntilMs, untilMs);
    this.#draining ??= this.#drain(deadlineMs);
    return this.#draining;
  }

  stats(): StatsSnapshot {
    return snapshotOf({ stats: this.#stats, line: this.#line, policies: this.#policies, nowMs: this.#options.clock.nowMs() });
  }

  async #drain(deadlineMs: number): Promise<void> {
    const line = this.#line;
    if (!this.#life.to('draining') || !line) return;
    const { clock, log } = this.#options;
    log.info({ pipeline: this.name, inFlight: line.source.window.records, deadlineMs }, 'draining');
    line.source.stop();
    line.stream.complete();
    const hurry = (): boolean => clock.nowMs() >= this.#drainUntilMs || this.#failure !== undefined;
    const givenBack = await releasePartitions(
      { source: line.source, delivery: line.delivery, clock, deadlineMs, hurry },
      line.source.partitions,
      'stopped',
    );
    await this.#closers.close();
    this.#life.to(this.#failure ? 'failed' : 'stopped');
    log.info({ pipeline: this.name, givenBack, ...this.#stats.counts }, this.state);
    if (this.#failure && this.#options.signals) process.exitCode ??= 1; // whoever waits for `done` may decide otherwise
    if (this.#failure) this.#end.reject(this.#failure);
    else this.#end.resolve();
  }

  /** The pipeline cannot go on: what is finished is committed, the rest is given back, `done` rejects. */
  #fail(error: Error): void {
    if (this.#failure || this.#life.ended) return;
    this.#failure = error;
    this.#options.log.error({ pipeline: this.name, code: codeOf(error), error: error.message }, 'the pipeline stops');
    if (this.#life.state === 'running') void this.drain({ deadlineMs: 0 });
  }

  /** Nothing is in flight yet: there is only what has to be closed. */
  async #giveUp(): Promise<void> {
    this.#opening.giveUp(new DOMException('the start is given up', 'AbortError'));
    await this.#opened.promise;
  }
}
