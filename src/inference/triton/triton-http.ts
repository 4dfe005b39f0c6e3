import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';
import { InferenceError } from '../../errors.ts';
import { boundedFetch } from '../internal/bounded-fetch.ts';
import { meteredFetch } from '../internal/metered-fetch.ts';
import { Refused } from './triton-error.ts';
import type { TritonOptions } from './triton-options.ts';

/** One request. */
export interface Ask {
  /** From the server's address on. */
  readonly path: string;
  /** Absent for a question (GET). */
  readonly body?: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** An answer with status 200, not yet read. @throws Refused for any other status. */
export type Http = (ask: Ask) => Promise<Response>;

const mebi = 1024 * 1024;
/** As much as Triton takes by itself (`--http-max-input-size`). */
export const defaultMaxBytes = 64 * mebi;

const packers = { gzip: promisify(gzip), deflate: promisify(deflate) } as const;

/**
 * Requests to one server. Redirects are not followed: what is sent is for the server that was named. Answers are bounded as they are after unpacking, and come
 * packed only where that was asked for; those of `generate` and bodies for it are not packed, since Triton does not unpack them there.
 */
export function tritonHttp({
  url,
  apiKey,
  headers,
  compression = 'none',
  maxAnswerBytes = defaultMaxBytes,
  fetch: given = (input, init) => fetch(input, init),
}: TritonOptions): Http {
  const bounded = meteredFetch(boundedFetch(maxAnswerBytes, (input, init) => given(input, { ...init, redirect: 'manual' })));
  const base = url.replace(/\/+$/, '');
  return async ({ path, body, headers: own, signal }) => {
    const packs = compression !== 'none' && Buffer.isBuffer(body) ? compression : undefined;
    const response = await bounded(`${base}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...headers,
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        'accept-encoding': packs ?? 'identity',
        ...(packs && { 'content-encoding': packs }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...own,
      },
      ...(body === undefined
        ? {}
        : { body: packs ? new Uint8Array(await packers[packs](body)) : typeof body === 'string' ? body : new Uint8Array(body) }),
      signal,
    });
    if (response.status === 200) return response;
    throw new Refused(response.status, saidIn(await response.text().catch(() => '')), response.headers);
  };
}

/** What an error's body says: `{ "error": "…" }`, FastAPI's `{ "detail": … }`, also behind `data:` where a stream begins with it. */
export function saidIn(text: string): string {
  try {
    const body: unknown = JSON.parse(text.replace(/^data:\s*/, ''));
    const { error, detail } = (typeof body === 'object' && body !== null ? body : {}) as {
      readonly error?: unknown;
      readonly detail?: unknown;
    };
    const said = error ?? detail ?? '';
    return typeof said === 'string' ? said : JSON.stringify(said);
  } catch {
    return /^\s*</.test(text) ? '' : text; // a page says nothing in words
  }
}

/** An answer in JSON. @throws InferenceError `model_not_found` for a page, `model_failed` for anything else that is none; Refused for an error in its place. */
export async function jsonOf(response: Response, shownUrl: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await response.text();
  if (/^\s*</.test(text)) throw pageFrom(shownUrl);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InferenceError(
      'model_failed',
      `expected an answer that is an object of JSON from ${shownUrl}, got ${text === '' ? 'none' : 'something else'}`,
    );
  if ('error' in value && typeof value.error === 'string') throw new Refused(200, value.error, response.headers);
  return value as Readonly<Record<string, unknown>>;
}

export const pageFrom = (where: string): InferenceError =>
  new InferenceError(
    'model_not_found',
    `expected an answer of the protocol from ${where}, got a page (HTML): is url right, and does a proxy ask for a login?`,
  );
