import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { messageOf } from '../errors.ts';
import { withoutSecrets } from '../without-secrets.ts';
import { type Asking, askingOf } from './asking.ts';
import { bodyText } from './body-text.ts';
import { type Caller, callersOf } from './callers.ts';
import { Connections } from './connections.ts';
import { type ApiError, apiErrorOf, RequestError } from './openai/api-error.ts';
import { refuseBytes } from './refuse-bytes.ts';
import type { ServiceCore } from './service-core.ts';

export type { FastifyInstance as HttpApp, FastifyReply, FastifyRequest } from 'fastify';

const patienceMs = 10_000; // for a request to come in whole
const lookEveryMs = 1_000; // Node looks every 30 s for those that do not
const idleMs = 65_000; // longer than the minute after which load balancers reuse a connection no more
const maxHeaderBytes = 16 * 1024;
const loopbackHost = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

const safeHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** What anybody may ask: it tells no more than that the service is there. */
const openPaths: ReadonlySet<string> = new Set(['/', '/healthz', '/readyz']);

const callers = new WeakMap<FastifyRequest, Caller>();

/** The HTTP server, without routes: bounded in all that a client chooses, and closed to whoever has no key. */
export function httpApp(core: ServiceCore): FastifyInstance {
  const { keys, maxBodyBytes, maxConnections, log } = core.options;
  const callerOf = callersOf(keys);
  const connections = new Connections();
  const app = fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    requestTimeout: patienceMs,
    keepAliveTimeout: idleMs,
    forceCloseConnections: true,
    exposeHeadRoutes: true,
    onProtoPoisoning: 'error',
    clientErrorHandler: ({ code }, socket) => refuseBytes(code, socket, connections.isAnswering(socket)),
    frameworkErrors: (error, _request, reply) => void sendError(reply.headers(safeHeaders), apiErrorOf(error)),
    http: { maxHeaderSize: maxHeaderBytes, headersTimeout: patienceMs, connectionsCheckingInterval: lookEveryMs },
  });
  app.server.maxConnections = maxConnections;
  app.removeContentTypeParser('text/plain'); // a page of another origin may send that without asking
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    // many clients name the type with a DELETE, too
    if (body.length === 0) done(null, undefined);
    else void parse(request, bodyText(body as Buffer), done);
  });
  app.addHook('onRequest', (request, reply, next) => {
    connections.begin(request.raw.socket, reply.raw);
    core.exchanges.begin(reply.raw);
    void reply.headers(safeHeaders);
    next(refusalOf(core, callerOf, request));
  });
  app.setErrorHandler((error, request, reply) => {
    const answer = apiErrorOf(error);
    if (answer.status >= 500 && answer.status !== 503 && answer.status !== 504)
      log.error({ path: request.routeOptions.url, error: withoutSecrets(messageOf(error)) }, 'a request failed');
    return sendError(reply, answer);
  });
  app.setNotFoundHandler((_request, reply) =>
    sendError(
      reply,
      apiErrorOf(
        new RequestError('there is no such path or method here: see /v1/models, /v1/chat/completions, /v1/generate', { status: 404 }),
      ),
    ),
  );
  return app;
}

function refusalOf(core: ServiceCore, callerOf: ReturnType<typeof callersOf>, request: FastifyRequest): Error | undefined {
  const path = request.url.split('?')[0] ?? '';
  const { authorization, host = '', 'content-encoding': encoding = 'identity' } = request.headers;
  // a page that has rebound its own name to this machine asks by that name
  if (core.options.keys.length === 0 && !loopbackHost.test(host))
    return new RequestError('ask for it by localhost or 127.0.0.1, or give the service keys', { status: 403 });
  if (openPaths.has(path)) return undefined;
  const caller = callerOf(authorization);
  if (caller === undefined)
    return new RequestError('a key is needed: send it in the header authorization, behind the word Bearer', {
      status: 401,
      code: 'invalid_api_key',
    });
  callers.set(request, caller);
  if (encoding !== 'identity')
    return new RequestError('bodies are taken as they are: leave content-encoding out', { status: 415, param: 'content-encoding' });
  if (core.state !== 'running' && request.method === 'POST')
    return new RequestError('the service is stopping: ask another one', { status: 503, code: 'stopping' });
  return undefined;
}

/** Who asks; what asks without a route of ours never comes here. */
export const callerOf = (request: FastifyRequest): Caller => {
  const caller = callers.get(request);
  if (caller === undefined) throw new Error('a path that anybody may ask has no caller');
  return caller;
};

/** @throws RequestError for headers of ours that are malformed. */
export const askedBy = ({ options: { clock, requestTimeoutMs } }: ServiceCore, request: FastifyRequest): Asking =>
  askingOf(request.headers, callerOf(request), clock.nowMs(), requestTimeoutMs);

const errorHeaders = ({ status, retryAfterMs }: ApiError): Readonly<Record<string, string>> => ({
  'content-type': 'application/json',
  ...(retryAfterMs === undefined && status !== 503
    ? {}
    : { 'retry-after': String(Math.max(1, Math.ceil((retryAfterMs ?? 1_000) / 1_000))) }),
  ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
});

const sendError = (reply: FastifyReply, error: ApiError): FastifyReply =>
  reply.status(error.status).headers(errorHeaders(error)).send(error.body);

/** The same for an answer that Fastify has handed over. */
export function writeError(response: ServerResponse, error: ApiError): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(error.status, { ...safeHeaders, ...errorHeaders(error) });
  response.end(JSON.stringify(error.body));
}

/** Aborted when the client goes before its answer is whole. */
export function goneSignal(_request: IncomingMessage, response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new DOMException('the client has gone', 'AbortError'));
  });
  return gone.signal;
}
