import { randomUUID } from 'node:crypto';
import { catchError, concat, defer, EMPTY, finalize, ignoreElements, mergeMap, Observable, of, Subject, takeUntil } from 'rxjs';
import { inScope, scopeOf } from '../../call.ts';
import type { Clock } from '../../clock.ts';
import { isStreamError } from '../../errors.ts';
import type { Model } from '../../inference/model.ts';
import { definePipeline } from '../../pipeline.ts';
import { type Envelope, handleOf } from '../../record/envelope.ts';
import { connect } from '../../runtime/connect.ts';
import { type App, start } from '../../runtime/start.ts';
import { AnswerWriter } from './answer-writer.ts';
import { openBeat } from './open-beat.ts';
import { failedAnswer, runAnswers } from './run-answers.ts';
import type { ViaSettings } from './via-settings.ts';
import { readAs, type ViaControl, type ViaRequest } from './via-topics.ts';
import { ViaReader } from './via-reader.ts';
import { ViaSilence } from './via-silence.state.ts';

export interface ViaWorker {
  /** Finishes what it works on, up to 10 s, gives the rest to others, and leaves. */
  close(): Promise<void>;
}

const drainDeadlineMs = 10_000;
/** Signs of life, every 5 s, after which a server that was not heard has gone. */
const mostSilent = 6;
const mostCancelled = 10_000;
/** A model's process may die of a request; who kills three is a request that no process survives. */
const mostRuns = 3;
/** Clocks of machines differ. */
const clockSlackMs = 60_000;

/**
 * Takes requests from the topic, in one group with all others, and tells what comes of them. A request is committed when its answer is: what a worker leaves unfinished, dead or stopped,
 * another one begins anew. Holds `places` requests, and their answers as far as the log has not taken them on; 10,000 ids of requests that are wanted no more.
 */
export async function openViaWorker(settings: ViaSettings, model: Model, places: number): Promise<ViaWorker> {
  const { transport, topics, clock, log } = settings;
  const name = randomUUID();
  const writer = new AnswerWriter({ transport, topics, clock, log });
  const client = connect(transport, { clock, log });
  const wanted = new Wanted();
  const reader = new ViaReader({
    ...{ transport, topic: topics.control.name, clock, log },
    read: (value) => {
      const told = readAs(topics.control.value, value);
      if (told) wanted.hear(told, name);
    },
  });
  const stopBeat = openBeat(clock, () => {
    const { contextTokens, ...rest } = model.capabilities;
    const { jsonSchema, logProbabilities, embeddings, completion, tools = false, sampling } = rest;
    const capabilities = { ...{ jsonSchema, logProbabilities, embeddings, completion, tools }, sampling: [...sampling] };
    writer.tell({
      ...{ kind: 'worker', worker: name, model: model.name },
      capabilities: contextTokens === undefined ? capabilities : { ...capabilities, contextTokens },
    });
    client.produce(topics.control, [{ key: name, value: { kind: 'alive', who: name } }]).catch(() => undefined); // its next one may come through
  });
  const close = async (app?: App): Promise<void> => {
    stopBeat();
    await app?.drain({ deadlineMs: drainDeadlineMs });
    await Promise.allSettled([reader.close(), writer.close(), client.close()]);
  };
  try {
    await reader.ready;
    const work = (request: ViaRequest): Observable<never> =>
      request.deadlineAtMs + clockSlackMs < clock.nowMs() ? EMPTY : worked(request, { model, writer, wanted, clock });
    const pipeline = definePipeline({
      ...{ name: topics.requests.name, groupId: `${topics.requests.name}.workers`, input: topics.requests, deadLetter: topics.dead },
      ...{ ordering: 'none', retry: 'none' },
      process: (requests) => requests.pipe(mergeMap((request) => settledBy(request, work(request.value)), places)),
    });
    const app = await start(pipeline, {
      ...{
        transport,
        clock,
        log,
        signals: false,
        maxRecordsInFlight: places,
        drainDeadlineMs,
        revokeDeadlineMs: drainDeadlineMs,
        memory: false,
      },
    });
    app.done.catch((error: unknown) => settings.failed(error));
    let closing: Promise<void> | undefined;
    return { close: () => (closing ??= close(app)) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The envelope, when its work is over. Ends at once where the record was given to another worker, or its time is up. */
function settledBy<E extends Envelope<unknown, unknown>>(envelope: E, work: Observable<never>): Observable<E> {
  const part = handleOf(envelope)?.part;
  part?.at('calling');
  const over = new Observable<void>((out) => part?.onEnd(() => out.next()));
  return concat(work, of(envelope)).pipe(takeUntil(over));
}

interface Work {
  readonly model: Model;
  readonly writer: AnswerWriter;
  readonly wanted: Wanted;
  readonly clock: Clock;
}

/** Tells what comes of a request, and completes when the log has it, or when it is wanted no more. */
function worked(request: ViaRequest, { model, writer, wanted, clock }: Work): Observable<never> {
  const { id } = request;
  let runs = 0;
  const again = (): Observable<never> =>
    defer(() => {
      const run = randomUUID();
      runs += 1;
      writer.put({ kind: 'begun', id, run });
      const answers = runAnswers(model, request, (answer) => writer.put({ ...answer, id, run }));
      return until(request.deadlineAtMs, clock, answers).pipe(
        catchError((error: unknown) => {
          if (isStreamError(error) && error.code === 'model_crashed' && runs < mostRuns) return again();
          writer.put({ ...failedAnswer(error), id, run });
          return EMPTY;
        }),
        (running) => concat(running, defer(() => writer.written()).pipe(ignoreElements())),
        finalize(() => writer.over(run)),
      );
    });
  return defer(() => {
    const cancelled = wanted.watch(id);
    return cancelled === undefined ? EMPTY : again().pipe(takeUntil(cancelled));
  }).pipe(finalize(() => wanted.forget(id)));
}

/** The same, called with this clock and deadline. */
const until = (deadlineMs: number, clock: Clock, answers: Observable<never>): Observable<never> =>
  new Observable((out) => inScope({ ...scopeOf(clock), deadlineMs }, () => answers.subscribe(out)));

/** Which requests are wanted no more: their servers said so, or are gone. */
class Wanted {
  readonly #silence = new ViaSilence(mostSilent);
  readonly #running = new Map<string, Subject<void>>();
  /** Those that are cancelled before they are taken. */
  readonly #cancelled = new Set<string>();

  /** Told when it is wanted no more; undefined: it is not wanted. */
  watch(id: string): Observable<void> | undefined {
    if (this.#cancelled.delete(id)) return undefined;
    const told = new Subject<void>();
    this.#running.set(id, told);
    this.#silence.watch(serverOf(id));
    return told;
  }

  forget(id: string): void {
    this.#running.delete(id);
    if (![...this.#running.keys()].some((other) => serverOf(other) === serverOf(id))) this.#silence.forget(serverOf(id));
  }

  hear(told: ViaControl, me: string): void {
    if (told.kind === 'cancel') this.#cancel(told.id);
    else if (told.who !== me) this.#silence.heard(told.who);
    else
      for (const gone of this.#silence.tick())
        for (const id of [...this.#running.keys()]) if (serverOf(id) === gone) this.#running.get(id)?.next();
  }

  #cancel(id: string): void {
    const running = this.#running.get(id);
    if (running) {
      running.next();
      return;
    }
    this.#cancelled.add(id);
    for (const oldest of this.#cancelled) {
      if (this.#cancelled.size <= mostCancelled) break;
      this.#cancelled.delete(oldest);
    }
  }
}

/** A request's id begins with its server's. */
const serverOf = (id: string): string => id.split('.')[0] ?? '';
