import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { formsOf, withoutSecrets } from '../without-secrets.ts';
import { EventReader, type SentEvent } from './event-reader.state.ts';
import type { LoadPlan } from './load-plan.ts';
import { readTold } from './read-told.ts';
import { interrupted, type LoadTask, type TaskEnd, type TaskFailure } from './task-end.state.ts';
import { type Gap, TaskMeter } from './task-meter.state.ts';

/** Sees a chunk of an answer as it comes. */
export type OnChunk = (tokens: number, gap: Gap | undefined) => void;

/** Does one task, and says how it went; never rejects. */
export type Ask = (task: LoadTask, onChunk: OnChunk, signal: AbortSignal) => Promise<TaskEnd>;

export interface AskOptions {
  readonly plan: LoadPlan;
  readonly clock: Clock;
  readonly apiKey: string | undefined;
  readonly bodyOf: (task: LoadTask) => string;
}

/** After the answer's end its connection has so long to end, too, and to be free for the next task; then it is closed. */
const lingerMs = 100;
const mostBodyCharacters = 4_096;
/** Servers that ask for no key are given one such as `x`: of fewer letters any word may be. */
const shortestSecret = 4;

/**
 * Asks a target over HTTP, without retries. Connections are kept and used again, as clients do; as many are open as tasks are. A request that goes out on a kept connection which the server
 * has closed meanwhile goes out once more, on a new one: no byte has come back, and its time counts.
 */
export function askOverHttp(options: AskOptions): { readonly ask: Ask; readonly close: () => void } {
  const isSecure = options.plan.target.url.protocol === 'https:';
  const keep = { keepAlive: true, maxSockets: Infinity, maxFreeSockets: 1_024 };
  const agent = isSecure ? new HttpsAgent(keep) : new HttpAgent(keep);
  const send = isSecure ? httpsRequest : httpRequest;
  const ask: Ask = (task, onChunk, signal) =>
    new Promise((resolve) => {
      const open = (): ClientRequest => send(options.plan.target.url, { method: options.plan.method, agent, headers: headersOf(options) });
      new OneAsk(options, task, onChunk, signal, open, resolve).begin();
    });
  return { ask, close: () => agent.destroy() };
}

/** Of the address; empty where it has none. */
const credentialsOf = ({ username, password }: URL): readonly [user: string, password: string] => [
  decodeURIComponent(username),
  decodeURIComponent(password),
];

function headersOf({ plan: { method, target }, apiKey }: AskOptions): Readonly<Record<string, string>> {
  const [user, password] = credentialsOf(target.url);
  const basic = user === '' ? undefined : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const authorization = apiKey === undefined ? basic : `Bearer ${apiKey}`;
  return {
    ...{ accept: 'text/event-stream', 'accept-encoding': 'identity', 'user-agent': 'millrace-load' },
    ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
    ...(authorization === undefined ? {} : { authorization }),
  };
}

/** One request, from its first byte to its end. */
class OneAsk {
  readonly #options: AskOptions;
  readonly #task: LoadTask;
  readonly #onChunk: OnChunk;
  readonly #signal: AbortSignal;
  readonly #open: () => ClientRequest;
  readonly #resolve: (end: TaskEnd) => void;
  readonly #meter = new TaskMeter();
  readonly #reader = new EventReader();
  readonly #decoder = new TextDecoder();
  readonly #sentMs: number;
  #request: ClientRequest | undefined;
  #response: IncomingMessage | undefined;
  #isOver = false;
  #isResent = false;
  #cancelTimeout = (): void => undefined;
  #onLate = (): void => undefined;
  readonly #onAbort = (): void => this.#fail(interrupted, 'the run was stopped');

  constructor(
    options: AskOptions,
    task: LoadTask,
    onChunk: OnChunk,
    signal: AbortSignal,
    open: () => ClientRequest,
    resolve: (end: TaskEnd) => void,
  ) {
    this.#options = options;
    this.#task = task;
    this.#onChunk = onChunk;
    this.#signal = signal;
    this.#open = open;
    this.#resolve = resolve;
    this.#sentMs = options.clock.nowMs();
  }

  begin(): void {
    const { clock, plan } = this.#options;
    this.#onLate = () => this.#fail('time-out', `no end within ${String(plan.timeoutMs)} ms`);
    this.#cancelTimeout = clock.schedule(plan.timeoutMs, () => this.#onLate());
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#signal.aborted) this.#onAbort();
    else this.#send();
  }

  #send(): void {
    const request = this.#open();
    this.#request = request;
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (request !== this.#request) return;
      const isStale = request.reusedSocket && error.code === 'ECONNRESET' && this.#response === undefined;
      if (isStale && !this.#isResent && !this.#isOver) {
        this.#isResent = true;
        this.#send();
        return;
      }
      if (this.#response !== undefined && error.code === 'ECONNRESET') this.#cut(messageOf(error));
      else this.#fail(`connection ${error.code ?? 'failed'}`, messageOf(error));
    });
    request.on('response', (response) => this.#answered(response));
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      this.#fail('status 101', response.statusMessage ?? ''); // without a listener Node closes the connection, and says nothing
    });
    request.end(this.#options.plan.method === 'POST' ? this.#options.bodyOf(this.#task) : undefined);
  }

  #answered(response: IncomingMessage): void {
    const { statusCode = 0, headers } = response;
    this.#response = response;
    if (statusCode !== 200) {
      this.#refused(response, `status ${String(statusCode)}`, '', mostBodyCharacters);
      return;
    }
    const { 'content-type': type = 'none', 'content-encoding': encoding = 'identity' } = headers;
    if (!/^text\/event-stream\b/i.test(type)) {
      this.#refused(response, 'malformed answer', `expected text/event-stream, got ${type.slice(0, 100)}`, 0);
      return;
    }
    // packed bytes hold no event, and a stream that nobody has to end with [DONE] would pass for an empty answer
    if (encoding.trim().toLowerCase() !== 'identity') {
      this.#fail('malformed answer', `expected an answer that is not packed, got content-encoding ${encoding.slice(0, 100)}`);
      return;
    }
    response.on('data', (bytes: Buffer) => this.#text(this.#decoder.decode(bytes, { stream: true })));
    response.on('end', () => this.#ended());
    const cut = (): void => this.#cut('the connection was closed within the answer');
    response.on('error', cut);
    response.on('close', cut); // after `end` it is over, and means nothing
  }

  /** Why, by the first words of the body: of an answer with status 200 these may tell an error, too. */
  #refused(response: IncomingMessage, cause: string, before: string, most: number): void {
    let said = '';
    const fail = (): void => {
      const words = said.trim() === '' && before === '' ? (response.statusMessage ?? '') : said.trim();
      this.#fail(cause, [before, words].filter((part) => part !== '').join(': '));
    };
    this.#onLate = fail; // its body is late, its status is known
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      said += text;
      if (said.length > most) fail();
    });
    response.on('end', fail);
    response.on('error', fail);
    response.on('close', fail);
  }

  #text(text: string): void {
    if (this.#isOver) return;
    const nowMs = this.#options.clock.nowMs();
    try {
      this.#reader.push(text).every((event) => this.#take(event, nowMs));
    } catch (error) {
      this.#fail('malformed events', messageOf(error));
    }
  }

  /** Whether there may be more. */
  #take(event: SentEvent, nowMs: number): boolean {
    const told = readTold(this.#options.plan.target.kind, event);
    if (told.malformed !== undefined) this.#fail('malformed events', told.malformed);
    else if (told.failure !== undefined) this.#failedBy(event);
    else if (told.isEnd) this.#finish(undefined);
    else {
      const gap = this.#meter.take(told, nowMs);
      if (told.tokens !== 0) this.#onChunk(told.tokens ?? 1, gap);
    }
    return !this.#isOver;
  }

  /** Where nobody promises `[DONE]`, the end of the body is the end of the answer. */
  #ended(): void {
    if (this.#isOver) return;
    const left = this.#reader.end();
    if (left) this.#take(left, this.#options.clock.nowMs());
    if (this.#options.plan.target.kind === 'sse') this.#finish(undefined);
    else this.#fail('cut stream', 'it ended without data: [DONE]');
  }

  #cut(message: string): void {
    this.#fail('cut stream', message);
  }

  /** A code is made of letters that any report may show: what it repeats of a key is looked for before. */
  #failedBy({ event, data }: SentEvent): void {
    const shown = this.#withoutOwn(data);
    const { failure = 'without a code' } = readTold(this.#options.plan.target.kind, { event, data: shown });
    this.#fail(`error event ${failure}`, shown);
  }

  #fail(cause: string, message: string): void {
    this.#finish({ cause: withoutSecrets(cause), message: withoutSecrets(this.#withoutOwn(message)).slice(0, 300) });
  }

  /** A text of the server without what was sent to it as a key or a password. */
  #withoutOwn(text: string): string {
    const { apiKey = '', plan } = this.#options;
    const secrets = [apiKey, credentialsOf(plan.target.url)[1]].filter((one) => one.length >= shortestSecret);
    return secrets.flatMap(formsOf).reduce((rest, form) => rest.replaceAll(form, '[redacted]'), text);
  }

  #finish(failure: TaskFailure | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { clock } = this.#options;
    this.#cancelTimeout();
    this.#signal.removeEventListener('abort', this.#onAbort);
    const request = this.#request;
    const endMs = clock.nowMs();
    const end = { ...this.#task, ...this.#meter.end(), sentMs: this.#sentMs, endMs, failure, isResent: this.#isResent };
    if (failure !== undefined || this.#response?.complete !== false) {
      if (failure !== undefined) request?.destroy();
      this.#resolve(end);
      return;
    }
    const cancel = clock.schedule(lingerMs, () => request?.destroy());
    request?.once('close', () => {
      cancel();
      this.#resolve(end);
    });
  }
}
