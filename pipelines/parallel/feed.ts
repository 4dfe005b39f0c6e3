import {
  type App,
  type Client,
  connect,
  deadLetterHeaders,
  type ErrorCode,
  headerText,
  isStreamError,
  type RecordHeaders,
  StreamError,
  start,
  type StatsSnapshot,
} from 'millrace';
import type { ResolvedOptions } from './parallel-options.ts';
import { OwnBroker } from './own-broker.ts';
import type { Task } from './task.ts';
import { groupOf, numberIn, recordOf, taskPipeline, taskTopics, type TaskTable } from './task-pipeline.ts';

/** Told of what the pipeline could not do. */
export interface FeedHost<In, Out> extends TaskTable<In, Out> {
  failed(number: number, error: Error): void;
  /** The pipeline has failed: nothing will be worked on any more. */
  broke(error: Error): void;
}

/** Tasks that were taken together. */
export interface Batch<In, Out> {
  readonly tasks: readonly Task<In, Out>[];
  /** There may be more to take at once, also where these are none: tasks may end as they are taken. */
  readonly isMore: boolean;
}

interface Running {
  readonly app: App;
  readonly client: Client;
  readonly close: () => Promise<void>;
}

/**
 * The pipeline of an engine, with its own broker in memory, and what brings tasks to it. The pipeline starts with the first task. One loop takes tasks and puts them into the topic; it ends when there
 * is none to take, and begins anew with `wake`.
 */
export class Feed<In, Out> {
  readonly #options: ResolvedOptions<In, Out>;
  readonly #host: FeedHost<In, Out>;
  readonly #take: () => Batch<In, Out>;
  #running: Promise<Running> | undefined;
  #app: App | undefined;
  #own: OwnBroker | undefined;
  #isFeeding = false;
  #isWoken = false;
  #isOver = false;

  constructor(options: ResolvedOptions<In, Out>, host: FeedHost<In, Out>, take: () => Batch<In, Out>) {
    this.#options = options;
    this.#host = host;
    this.#take = take;
  }

  stats(): StatsSnapshot | undefined {
    return this.#app?.stats();
  }

  /** There may be something to take. Returns at once: nothing is taken within it. */
  wake(): void {
    this.#isWoken = true;
    if (this.#isFeeding || this.#isOver) return;
    this.#isFeeding = true;
    this.#run().catch((error: unknown) => {
      this.#break(error);
    });
  }

  /** A task's record was worked on. */
  ended(): void {
    this.#own?.ended();
  }

  async close(): Promise<void> {
    this.#isOver = true;
    if (!this.#running) return;
    const running = await this.#running.catch(() => undefined);
    await running?.close();
  }

  async #run(): Promise<void> {
    this.#running ??= this.#start();
    const { client } = await this.#running;
    const { input } = taskTopics(this.#host, this.#options.topicPrefix);
    while (this.#isWoken && !this.#isOver) {
      this.#isWoken = false;
      const { tasks, isMore } = this.#take();
      if (tasks.length === 0 && !isMore) continue;
      this.#isWoken = true;
      if (tasks.length > 0) await client.produce(input, tasks.map(recordOf));
      await this.#breathe();
    }
    this.#isFeeding = false;
  }

  /** Producing in memory ends within the same turn of the loop: what else waits for it, timers and sockets, would never have one. */
  #breathe(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.schedule(0, resolve);
    });
  }

  async #start(): Promise<Running> {
    const { clock, log, maxInFlight, topicPrefix } = this.#options;
    const topics = taskTopics(this.#host, topicPrefix);
    const names = { input: topics.input.name, dead: topics.dead.name, groupId: groupOf(this.#host, topicPrefix) };
    const own = this.#options.transport === undefined ? new OwnBroker({ clock, ...names }) : undefined;
    const transport = this.#options.transport ?? (own as OwnBroker).transport;
    this.#own = own;
    await transport.createTopics(Object.values(topics).map(({ name }) => ({ name })));
    const client = connect(transport, { clock, log });
    const isReady = Promise.withResolvers<undefined>();
    const onReady = (): void => isReady.resolve(undefined);
    const letters = client.consume(topics.dead, { from: 'latest', onReady }).subscribe({
      next: ({ value, headers, position }) => {
        own?.readLetter(position.offset);
        const number = numberIn(value, this.#host.run);
        if (number !== undefined) this.#host.failed(number, errorOf(this.#host.find(number), headers));
      },
      error: (error: unknown) => {
        isReady.reject(error);
        this.#break(error);
      },
    });
    await isReady.promise; // a letter of before that would be missed
    const app = await start(taskPipeline(this.#options, this.#host), {
      ...{ transport, clock, log, createTopics: true, signals: false },
      maxRecordsInFlight: maxInFlight,
    });
    this.#app = app;
    app.done.catch((error: unknown) => {
      this.#break(error);
    });
    return {
      app,
      client,
      close: async () => {
        await app.drain({ deadlineMs: 0 }).catch(() => undefined); // why it failed was told to the tasks
        letters.unsubscribe();
        await client.close();
        await own?.transport.close();
      },
    };
  }

  #break(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.broke(error instanceof Error ? error : new Error(String(error)));
  }
}

/** What an error that is not ours may be called. */
const codesOfOthers: ReadonlySet<string> = new Set<ErrorCode>(['call_failed', 'project_threw']);

/** What the call threw, if it is what the letter tells of; else what the letter says. */
function errorOf(task: { readonly failure: unknown } | undefined, headers: RecordHeaders): Error {
  const code = headerText(headers, deadLetterHeaders.code) ?? 'call_failed';
  const { failure } = task ?? {};
  if (failure instanceof Error && (isStreamError(failure) ? failure.code === code : codesOfOthers.has(code))) return failure;
  const message = headerText(headers, deadLetterHeaders.message) ?? 'the task has failed';
  return new StreamError(code as ErrorCode, message, failure === undefined ? {} : { cause: failure });
}
