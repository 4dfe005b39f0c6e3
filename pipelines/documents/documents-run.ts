import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  type App,
  type Client,
  type Clock,
  connect,
  headerText,
  InferenceError,
  journal,
  type Log,
  ResultsFile,
  silentLog,
  start,
  systemClock,
  type Transport,
} from 'millrace';
import { Subscription } from 'rxjs';
import type { AskedModel } from './ask.ts';
import { answerOfLetter } from './answer-of-letter.ts';
import { Desk } from './desk.ts';
import type { DocumentResult } from './document.ts';
import { type EmbeddedBroker, embeddedBroker, Forgetter } from './embedded-broker.ts';
import { budgetOf } from './limits.ts';
import { writeMerged } from './merged-file.ts';
import { documentsPipeline, documentsTopics } from './pipeline.ts';
import type { DocumentsSummary, RunDocumentsOptions } from './run-options.ts';
import { automaticBatchSize, type ResolvedSettings } from './settings.ts';
import { Waits } from './waits.state.ts';

/** What is written to the topic at a time. */
const feedTogether = 64;
/** Waiting lines stop the input beyond this. */
const mostPendingBytes = 64 * 1024 * 1024;
const tickMs = 500;
/** A run that cannot go on lets calls end that are about to: what they answer is kept. */
const graceMs = 1_000;
/** For the last answers to come out of their topic. */
const patienceMs = 15_000;
const mebibyte = 2 ** 20;
/** Of the cap, where caches are dropped and less is taken. */
const softShare = 0.8;

/** One run: feeds references, takes answers, and ends when all are there, when it is asked to, or when it cannot go on. */
export class DocumentsRun {
  readonly #options: RunDocumentsOptions;
  readonly #settings: ResolvedSettings;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #run = randomUUID();
  readonly #desk: Desk;
  readonly #over = Promise.withResolvers<undefined>();
  readonly #reading = new Subscription();
  readonly #breakers = new Map<string, AskedModel['breaker']>();
  readonly #waits = new Waits();
  readonly #sums = { success: 0, partial: 0, error: 0, calls: 0, fromJournal: 0, inputTokens: 0, outputTokens: 0 };
  #file: ResultsFile | undefined;
  #isFed = false;
  #answered = 0;
  #answeredMs: number;
  /** Since when a model is away. */
  #awayMs: number | undefined;
  #isOver = false;

  constructor(options: RunDocumentsOptions, settings: ResolvedSettings) {
    const { clock = systemClock, log = silentLog } = options;
    this.#options = options;
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
    this.#answeredMs = clock.nowMs();
    const { order, window } = settings;
    this.#desk = new Desk({ run: this.#run, order, window, write: this.#write });
    this.#over.promise.catch(() => undefined); // it may fail before anybody waits
  }

  async run(): Promise<DocumentsSummary> {
    const { transport = embeddedBroker(this.#clock), signal } = this.#options;
    signal?.addEventListener('abort', this.#end, { once: true });
    if (signal?.aborted) this.#end();
    try {
      await this.#throughAndClosed(transport);
      return await this.#published();
    } catch (error) {
      // without the file the folder was not ours yet, and its report is another run's
      if (this.#file) this.#options.onFailure?.(this.#summary(false, this.#file.path));
      throw error;
    } finally {
      signal?.removeEventListener('abort', this.#end);
    }
  }

  async #throughAndClosed(transport: Transport): Promise<void> {
    try {
      await this.#through(transport);
    } finally {
      this.#desk.giveUp();
      if (this.#options.transport === undefined) await transport.close();
      await this.#file?.close();
    }
  }

  /** What was there before stays, unless this run is complete. */
  async #published(): Promise<DocumentsSummary> {
    const { success, error } = this.#sums;
    const isComplete = this.#isFed && this.#desk.unanswered === 0;
    const file = this.#file;
    if (isComplete && file) await writeMerged(file.path, join(this.#options.out, 'merged.json'), { success, error });
    return this.#summary(isComplete, isComplete ? await file?.publish() : file?.path);
  }

  #summary(isComplete: boolean, results: string | undefined): DocumentsSummary {
    const { taken, unanswered } = this.#desk;
    return { documents: taken, ...this.#sums, unanswered, waits: this.#waits.list, isComplete, results };
  }

  async #through(transport: Transport): Promise<void> {
    const { prefix = '', log = silentLog } = this.#options;
    const names = documentsTopics(prefix);
    await transport.createTopics(Object.values(names).map(({ name }) => ({ name })));
    const client = connect(transport, { clock: this.#clock, log });
    let app: App | undefined;
    try {
      await this.#read(client, transport);
      app = await this.#start(transport);
      app.done.then(this.#end, this.#fail);
      // not before the journal is ours: another run on this folder may be writing
      this.#file = await ResultsFile.begin(this.#options.out, this.#fail);
      const cancel = this.#tick(app);
      let drain: { readonly deadlineMs?: number } = { deadlineMs: graceMs };
      try {
        this.#feed(client).then(this.#fed, this.#fail);
        await this.#over.promise;
        drain = {};
      } finally {
        cancel();
        this.#isOver = true;
        await app.drain(drain);
      }
      await this.#caughtUp(app);
    } finally {
      this.#isOver = true;
      this.#reading.unsubscribe();
      await app?.drain({ deadlineMs: 0 });
      await client.close();
    }
  }

  async #start(transport: Transport): Promise<App> {
    const { tasks, models, fallback, out, prefix = '', onTroubles, onCall, isLimited = false, signal } = this.#options;
    const { memoryMb, batchSize } = this.#settings;
    const clock = this.#clock;
    const pipeline = documentsPipeline({
      ...{ run: this.#run, prefix, tasks, models, fallback, settings: this.#settings, clock, breakers: this.#breakers },
      batchSize: batchSize === 'auto' ? automaticBatchSize({ cores: availableParallelism(), memoryMb }) : batchSize,
      journal: journal({ dir: join(out, 'journal'), exclusive: true }),
      budget: budgetOf(this.#settings, isLimited),
      lookUp: (reference) => this.#desk.sourceOf(reference),
      onCall,
    });
    const memoryLimits = { softRssBytes: Math.floor(memoryMb * mebibyte * softShare), hardRssBytes: memoryMb * mebibyte };
    return start(pipeline, {
      transport,
      clock,
      log: this.#log,
      signals: false,
      ...(signal && { signal }),
      ...(onTroubles && { onTroubles }),
      ...(clock === systemClock ? { memory: memoryLimits } : {}),
    });
  }

  /** Takes documents as there is room. */
  async #feed(client: Client): Promise<void> {
    const { input } = documentsTopics(this.#options.prefix);
    let writing: Promise<unknown>[] = [];
    for await (const source of this.#options.input) {
      await this.#room();
      if (this.#isOver) return;
      writing.push(client.produce(input, [{ key: null, value: this.#desk.take(source) }]));
      if (writing.length < feedTogether) continue;
      await Promise.all(writing);
      writing = [];
    }
    await Promise.all(writing);
  }

  async #room(): Promise<void> {
    await this.#desk.place();
    while ((this.#file?.pendingBytes ?? 0) > mostPendingBytes && !this.#isOver) await this.#sleep(tickMs);
  }

  async #read(client: Client, transport: Transport): Promise<void> {
    const { output, dead, input } = documentsTopics(this.#options.prefix);
    const groupId = `${this.#options.prefix ?? ''}documents.${this.#run}`;
    const forgetter =
      'broker' in transport ? new Forgetter(transport as EmbeddedBroker, { input: input.name, output: output.name, groupId }) : undefined;
    const ready = [output, dead].map(() => Promise.withResolvers<undefined>());
    const onReady = (at: number) => (): void => ready[at]?.resolve(undefined);
    this.#reading.add(
      client.consume(output, { from: 'latest', undecodable: 'skip', onReady: onReady(0) }).subscribe({
        next: ({ value, position }) => {
          this.#take(value);
          forgetter?.read(position.offset);
        },
        error: this.#fail,
      }),
    );
    this.#reading.add(
      client.consume(dead, { from: 'latest', onReady: onReady(1) }).subscribe({
        next: ({ value, headers }) => {
          const letter = answerOfLetter(value, (name) => headerText(headers, name));
          if (letter) this.#take({ ...letter, input: { ...letter.input, name: this.#desk.sourceOf(letter)?.name ?? letter.input.id } });
        },
        error: this.#fail,
      }),
    );
    await Promise.race([Promise.all(ready.map(({ promise }) => promise)), this.#over.promise]);
  }

  #take(result: DocumentResult): void {
    if (!this.#desk.answer(result)) return;
    this.#answered += 1;
    this.#answeredMs = this.#clock.nowMs();
    if (this.#isFed && this.#desk.isEmpty) this.#end();
  }

  readonly #write = (result: DocumentResult): void => {
    const { status } = result;
    const { calls, fromJournal, inputTokens, outputTokens } = result.usage;
    this.#sums[status] += 1;
    if (result.partial) this.#sums.partial += 1;
    this.#sums.calls += calls;
    this.#sums.fromJournal += fromJournal;
    this.#sums.inputTokens += inputTokens;
    this.#sums.outputTokens += outputTokens;
    this.#file?.push(lineOf(result));
    this.#options.onAnswer?.(result);
  };

  readonly #fed = (): void => {
    this.#isFed = !this.#isOver;
    if (this.#isFed) this.#options.onTotal?.(this.#desk.taken);
    if (this.#desk.isEmpty) this.#end();
  };

  readonly #end = (): void => {
    this.#over.resolve(undefined);
  };

  readonly #fail = (error: unknown): void => {
    this.#over.reject(error instanceof Error ? error : new Error('the run cannot go on', { cause: error }));
  };

  /** Says what is waited for. A model that stays away is not waited for without end. */
  #tick(app: App): () => void {
    let cancel = (): void => undefined;
    const look = (): void => {
      const nowMs = this.#clock.nowMs();
      const { modelPatienceMs } = this.#settings;
      const models = [...this.#breakers].filter(([, breaker]) => breaker.phase(nowMs) !== 'closed').map(([name]) => name);
      if (models.length === 0) this.#awayMs = undefined;
      else this.#awayMs ??= nowMs; // loading it is no outage, however long that takes
      const givenUpMs = Math.max(this.#answeredMs, this.#awayMs ?? 0) + modelPatienceMs;
      this.#options.onWaits?.(this.#waits.look(app.stats().holds, { models, givenUpMs }, nowMs));
      if (models.length > 0 && nowMs > givenUpMs)
        this.#fail(
          new InferenceError(
            'model_unavailable',
            `${models.join(', ')} has not answered for ${String(Math.round(modelPatienceMs / 1000))} s: start it, and give the same command again; what is finished is kept`,
          ),
        );
      cancel = this.#clock.schedule(tickMs, look);
    };
    cancel = this.#clock.schedule(tickMs, look);
    return () => {
      cancel();
    };
  }

  /** What was written before the drain is on its way to us. */
  async #caughtUp(app: App): Promise<void> {
    const untilMs = this.#clock.nowMs() + patienceMs;
    const { done, failed } = app.stats();
    while (this.#answered < done + failed && this.#clock.nowMs() < untilMs) await this.#sleep(20);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.schedule(ms, resolve));
  }
}

/** What users see; the status is its first member, by which `merged.json` is put together. */
const lineOf = ({ status, ...rest }: DocumentResult): object =>
  Object.fromEntries(Object.entries({ status, ...rest }).filter(([name]) => name !== 'run' && name !== 'place'));
