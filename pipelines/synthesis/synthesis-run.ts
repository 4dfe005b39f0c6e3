import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import {
  type App,
  type Client,
  type Clock,
  connect,
  deadLetterHeaders,
  headerText,
  type Journal,
  journal,
  type Log,
  memory,
  type Opened,
  PipelineError,
  silentLog,
  start,
  systemClock,
  type Transport,
} from 'millrace';
import { Subscription } from 'rxjs';
import { ModelDesk } from './model-desk.ts';
import { nothingSpent, type SeedOutcome, type SeedReference } from './outcome.ts';
import { idsOf } from './ids-of.ts';
import { Outcomes } from './outcomes.ts';
import { PairFile } from './pair-file.ts';
import { pairSender } from './pair-sender.ts';
import { synthesisPipeline, synthesisTopics } from './pipeline.ts';
import { processesOfRun } from './processes-of-run.ts';
import { Publisher } from './publisher.ts';
import { referenceIn } from './reference-in.ts';
import type { RunParts } from './run-parts.ts';
import type { SynthesisRunOptions, SynthesisSummary } from './run-options.ts';
import { RunTally } from './run-tally.ts';
import { keyOf, SeedRunner } from './seed-runner.ts';
import { SpendLimit } from './spend-limit.state.ts';
import { writeRunFiles } from './write-run-files.ts';
import { WaitingTimes } from './waiting-times.state.ts';
import { watchBreaker } from './watch-breaker.ts';
import { type Workers, workersFor } from './workers-for.ts';

/** What is written to the topic at a time. */
const feedTogether = 64;
const mebibyte = 2 ** 20;

/** One run: feeds seeds, takes results, and ends when all are there, when its budget is spent, when it is asked to, or when it cannot go on. */
export class SynthesisRun {
  readonly #options: SynthesisRunOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #run = randomUUID();
  readonly #over = Promise.withResolvers<SynthesisSummary['endedBy']>();
  readonly #reading = new Subscription();
  readonly #times = new WaitingTimes();
  readonly #tally: RunTally;
  readonly #spend: SpendLimit;
  readonly #open = new Set<number>();
  /** Places of seeds that somebody works on, or has worked on. */
  readonly #begun = new Set<number>();
  /** One result after the other. */
  #taking: Promise<void> = Promise.resolve();
  #running = 0;

  constructor(options: SynthesisRunOptions) {
    const { clock = systemClock, log = silentLog, folder } = options;
    const { tokenBudget = folder.manifest.config.token_budget ?? Infinity } = options;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#spend = new SpendLimit(tokenBudget);
    this.#tally = new RunTally(clock.nowMs());
    this.#over.promise.catch(() => undefined); // it may fail before anybody waits
  }

  async run(): Promise<SynthesisSummary> {
    const { folder, signal } = this.#options;
    const end = (): void => {
      this.#over.resolve('interrupted');
    };
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted) end();
    const opened = await this.#openJournal();
    try {
      await folder.sweep();
      const outcomes = await Outcomes.read(folder.manifest.seeds, opened.value);
      return await this.#with(opened.value, outcomes);
    } finally {
      signal?.removeEventListener('abort', end);
      await opened.close();
    }
  }

  #openJournal(): Promise<Opened<Journal>> {
    const log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, details: object = {}): void => {
      this.#log[level](details, message);
    };
    return journal({ dir: this.#options.folder.journal, exclusive: true, maxValueBytes: 256 * mebibyte }).open({
      clock: this.#clock,
      signal: new AbortController().signal,
      log,
    });
  }

  async #with(kept: Journal, outcomes: Outcomes): Promise<SynthesisSummary> {
    // without one a broker of this process alone: references are all that is on it
    const { folder, which = 'open', transport = memory({ clock: this.#clock, partitions: 1 }), pairsTopic } = this.#options;
    const { manifest } = folder;
    const todo = outcomes.places(which);
    const workers = this.#workers(todo.length);
    const processes = processesOfRun(this.#options, { todo, workers }, this.#begun);
    const known = await idsOf(outcomes, manifest.config.environment_mode);
    const file = await PairFile.open(folder.pairs, (id) => known.has(id));
    const client = connect(transport, { clock: this.#clock, log: this.#log });
    const publisher = new Publisher({
      ...{ config: manifest.config, seeds: manifest.seeds.length, todo, outcomes, file, isOrdered: manifest.isOrdered },
      onPair: this.#options.onPair,
      ...(pairsTopic !== undefined && { send: pairSender(client, kept, pairsTopic) }),
    });
    const isTodo = new Set(todo);
    try {
      for (const place of manifest.seeds.keys())
        if (outcomes.status(place) !== undefined && !isTodo.has(place)) await publisher.ended(place);
      processes.beginFirst(workers.count);
      const parts = { kept, outcomes, publisher, todo, workers, processes };
      const endedBy = todo.length === 0 ? 'complete' : await this.#through(transport, client, parts);
      await this.#takeLeft(parts);
      const decided = await publisher.finish();
      return await this.#summary(outcomes, decided, workers, endedBy);
    } finally {
      processes.close();
      await client.close();
      await file.close();
      if (this.#options.transport === undefined) await transport.close();
    }
  }

  #workers(seeds: number): Workers {
    const { folder, workers: given, availableMb = process.availableMemory() / mebibyte, onBegin } = this.#options;
    const { config } = folder.manifest;
    const memoryMb = config.worker_memory_mb;
    const workers = workersFor({ asked: given ?? config.max_workers, memoryMb, availableMb, seeds: Math.max(1, seeds) });
    const count = `${String(workers.count)} worker${workers.count === 1 ? '' : 's'}, each of up to ${String(memoryMb)} MiB`;
    onBegin?.([count, ...(workers.why === undefined ? [] : [`fewer than asked for: ${workers.why}`])], seeds);
    return workers;
  }

  async #through(transport: Transport, client: Client, parts: RunParts): Promise<SynthesisSummary['endedBy']> {
    const { prefix = '' } = this.#options;
    const names = synthesisTopics(prefix);
    await transport.createTopics(Object.values(names).map(({ name }) => ({ name })));
    let app: App | undefined;
    try {
      await this.#read(client, parts);
      const desk = this.#desk(parts.workers.count);
      app = await this.#start(transport, desk, parts);
      app.done.then(
        () => this.#over.resolve('interrupted'),
        (error: unknown) => this.#fail(error),
      );
      const { model_patience_ms: patienceMs } = this.#options.folder.manifest.config;
      const cancel = watchBreaker(desk.breaker, patienceMs, this.#clock, (error) => this.#fail(error));
      try {
        this.#feed(client, parts.todo).catch((error: unknown) => this.#fail(error));
        return await this.#over.promise;
      } finally {
        cancel();
      }
    } finally {
      await app?.drain({ deadlineMs: 0 }); // what is worked on is given up: nothing of it was kept
      this.#reading.unsubscribe();
    }
  }

  #desk(workers: number): ModelDesk {
    const { folder, model } = this.#options;
    return new ModelDesk({
      ...{ config: folder.manifest.config, workers, isRemote: model.isRemote, times: this.#times, clock: this.#clock },
      spend: this.#spend,
      onSpent: () => {
        this.#over.resolve('budget');
      },
    });
  }

  #start(transport: Transport, desk: ModelDesk, parts: RunParts): Promise<App> {
    const { kept, todo, workers, processes } = parts;
    const { folder, model, prefix = '', onTroubles, onRunning, signal, seedWork } = this.#options;
    const { config, randomSeed, seeds } = folder.manifest;
    const wanted = new Set(todo);
    const runner = new SeedRunner({
      ...{ config, randomSeed, desk, journal: kept, clock: this.#clock, processes, seedWork },
      lookUp: (place) => {
        this.#begun.add(place);
        return wanted.has(place) ? seeds[place] : undefined;
      },
      onRunning: (change) => {
        this.#running += change;
        onRunning?.(this.#running);
      },
    });
    return start(synthesisPipeline({ run: this.#run, prefix, model: model.resource, runner, workers: workers.count }), {
      ...{ transport, clock: this.#clock, log: this.#log, signals: false, memory: false },
      ...(signal && { signal }),
      ...(onTroubles && { onTroubles }),
    });
  }

  async #feed(client: Client, todo: readonly number[]): Promise<void> {
    const { input } = synthesisTopics(this.#options.prefix);
    const { seeds } = this.#options.folder.manifest;
    for (let at = 0; at < todo.length; at += feedTogether) {
      const some = todo.slice(at, at + feedTogether);
      const values = some.map((place) => ({ run: this.#run, place, sourceId: seeds[place]?.sourceId ?? '' }));
      await client.produce(
        input,
        values.map((value) => ({ key: null, value })),
      );
    }
  }

  async #read(client: Client, parts: RunParts): Promise<void> {
    const { output, dead } = synthesisTopics(this.#options.prefix);
    for (const place of parts.todo) this.#open.add(place);
    const ready = [output, dead].map(() => Promise.withResolvers<undefined>());
    const onReady = (at: number) => (): void => ready[at]?.resolve(undefined);
    const fail = (error: unknown): void => this.#fail(error);
    this.#reading.add(
      client.consume(output, { from: 'latest', undecodable: 'skip', onReady: onReady(0) }).subscribe({
        next: ({ value }) => {
          if (value.run === this.#run) this.#take(value.place, parts).catch(fail);
        },
        error: fail,
      }),
    );
    this.#reading.add(
      client.consume(dead, { from: 'latest', onReady: onReady(1) }).subscribe({
        next: ({ value, headers }) => {
          const reference = referenceIn(value);
          const said = (name: string): string => headerText(headers, name) ?? '';
          if (reference?.run === this.#run) this.#letter(reference, said, parts).catch(fail);
        },
        error: fail,
      }),
    );
    await Promise.race([Promise.all(ready.map(({ promise }) => promise)), this.#over.promise]);
  }

  /** A seed whose record failed on its way: by its time, or by a fault of ours. */
  async #letter({ place, sourceId }: SeedReference, header: (name: string) => string, parts: RunParts): Promise<void> {
    const error = { code: header(deadLetterHeaders.code), message: header(deadLetterHeaders.message) };
    const outcome: SeedOutcome = { status: 'failed', error, ...nothingSpent };
    await parts.kept.append(keyOf(sourceId), outcome);
    await this.#take(place, parts);
  }

  /** What is in the journal, and whose result was still on its way when the run ended. */
  async #takeLeft(parts: RunParts): Promise<void> {
    for (const place of [...this.#open]) {
      const found = await parts.outcomes.at(place);
      // of those that have failed before, a failure is the old one
      if (found?.outcome.status === 'done' || (found && this.#options.which !== 'failed')) await this.#take(place, parts);
    }
    await this.#taking;
  }

  #take(place: number, parts: RunParts): Promise<void> {
    const taken = this.#taking.then(() => this.#takeNow(place, parts));
    this.#taking = taken.catch(() => undefined);
    return taken;
  }

  async #takeNow(place: number, { outcomes, publisher }: RunParts): Promise<void> {
    if (!this.#open.has(place)) return;
    const found = await outcomes.at(place);
    if (found === undefined) throw new PipelineError('resource_failed', `the journal has lost the outcome of seed ${String(place)}`);
    this.#tally.seed(found.outcome);
    await publisher.ended(place);
    this.#options.onSeed?.(found.seed.sourceId, found.outcome);
    this.#open.delete(place);
    if (this.#open.size === 0) this.#over.resolve('complete');
  }

  #fail(error: unknown): void {
    this.#over.reject(error instanceof Error ? error : new Error('the run cannot go on', { cause: error }));
  }

  #summary(
    outcomes: Outcomes,
    decided: { readonly kept: number; readonly duplicates: ReadonlyMap<string, string> },
    workers: Workers,
    endedBy: SynthesisSummary['endedBy'],
  ): Promise<SynthesisSummary> {
    const times = this.#tally.times({
      ...{ nowMs: this.#clock.nowMs(), workers: workers.count, cores: availableParallelism(), fewer: workers.why },
      calls: this.#times,
    });
    return writeRunFiles({ folder: this.#options.folder, outcomes, decided, times, endedBy, spend: this.#spend });
  }
}
