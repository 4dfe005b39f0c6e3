import { isObject, type OptionNames, requireBoolean, requireObject, requireOptions } from '../check-options.ts';
import { OptionError, requireInteger, requireText, TimeoutError, ToolError } from '../errors.ts';
import { keyFrom } from '../key-from.ts';
import { retryAfterOf } from '../retry-after.ts';
import { pathReader, type PathReader } from './internal/path-reader.ts';
import { anyAddress, publicNetwork } from './internal/web/web-network.ts';
import { askWeb, type WebAnswer } from './internal/web/web-exchange.ts';
import type { SearchHit } from './search-hit.ts';
import type { ToolContext } from './tool.ts';
import type { SearchFunction } from './web-search.ts';

export interface SearchApiOptions {
  /** Where to ask, with `{query}` and, where the service takes it, `{topK}` in its path or query: `https://api.example.com/search?q={query}&count={topK}`. */
  readonly url: string;
  /** JSON for services that are asked by POST; `{query}` and `{topK}` in its texts are replaced, a text that is `{topK}` alone becomes a number. @defaultValue none: GET */
  readonly body?: Readonly<Record<string, unknown>> | undefined;
  /** The variable of the environment that holds the key; read at each call, and never shown. */
  readonly keyEnv?: string | undefined;
  /** The header that carries the key. @defaultValue authorization */
  readonly keyHeader?: string | undefined;
  /** What stands before the key in its header. @defaultValue "Bearer " in authorization, else nothing */
  readonly keyPrefix?: string | undefined;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Where the list of results stands in the answer: `web.results`, `data[0].hits`. */
  readonly results: string;
  /** Where they stand in a result. @defaultValue title, url, snippet */
  readonly fields?: { readonly title?: string; readonly url?: string; readonly snippet?: string } | undefined;
  /** @defaultValue 20,000 */
  readonly timeoutMs?: number | undefined;
  /** Of an answer, packed and unpacked. @defaultValue 1,048,576 (1 MiB) */
  readonly maxBytes?: number | undefined;
  /** Whether the service may be on this machine or a private network, as one's own SearXNG is. @defaultValue false */
  readonly isPrivate?: boolean | undefined;
}

const names: OptionNames<SearchApiOptions> = {
  ...{ url: true, body: true, keyEnv: true, keyHeader: true, keyPrefix: true, headers: true, results: true, fields: true },
  ...{ timeoutMs: true, maxBytes: true, isPrivate: true },
};
const fieldNames: OptionNames<NonNullable<SearchApiOptions['fields']>> = { title: true, url: true, snippet: true };
const headerForm = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;

interface Settings {
  readonly options: SearchApiOptions;
  readonly maxBytes: number;
  readonly results: PathReader;
  readonly title: PathReader;
  readonly url: PathReader;
  readonly snippet: PathReader;
}

/**
 * A search service as a source of `webSearch`: asked over HTTP with the query in its URL or body, its JSON read by paths. No query can change the host that is asked; redirects are not followed, as the key would go along.
 *
 * Holds an answer, `maxBytes` at most.
 * @throws OptionError for options that cannot work, and a key's variable that is not set. From the call: ToolError `tool_failed` for other answers than 2xx, with `status` and `retryAfterMs`, and for what is not the JSON that the
 * paths speak of; TimeoutError after `timeoutMs`.
 */
export function searchApi(options: SearchApiOptions): SearchFunction {
  requireOptions('searchApi', options, names);
  const { keyEnv, results, fields = {}, headers = {}, timeoutMs = 20_000, maxBytes = 1024 * 1024, isPrivate = false } = options;
  requireUrl(options);
  if (keyEnv !== undefined) keyFrom(keyEnv);
  requireOptions('searchApi.fields', fields, fieldNames);
  requireHeaders({ ...headers, ...(options.keyHeader !== undefined && { [options.keyHeader]: options.keyPrefix ?? '' }) });
  requireInteger('searchApi.timeoutMs', timeoutMs, 1);
  requireInteger('searchApi.maxBytes', maxBytes, 1, 64 * 1024 * 1024);
  requireBoolean('searchApi.isPrivate', isPrivate);
  const settings: Settings = {
    options,
    maxBytes,
    results: pathReader('searchApi.results', results),
    title: pathReader('searchApi.fields.title', fields.title ?? 'title'),
    url: pathReader('searchApi.fields.url', fields.url ?? 'url'),
    snippet: pathReader('searchApi.fields.snippet', fields.snippet ?? 'snippet'),
  };
  return async (query, topK, context) => {
    const ended = new AbortController();
    const cancel = context.clock.schedule(timeoutMs, () => {
      ended.abort(new TimeoutError(`the search service took longer than ${String(timeoutMs)} ms`));
    });
    try {
      return await search(settings, query, topK, { ...context, signal: AbortSignal.any([context.signal, ended.signal]) });
    } finally {
      cancel();
    }
  };
}

async function search(settings: Settings, query: string, topK: number, { clock, signal }: ToolContext): Promise<readonly SearchHit[]> {
  const { options, maxBytes, results } = settings;
  const { keyEnv, keyHeader = 'authorization', body, isPrivate = false } = options;
  const { keyPrefix = keyHeader.toLowerCase() === 'authorization' ? 'Bearer ' : '' } = options;
  const url = new URL(options.url.replaceAll('{query}', encodeURIComponent(query.toWellFormed())).replaceAll('{topK}', String(topK)));
  const answer = await askWeb(
    {
      url,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        ...options.headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(keyEnv !== undefined && { [keyHeader]: `${keyPrefix}${keyFrom(keyEnv)}` }),
      },
      body: body === undefined ? undefined : JSON.stringify(filled(body, query, topK)),
      maxBytes,
    },
    isPrivate ? anyAddress : publicNetwork,
    signal,
  );
  const found = results(jsonOf(answer, url, clock.nowMs()));
  if (!Array.isArray(found)) {
    throw new ToolError(
      'tool_failed',
      `expected a list of results at ${options.results} in the answer of ${url.hostname}, got ${sort(found)}`,
    );
  }
  return (found as readonly unknown[]).slice(0, topK).flatMap((one) => hitOf(one, settings));
}

function jsonOf({ status, headers, body }: WebAnswer, url: URL, nowMs: number): unknown {
  if (status < 200 || status >= 300) {
    const retryAfterMs = retryAfterOf({ headers }, nowMs);
    throw new ToolError('tool_failed', `the search service ${url.hostname} answered ${String(status)}`, {
      status,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (cause) {
    throw new ToolError('tool_failed', `expected JSON of the search service ${url.hostname}, got something else`, { cause });
  }
}

/** What has no URL cannot be visited, and is left out. */
function hitOf(one: unknown, { title, url, snippet }: Settings): readonly SearchHit[] {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return text(url(one)) === '' ? [] : [{ title: text(title(one)), url: text(url(one)), snippet: text(snippet(one)) }];
}

function filled(value: unknown, query: string, topK: number): unknown {
  if (value === '{topK}') return topK;
  if (typeof value === 'string') return value.replaceAll(/\{(query|topK)\}/g, (_, name) => (name === 'query' ? query : String(topK)));
  if (Array.isArray(value)) return value.map((one) => filled(one, query, topK));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value as object).map(([name, one]) => [name, filled(one, query, topK)]));
}

function requireUrl({ url, body }: SearchApiOptions): void {
  requireText('searchApi.url', url);
  if (body !== undefined) requireObject('searchApi.body', body);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isWeb = parsed?.protocol === 'https:' || parsed?.protocol === 'http:';
  if (parsed === undefined || !isWeb || parsed.host.includes('{')) {
    throw new OptionError('searchApi.url must be an http or https URL with {query} behind its host');
  }
  if (parsed.username !== '' || parsed.password !== '')
    throw new OptionError('searchApi.url must have no user and password; put a key into keyEnv');
  if (!`${url}${JSON.stringify(body ?? '')}`.includes('{query}'))
    throw new OptionError('searchApi takes {query} in url or body, got neither');
}

function requireHeaders(headers: Readonly<Record<string, unknown>>): void {
  requireObject('searchApi.headers', headers);
  for (const [name, value] of Object.entries(headers)) {
    if (!headerForm.test(name)) throw new OptionError(`searchApi.headers must be names of headers, got ${JSON.stringify(name)}`);
    if (typeof value !== 'string' || /[^\t -~]/.test(value))
      throw new OptionError(`searchApi.headers.${name} must be plain text in one line`);
  }
}

const sort = (value: unknown): string => (value === undefined ? 'nothing' : value === null ? 'null' : typeof value);
