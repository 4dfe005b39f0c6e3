import { randomBytes } from 'node:crypto';
import { Observable, type Subscriber } from 'rxjs';
import { gradeOf, type ErrorCode, InferenceError, StreamError, isStreamError, messageOf } from '../../errors.ts';
import { type Client, connect } from '../../runtime/connect.ts';
import { openBeat } from './open-beat.ts';
import { readAs, type ViaAnswer, type ViaRequest, type ViaWorkerTold } from './via-topics.ts';
import type { ViaSettings } from './via-settings.ts';
import { ViaReader } from './via-reader.ts';
import { ViaTries } from './via-tries.state.ts';

/** A request without the id, which it gets here. */
export type UnnamedRequest = ViaRequest extends infer One ? (One extends ViaRequest ? Omit<One, 'id'> : never) : never;

/** What has come of a request, in order; `anew`: what came before is no part of it. */
export type FrontAnswer = ViaAnswer | { readonly kind: 'anew' };

const mostTries = 4; // as many as a request without text gets on one machine
const sendPatienceMs = 10_000;

interface Open {
  readonly out: Subscriber<FrontAnswer>;
  readonly tries: ViaTries;
}

/**
 * The side of a server: writes requests to their topic, and tells what comes of each. A request is taken back when nobody waits for it any more. Reads all that workers tell, also of other
 * servers' requests. Holds an entry for each request that is open.
 */
export class ViaFront {
  /** Names the server, and begins the ids of its requests. */
  readonly #me = randomBytes(9).toString('base64url').replace(/\./g, '_');
  readonly #settings: ViaSettings;
  readonly #client: Client;
  readonly #reader: ViaReader;
  readonly #open = new Map<string, Open>();
  readonly #worker = Promise.withResolvers<ViaWorkerTold>();
  readonly #stopBeat: () => void;
  #asked = 0;

  constructor(settings: ViaSettings) {
    this.#settings = settings;
    const { transport, topics, clock, log } = settings;
    this.#client = connect(transport, { clock, log });
    this.#reader = new ViaReader({
      ...{ transport, topic: topics.answers.name, clock, log },
      read: (value) => {
        const told = readAs(topics.answers.value, value);
        if (told?.kind === 'worker') this.#worker.resolve(told);
        else if (told) this.#see(told);
      },
    });
    this.#stopBeat = openBeat(clock, () => {
      if (this.#open.size > 0) this.#control({ kind: 'alive', who: this.#me });
    });
  }

  /** Resolves when answers will be heard. */
  get ready(): Promise<unknown> {
    return this.#reader.ready;
  }

  get open(): number {
    return this.#open.size;
  }

  /** The first worker that tells of itself. */
  get worker(): Promise<ViaWorkerTold> {
    return this.#worker.promise;
  }

  ask(request: UnnamedRequest): Observable<FrontAnswer> {
    return new Observable((out) => {
      const id = `${this.#me}.${String((this.#asked += 1))}`;
      this.#open.set(id, { out, tries: new ViaTries() });
      out.add(() => {
        if (this.#open.delete(id)) this.#control({ kind: 'cancel', id });
      });
      const { topics } = this.#settings;
      this.#client.produce(topics.requests, [{ value: { ...request, id } }], { timeoutMs: sendPatienceMs }).catch((error: unknown) => {
        this.#fail(id, isStreamError(error) && error.code !== 'transport_unavailable' ? error : away(error));
      });
    });
  }

  async close(): Promise<void> {
    this.#stopBeat();
    for (const id of [...this.#open.keys()]) this.#fail(id, new InferenceError('model_unavailable', 'the service has ended'));
    await Promise.allSettled([this.#reader.close(), this.#client.close()]);
  }

  #see(answer: ViaAnswer): void {
    const { id } = answer;
    const open = this.#open.get(id);
    if (open === undefined) {
      // a worker that did not hear that it is wanted no more
      if (answer.kind === 'begun' && id.startsWith(`${this.#me}.`)) this.#control({ kind: 'cancel', id });
      return;
    }
    const { tries, out } = open;
    const verdict = tries.see(answer);
    if (verdict === 'old') return;
    if (verdict === 'gap') {
      this.#fail(id, new InferenceError('model_failed', 'a part of the answer is not in its topic any more, or was never taken by it'));
      return;
    }
    if (tries.count > mostTries) {
      this.#fail(id, new InferenceError('model_killed', `${String(mostTries)} workers began to answer, and none came to an end`));
      return;
    }
    if (verdict === 'anew') out.next({ kind: 'anew' });
    if (answer.kind === 'failed') {
      this.#open.delete(id); // it is over: there is nothing to take back
      out.error(
        new StreamError(
          codeIn(answer.code),
          answer.message,
          answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs },
        ),
      );
      return;
    }
    const isEnd = answer.kind === 'end' || answer.kind === 'done';
    if (isEnd) this.#open.delete(id);
    out.next(answer);
    if (isEnd) out.complete();
  }

  #fail(id: string, error: Error): void {
    this.#open.get(id)?.out.error(error);
  }

  #control(value: { readonly kind: 'cancel'; readonly id: string } | { readonly kind: 'alive'; readonly who: string }): void {
    const key = value.kind === 'cancel' ? value.id : value.who;
    this.#client.produce(this.#settings.topics.control, [{ key, value }], { timeoutMs: sendPatienceMs }).catch((error: unknown) => {
      this.#settings.log.warn({ why: messageOf(error) }, `workers could not be told (${value.kind})`);
    });
  }
}

const away = (error: unknown): InferenceError =>
  new InferenceError('model_unavailable', `the topic of requests cannot be written: ${messageOf(error)}`, {
    cause: error,
    retryAfterMs: 1_000,
  });

/** A later version may know more. */
const codeIn = (code: string): ErrorCode => (Object.hasOwn(gradeOf, code) ? (code as ErrorCode) : 'model_failed');
