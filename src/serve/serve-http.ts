import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type OptionNames, requireMethods, requireOptions } from '../check-options.ts';
import { type Clock, systemClock } from '../clock.ts';
import { OptionError, messageOf, requireInteger, requireText } from '../errors.ts';
import { withoutSecrets } from '../without-secrets.ts';
import { watchGpus } from './gpus.ts';
import { refusal, takeHeapSnapshot } from './heap-snapshot.ts';
import { watchMachine } from './machine.ts';
import { metricSpecs, type Served } from './metrics.ts';
import { openExposition } from './prometheus.ts';

export interface ServeHttpOptions {
  /** 0 to 65,535; 0: any that is free. */
  readonly port: number;
  /** The address to listen at; `0.0.0.0` for all. Nothing is encrypted, and nobody has to log in. @defaultValue '127.0.0.1' */
  readonly host?: string;
  /** @defaultValue the system clock */
  readonly clock?: Clock;
}

/** A server that answers. */
export interface HttpService {
  /** `http://HOST:PORT`. */
  readonly url: string;
  /** Closes the port and every connection. Idempotent. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const names: OptionNames<ServeHttpOptions> = { port: true, host: true, clock: true };
const patienceMs = 10_000; // for a request to come in whole
const lookEveryMs = 1_000; // Node looks every 30 s for those that do not
const mostConnections = 256;

const json = (status: number, value: unknown): Answer => ({ status, type: 'application/json', body: `${JSON.stringify(value)}\n` });

/**
 * Answers for one pipeline over HTTP: `/metrics` (for Prometheus; src/serve/metrics.md lists them), `/healthz` (200 while it lives,
 * with its troubles; 503 once it has stopped or failed) and `/readyz` (200 while it runs; 503 while it starts, which includes
 * waiting for a broker or a dead member's session, while the broker is away, and while it drains). `app` is what `start` gives, or anything with a name, a
 * state and stats, for one that is still starting. `POST /heap-snapshot` is for `millrace diagnose --heap-snapshot` on this machine.
 *
 * Holds a histogram and one answer at a time for each of at most 256 connections; one whose request is not whole after 10 s is closed. Ends with `close`, not with the pipeline: that it has failed can
 * still be asked. Answers tell names, states, codes and counts; no payload, no key, no secret.
 * @throws OptionError for options out of range, and a port that cannot be had.
 */
export async function serveHttp(app: Served, options: ServeHttpOptions): Promise<HttpService> {
  requireOptions('serveHttp', options, names);
  requireMethods('serveHttp', app, ['stats'], 'given what start() resolves to');
  const { port, host = '127.0.0.1', clock = systemClock } = options;
  requireInteger('port', port, 0, 65_535);
  requireText('host', host);
  const machine = watchMachine();
  const gpus = watchGpus(clock);
  const exposition = await openExposition(metricSpecs);
  const metrics = async (): Promise<Answer> => {
    const seen = {
      machine: machine.read(),
      gpus: await gpus(),
      pipeline: app.name,
      state: app.state,
      stats: app.stats(),
      nowMs: clock.nowMs(),
    };
    return { status: 200, type: exposition.contentType, body: await exposition.text(seen) };
  };
  const answers: Readonly<Record<string, (request: IncomingMessage) => Answer | Promise<Answer>>> = {
    'GET /metrics': metrics,
    'GET /healthz': () => health(app),
    'GET /readyz': () => readiness(app),
    'POST /heap-snapshot': async (request) => {
      const why = refusal(request);
      return why === undefined ? json(200, { path: await takeHeapSnapshot() }) : json(403, { error: why });
    },
  };
  const timeouts = { requestTimeout: patienceMs, headersTimeout: patienceMs, connectionsCheckingInterval: lookEveryMs };
  const server = createServer(timeouts, (request, response) => {
    void reply(answers, request, response);
  });
  server.maxConnections = mostConnections;
  const stopWatching = (): void => {
    machine.stop();
  };
  await listen(server, port, host).catch((error: unknown) => {
    stopWatching();
    throw new OptionError(`cannot listen at ${host}:${String(port)} (${messageOf(error)}); is the port taken?`, { cause: error });
  });
  const { port: taken, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${host}]` : host}:${String(taken)}`,
    close: () => {
      stopWatching();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      });
    },
  };
}

function health(app: Served): Answer {
  const { name, state } = app;
  const { pausedBy, holds = [], waits = [], policies = [], troubles = [] } = app.stats() ?? {};
  const all = app.troubles?.() ?? troubles;
  const paused = [...(pausedBy === undefined ? [] : [pausedBy]), ...holds.map(({ reason }) => reason)];
  const lives = state !== 'stopped' && state !== 'failed';
  const why = {
    paused: [...new Set(paused)],
    waiting: waits,
    policies: policies.flatMap(({ name: policy, reason, pausedUntilMs }) =>
      reason === undefined ? [] : [{ policy, reason, ...(pausedUntilMs === undefined ? {} : { until: timeOf(pausedUntilMs) }) }],
    ),
  };
  const status = !lives ? state : all.length > 0 ? 'trouble' : 'ok';
  return json(lives ? 200 : 503, { status, pipeline: name, state, troubles: all.map(withoutSecrets), ...why });
}

/** A policy may wait for what has no time. */
const timeOf = (ms: number): string | undefined => (Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : undefined);

function readiness(app: Served): Answer {
  const { reconnecting = false, stalled, troubles = [] } = app.stats() ?? {};
  const why = reconnecting ? 'the broker is away' : stalled;
  const ready = app.state === 'running' && why === undefined;
  const named = (app.troubles?.() ?? troubles).map(withoutSecrets);
  return json(ready ? 200 : 503, {
    ready,
    state: app.state,
    ...(why === undefined ? {} : { why }),
    ...(named.length === 0 ? {} : { troubles: named }),
  });
}

async function reply(
  answers: Readonly<Record<string, (request: IncomingMessage) => Answer | Promise<Answer>>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '' } = request;
  const path = (request.url ?? '').split('?')[0] ?? '';
  const { [`${method === 'HEAD' ? 'GET' : method} ${path}`]: found } = answers;
  const known = Object.keys(answers).filter((one) => one.endsWith(` ${path}`));
  let answer: Answer;
  try {
    if (found) answer = await found(request);
    else
      answer =
        known.length > 0
          ? json(405, { error: `use ${known.join(', ')}` })
          : json(404, { error: `there are ${Object.keys(answers).join(', ')}` });
  } catch (error) {
    answer = json(500, { error: withoutSecrets(messageOf(error)) });
  }
  response.writeHead(answer.status, { 'content-type': answer.type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  response.end(method === 'HEAD' ? undefined : answer.body);
}

const listen = (server: ReturnType<typeof createServer>, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
