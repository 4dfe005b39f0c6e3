import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep, systemClock } from '../../src/clock.ts';

/** One request, as it came in. */
export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>>;
  /** Resolves when the connection has gone: true when the answer was whole. */
  readonly ended: Promise<boolean>;
}

/** A piece that tears the connection down. */
export const reset = Symbol('reset');

/** What the server does with a request. */
export type ServerReply =
  /** A streamed answer, a token a chunk. */
  | { readonly tokens: readonly string[]; readonly finishReason?: string | null; readonly usage?: boolean; readonly done?: boolean }
  /** The bytes of an event stream, as they are, piece by piece. `reset` tears the connection down. */
  | { readonly raw: Iterable<string | Uint8Array | typeof reset> | AsyncIterable<string | Uint8Array | typeof reset> }
  /** A status, headers and a body in JSON, or as text. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  /** Never an answer. */
  | 'hang';

export interface OpenAiServerOptions {
  /** @defaultValue a free one */
  readonly port?: number;
  /** Before the first byte, in ms. @defaultValue 0 */
  readonly latencyMs?: number;
  /** Between tokens, in ms. @defaultValue 0 */
  readonly tokenMs?: number;
  /** The reply to the nth request, from 1. @defaultValue one that says "ok" */
  readonly reply?: (request: ReceivedRequest, nth: number) => ServerReply;
}

export interface OpenAiServer {
  /** The base URL, `http://127.0.0.1:PORT/v1`. */
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  readonly running: number;
  readonly maxRunning: number;
  close(): Promise<void>;
}

const event = (data: unknown): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

/** One chunk of a chat as the API sends it. */
export const chunkEvent = (content: string | undefined, more: { finish_reason?: string | null; usage?: unknown } = {}): string =>
  event({
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'served-1',
    choices: [{ index: 0, delta: content === undefined ? {} : { content }, finish_reason: more.finish_reason ?? null }],
    ...(more.usage === undefined ? {} : { usage: more.usage }),
  });

export const doneEvent = event('[DONE]');

/** An HTTP server on a free port of this machine that speaks as much of the API as a test tells it to. */
export async function startOpenAiServer({
  port: wanted = 0,
  latencyMs = 0,
  tokenMs = 0,
  reply = () => ({ tokens: ['ok'] }),
}: OpenAiServerOptions = {}): Promise<OpenAiServer> {
  const requests: ReceivedRequest[] = [];
  const load = { running: 0, maxRunning: 0 };
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    load.running += 1;
    load.maxRunning = Math.max(load.maxRunning, load.running);
    const ended = new Promise<boolean>((resolve) => {
      outgoing.once('close', () => {
        load.running -= 1;
        resolve(outgoing.writableFinished);
      });
    });
    const received = { path: incoming.url ?? '', headers: incoming.headers, body: await bodyOf(incoming), ended };
    requests.push(received);
    const given = reply(received, requests.length);
    if (latencyMs > 0) await sleep(systemClock, latencyMs);
    await answer(outgoing, given, tokenMs);
  };
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(wanted, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/v1`,
    requests,
    get running() {
      return load.running;
    },
    get maxRunning() {
      return load.maxRunning;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const pieces: Buffer[] = [];
  for await (const piece of incoming) pieces.push(piece as Buffer);
  const text = Buffer.concat(pieces).toString();
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

async function answer(outgoing: ServerResponse, given: ServerReply, tokenMs: number): Promise<void> {
  if (given === 'hang') return;
  if ('status' in given) {
    outgoing.writeHead(given.status, { 'content-type': 'application/json', ...given.headers });
    outgoing.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body ?? {}));
    return;
  }
  outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
  const pieces = 'raw' in given ? given.raw : eventsOf(given);
  for await (const piece of pieces) {
    if (outgoing.destroyed) return;
    if (piece === reset) {
      await new Promise((resolve) => outgoing.write('', resolve));
      outgoing.socket?.resetAndDestroy();
      return;
    }
    if (!outgoing.write(piece)) await drained(outgoing);
    if (tokenMs > 0) await sleep(systemClock, tokenMs);
  }
  outgoing.end();
}

const drained = (outgoing: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done).off('close', done);
      resolve();
    };
    outgoing.once('drain', done).once('close', done);
  });

function* eventsOf({
  tokens,
  finishReason = 'stop',
  usage = true,
  done = true,
}: Extract<ServerReply, { tokens: unknown }>): Generator<string> {
  for (const token of tokens) yield chunkEvent(token);
  if (finishReason !== null) yield chunkEvent(undefined, { finish_reason: finishReason });
  const counted = {
    prompt_tokens: 7,
    completion_tokens: tokens.length,
    total_tokens: 7 + tokens.length,
    prompt_tokens_details: { cached_tokens: 2 },
  };
  if (usage) yield event({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'served-1', choices: [], usage: counted });
  if (done) yield doneEvent;
}
