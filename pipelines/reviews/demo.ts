import {
  type App,
  type Client,
  type Clock,
  connect,
  deadLetterHeaders,
  headerText,
  type Log,
  type Model,
  type Output,
  type Resource,
  start,
  type Transport,
} from 'millrace';
import { Subscription } from 'rxjs';
import type { RatedSentence } from './data.ts';
import { endsOf, feed, idIn, malformed } from './feed.ts';
import type { Asking } from './judge-sentiment.ts';
import { reviewsPipeline, reviewsTopics } from './pipeline.ts';
import { type Progress, progressLine, resultLine, type ShownLetter } from './show.ts';
import { type Summary, Tally } from './tally.ts';

export interface DemoOptions {
  readonly transport: Transport;
  readonly model: Resource<Model>;
  readonly asking: Asking;
  readonly concurrency: number;
  readonly prefix: string;
  readonly sentences: readonly RatedSentence[];
  /** Takes nothing more after this long, the model's loading included, in ms; undefined: goes on until all is done. */
  readonly budgetMs: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly out: Output;
  /** This process's name over restarts, if it has one. */
  readonly instance?: string | undefined;
  /** Ends the demo as the budget does. */
  readonly signal: AbortSignal;
}

export interface DemoResult {
  readonly summary: Summary;
  readonly letters: readonly ShownLetter[];
  readonly ended: Ended;
}

/** Why it ended: everything has its result, the time was up, or somebody asked for it. */
export type Ended = 'complete' | 'time' | 'interrupted';

const tickMs = 200;
const partitions = 4;
/** For what is in flight: a few sentences, which a loaded machine needs seconds for. */
const drainDeadlineMs = 20_000;
/** For the last results to come back from the output topic, and for the group to have settled all it read. */
const patienceMs = 15_000;
/** However long loading took, there is something to see. */
const leastRunningMs = 10_000;
/** A reader of the example sees the first ones; the topic has all. */
const lettersShown = 10;

/**
 * Feeds the pipeline, shows each result as it comes out of the output topic, and counts. What an earlier run of the same
 * topics has left is continued: inputs that are there are not written again, results that are there count.
 *
 * Holds a result per sentence. Closes all it opened, but not the transport.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { transport, prefix, clock, sentences, signal, out } = options;
  const { input, output, dead } = reviewsTopics(prefix);
  const startedMs = clock.nowMs();
  await transport.createTopics([input, output, dead].map(({ name }) => ({ name, partitions })));
  const client = connect(transport, { clock });
  const view = new View(options, await endsOf(transport, output.name));
  const reading = view.read(client);
  let app: App | undefined;
  try {
    const { present } = await feed({ client, transport, input, sentences, clock, signal });
    if (present > 0)
      out.note(
        `${String(present)} of the ${String(sentences.length + 1)} inputs are in ${input.name} already: going on where an earlier run stopped`,
      );
    const { model, asking, concurrency, log, instance } = options;
    const pipeline = reviewsPipeline({ model, asking, prefix, concurrency, clock });
    // few in flight: what is taken is waited for at the end
    const onTroubles = ([why]: readonly string[]): void => {
      if (app === undefined) out.live(why === undefined ? undefined : `starting · ${why}`.slice(0, out.width - 3));
    };
    const bounds = { maxRecordsInFlight: 2 * concurrency, drainDeadlineMs };
    app = await start(pipeline, {
      transport,
      clock,
      log,
      ...{ signals: false, signal },
      onTroubles,
      ...bounds,
      ...(instance === undefined ? {} : { instance }),
    });
    const untilMs = options.budgetMs === undefined ? undefined : Math.max(startedMs + options.budgetMs, clock.nowMs() + leastRunningMs);
    const ended = await view.until(app, untilMs);
    await app.drain();
    await view.caughtUp();
    const summary = view.tally.summary({ dropped: app.stats().dropped, seconds: (clock.nowMs() - startedMs) / 1000 });
    return { summary, letters: view.letters, ended };
  } finally {
    out.live(undefined);
    await app?.drain({ deadlineMs: 0 });
    reading.unsubscribe();
    await client.close();
  }
}

/** What is seen from outside: the output topic and the dead letters. */
class View {
  readonly tally: Tally;
  readonly letters: ShownLetter[] = [];
  readonly #options: DemoOptions;
  /** Where the output topic ended before this run. */
  readonly #before: ReadonlyMap<number, bigint>;
  readonly #seen = new Map<string, bigint>();
  #changed: () => void = () => undefined;
  #failed: (error: unknown) => void = () => undefined;

  constructor(options: DemoOptions, before: ReadonlyMap<number, bigint>) {
    this.#options = options;
    this.#before = before;
    this.tally = new Tally(options.sentences);
  }

  read(client: Client): Subscription {
    const { output, dead } = reviewsTopics(this.#options.prefix);
    const { out } = this.#options;
    const error = (problem: unknown): void => {
      this.#failed(problem);
    };
    const subscription = new Subscription();
    const results = client.consume(output, { undecodable: 'skip' });
    subscription.add(
      results.subscribe({
        next: ({ value, position: { topic, partition, offset } }) => {
          this.#seen.set(`${topic}/${String(partition)}`, offset);
          const isEarlier = offset < (this.#before.get(partition) ?? 0n);
          const sentence = this.tally.result(value, isEarlier);
          if (sentence !== undefined) {
            out.json({ ...value, people: sentence.rating, ...(isEarlier ? { earlier: true } : {}) });
            if (!isEarlier) out.line(resultLine(value, sentence, out.width));
          }
          this.#changed();
        },
        error,
      }),
    );
    subscription.add(
      client.consume(dead).subscribe({
        next: ({ key, value, headers, position: { topic, partition, offset } }) => {
          this.#seen.set(`${topic}/${String(partition)}`, offset);
          const isNew = this.tally.letter({ id: idIn(value), isMalformed: key === malformed.key });
          if (isNew && this.letters.length < lettersShown) this.letters.push(letterOf((name) => headerText(headers, name) ?? '?'));
          this.#changed();
        },
        error,
      }),
    );
    return subscription;
  }

  /** Resolves when the demo is to end; rejects when the pipeline or a reader failed. */
  async until(app: App, untilMs: number | undefined): Promise<Ended> {
    const { clock, signal } = this.#options;
    const startedMs = clock.nowMs();
    let completeSinceMs: number | undefined;
    let stopTicking = (): void => undefined;
    let onAbort = (): void => undefined;
    const ended = new Promise<Ended>((resolve, reject) => {
      const look = (): void => {
        const nowMs = clock.nowMs();
        if (this.tally.isComplete) completeSinceMs ??= nowMs;
        const { lag, partitions: owned } = app.stats();
        // results of an earlier run may be all there, and their records still be done again
        const isSettled = owned > 0 && lag === 0n;
        if (completeSinceMs !== undefined && (isSettled || nowMs - completeSinceMs >= patienceMs)) resolve('complete');
        else if (untilMs !== undefined && nowMs >= untilMs) resolve('time');
      };
      const tick = (): void => {
        look();
        this.#showProgress(app, {
          elapsedMs: clock.nowMs() - startedMs,
          leftMs: untilMs === undefined ? undefined : untilMs - clock.nowMs(),
        });
        stopTicking = clock.schedule(tickMs, tick);
      };
      onAbort = () => {
        resolve('interrupted');
      };
      this.#changed = look;
      this.#failed = reject;
      app.done.catch(reject);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      tick();
    });
    try {
      return await ended;
    } finally {
      stopTicking();
      signal.removeEventListener('abort', onAbort);
      this.#changed = () => undefined;
    }
  }

  /** Resolves when all results that were written have been read. */
  async caughtUp(): Promise<void> {
    const { transport, prefix, clock } = this.#options;
    const { output, dead } = reviewsTopics(prefix);
    const untilMs = clock.nowMs() + patienceMs;
    const ends: (readonly [string, bigint])[] = [];
    for (const { name } of [output, dead])
      for (const [partition, end] of await endsOf(transport, name)) ends.push([`${name}/${String(partition)}`, end]);
    while (ends.some(([id, end]) => (this.#seen.get(id) ?? -1n) + 1n < end) && clock.nowMs() < untilMs) {
      await new Promise<void>((resolve) => {
        const cancel = clock.schedule(tickMs, resolve);
        this.#changed = () => {
          cancel();
          resolve();
        };
      });
    }
  }

  #showProgress(app: App, time: Pick<Progress, 'elapsedMs' | 'leftMs'>): void {
    const { out } = this.#options;
    if (!out.isTty) return;
    const { finished, records, fresh } = this.tally;
    const { recordsInFlight: inFlight, troubles } = app.stats();
    out.live(progressLine({ finished, records, ...fresh, inFlight, trouble: troubles[0], ...time }).slice(0, out.width - 3));
  }
}

function letterOf(header: (name: string) => string): ShownLetter {
  const { topic, partition, offset, code, message } = deadLetterHeaders;
  return { position: `${header(topic)}/${header(partition)}@${header(offset)}`, code: header(code), message: header(message) };
}
