import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { abortReason, type Clock } from '../../clock.ts';
import type { Place, RegistryTls } from './registry-options.ts';

export interface HttpQuestion {
  readonly method: 'GET' | 'POST';
  /** Behind the place's prefix. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface ExchangeLimits {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** No answer, or none that could be taken in whole: another try may have one. The message names no place. */
export class NoAnswer extends Error {}

const mostConnections = 8; // for one place

/**
 * Asks over HTTP, with connections that are kept. On Node's own client and not on `fetch`: that one takes certificates only from a dispatcher of a package that would
 * have to be installed for it, follows redirects unless told not to, and has no bound for an answer. Idle connections keep no process alive.
 */
export class HttpExchange {
  readonly #agents: { readonly 'http:': HttpAgent; readonly 'https:': HttpsAgent };
  readonly #limits: ExchangeLimits;

  constructor(tls: RegistryTls, limits: ExchangeLimits) {
    const kept = { keepAlive: true, maxSockets: mostConnections };
    const { ca, cert, key, passphrase, serverName } = tls;
    this.#agents = {
      'http:': new HttpAgent(kept),
      'https:': new HttpsAgent({
        ...kept,
        ...(ca !== undefined && { ca: typeof ca === 'string' ? ca : [...ca] }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
        ...(passphrase !== undefined && { passphrase }),
        ...(serverName !== undefined && { servername: serverName }),
      }),
    };
    this.#limits = limits;
  }

  /** @throws NoAnswer; the signal's reason */
  ask({ origin, prefix }: Place, { method, path, headers, body }: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
    signal.throwIfAborted();
    const { clock, timeoutMs } = this.#limits;
    return new Promise((resolve, reject) => {
      const isSecure = origin.protocol === 'https:';
      const asked = (isSecure ? httpsRequest : httpRequest)(new URL(`${origin.origin}${prefix}${path}`), {
        method,
        agent: this.#agents[isSecure ? 'https:' : 'http:'],
        headers: { ...headers, ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }) },
      });
      const end = (settle: () => void): void => {
        cancel();
        signal.removeEventListener('abort', onAbort);
        settle();
      };
      const fail = (error: Error): void => {
        end(() => {
          reject(error);
        });
        asked.destroy();
      };
      const onAbort = (): void => {
        fail(abortReason(signal));
      };
      const cancel = clock.schedule(timeoutMs, () => {
        fail(new NoAnswer(`no whole answer within ${String(timeoutMs)} ms`));
      });
      signal.addEventListener('abort', onAbort, { once: true });
      asked.on('error', (error: NodeJS.ErrnoException) => {
        fail(new NoAnswer(error.code ?? 'the connection failed', { cause: error }));
      });
      asked.on('response', (response) => {
        this.#read(response, fail, (answer) => {
          end(() => {
            resolve(answer);
          });
        });
      });
      asked.end(body);
    });
  }

  #read(response: IncomingMessage, fail: (error: Error) => void, done: (answer: HttpAnswer) => void): void {
    const { maxBytes } = this.#limits;
    const parts: Buffer[] = [];
    let bytes = 0;
    response.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > maxBytes) fail(new NoAnswer(`an answer of more than ${String(maxBytes)} bytes (registry.maxAnswerBytes)`));
      else parts.push(part);
    });
    response.on('error', (error: NodeJS.ErrnoException) => {
      fail(new NoAnswer(error.code ?? 'the connection failed', { cause: error }));
    });
    response.on('close', () => {
      if (!response.complete) fail(new NoAnswer('the connection was cut within an answer'));
    });
    response.on('end', () => {
      if (!response.complete) return;
      const headers = new Headers();
      for (const [name, value] of Object.entries(response.headers)) if (typeof value === 'string') headers.set(name, value);
      done({ status: response.statusCode ?? 0, headers, text: Buffer.concat(parts).toString('utf8') });
    });
  }
}
