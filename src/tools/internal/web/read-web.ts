import { abortReason, type Clock } from '../../../clock.ts';
import { DocumentError, TimeoutError, ToolError } from '../../../errors.ts';
import { normaliseText } from '../../../text/normalise-text.ts';
import type { CorpusPage } from '../../corpus-page.ts';
import { type Robots, mostRobotsBytes } from './robots.ts';
import { askWeb, type WebAnswer } from './web-exchange.ts';
import type { WebNetwork } from './web-network.ts';
import { type UrlRules, webUrl } from './web-url.ts';

export interface WebReaderSettings extends UrlRules {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly userAgent: string;
}

export interface ReadContext {
  readonly network: WebNetwork;
  readonly robots: Robots;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A page, or where it has gone. */
export type WebPage = CorpusPage | { readonly movedTo: string };

const mostHops = 5;
const mostTextChars = 4 * 1024 * 1024;
const pdf = { timeoutMs: 10_000, maxMemoryMb: 256 };
const textTypes = /^(text\/[\w.+-]+|application\/(xhtml\+xml|json|[\w.+-]+\+json|xml|[\w.+-]+\+xml|pdf))$/;
const redirects: readonly number[] = [301, 302, 303, 307, 308];

/**
 * The page at a URL as text, within one time for all that it takes: names, robots.txt, hops, the reading. A redirect within the same host is followed, five times at most, never from https to http, and each hop is held
 * against the same rules; one to another host is not followed, but told, so that it is asked for, and checked, as any other.
 * @throws ToolError `tool_refused` by the rules, for what is no text, for 4xx; `tool_failed` for 5xx and what went wrong on the way. TimeoutError after `timeoutMs`; the signal's reason.
 */
export async function readWeb(text: string, settings: WebReaderSettings, context: ReadContext): Promise<WebPage> {
  const { clock, signal } = context;
  const ended = new AbortController();
  const over = AbortSignal.any([signal, ended.signal]);
  const cancel = clock.schedule(settings.timeoutMs, () => {
    ended.abort(new TimeoutError(`web_visit took longer than ${String(settings.timeoutMs)} ms`));
  });
  try {
    return await follow(webUrl(text, settings), settings, { ...context, signal: over });
  } finally {
    cancel();
  }
}

async function follow(first: URL, settings: WebReaderSettings, context: ReadContext): Promise<WebPage> {
  let url = first;
  for (let hop = 0; hop <= mostHops; hop += 1) {
    await context.robots.require(url, context.clock.nowMs(), (robots) => readRobots(robots, settings, context));
    const answer = await ask(url, settings, context, 'refuse');
    const next = redirectOf(url, answer, settings);
    if (next === undefined) return pageOf(url, answer, context);
    if (next.hostname !== url.hostname) return { movedTo: next.href };
    url = next;
  }
  throw new ToolError('tool_refused', `${first.hostname} sends its readers on more than ${String(mostHops)} times`);
}

/** Where an answer sends its readers, held against the rules; undefined where it is no redirect. */
export function redirectOf(url: URL, { status, headers }: WebAnswer, rules: UrlRules): URL | undefined {
  const { location } = headers;
  if (!redirects.includes(status) || location === undefined) return undefined;
  if (!URL.canParse(location, url.href)) throw new ToolError('tool_failed', `${url.hostname} sends its readers to what is no URL`);
  const next = webUrl(new URL(location, url).href, rules);
  if (url.protocol === 'https:' && next.protocol === 'http:') {
    throw new ToolError('tool_refused', `${url.hostname} sends its readers from https to http, which is not followed`);
  }
  return next;
}

const ask = (
  url: URL,
  { maxBytes, userAgent }: WebReaderSettings,
  { network, signal }: ReadContext,
  overflow: 'refuse' | 'cut',
): Promise<WebAnswer> =>
  askWeb(
    {
      url,
      headers: { 'user-agent': userAgent, accept: 'text/html, application/xhtml+xml, text/*, application/pdf, application/json;q=0.8' },
      maxBytes,
      overflow,
    },
    network,
    signal,
  );

/** The rules of a site may lie on another host of its own (RFC 9309, 2.3.1.2), if that may be asked, too. */
async function readRobots(robots: URL, settings: WebReaderSettings, context: ReadContext): Promise<WebAnswer> {
  let url = robots;
  for (let hop = 0; hop <= mostHops; hop += 1) {
    const answer = await ask(url, { ...settings, maxBytes: mostRobotsBytes }, context, 'cut');
    const next = redirectOf(url, answer, settings);
    if (next === undefined) return answer;
    url = next;
  }
  throw new ToolError(
    'tool_failed',
    `${robots.hostname} is not read: its robots.txt sends its readers on more than ${String(mostHops)} times`,
  );
}

async function pageOf(url: URL, { status, headers, body }: WebAnswer, { clock, signal }: ReadContext): Promise<CorpusPage> {
  if (status < 200 || status >= 300) {
    const code = status >= 500 || status === 429 || status === 408 ? 'tool_failed' : 'tool_refused';
    throw new ToolError(code, `${url.hostname} answered ${String(status)}`, { status });
  }
  const [type = '', ...parameters] = (headers['content-type'] ?? '').split(';').map((part) => part.trim());
  if (type !== '' && !textTypes.test(type.toLowerCase())) {
    throw new ToolError('tool_refused', `expected a text, HTML, JSON or PDF at ${url.href}, got ${JSON.stringify(type.slice(0, 100))}`);
  }
  const encoding = charsetOf(parameters) ?? (/html|^$/i.test(type) ? charsetInside(body) : undefined);
  const mediaType = /[/+]xml$/i.test(type) ? 'text/html' : type;
  const { readDocument } = await import('../../../text/read-document.ts'); // a tool that is only listed loads no readers of pages
  const read = await readDocument(body, { mediaType, encoding, clock, ...pdf }).catch((error: unknown) => {
    if (error instanceof DocumentError) throw new ToolError('tool_refused', `${url.href}: ${error.message}`, { cause: error });
    throw error;
  });
  if (signal.aborted) throw abortReason(signal); // the time may have passed while it was read
  const text = normaliseText(read.text.slice(0, mostTextChars));
  if (text === '') throw new ToolError('tool_refused', `${url.href} has no text`);
  return { url: url.href, title: (read.title ?? '').replaceAll(/\s+/g, ' ').trim().slice(0, 200).toWellFormed(), text };
}

const known = (label: string | undefined): string | undefined => {
  try {
    return label === undefined ? undefined : new TextDecoder(label).encoding;
  } catch {
    return undefined; // a label that means nothing says nothing
  }
};

function charsetOf(parameters: readonly string[]): string | undefined {
  const [said] = parameters.flatMap((one) => /^charset\s*=\s*"?([\w.:-]{1,40})"?$/i.exec(one)?.[1] ?? []);
  return known(said);
}

/** As HTML says it of itself in its first 1,024 bytes; UTF-16 cannot be said in letters of one byte (WHATWG HTML, 13.2.3.2). */
function charsetInside(body: Buffer): string | undefined {
  const said = known(/<meta[^>]{1,200}charset\s*=\s*["']?\s*([\w.:-]{1,40})/i.exec(body.subarray(0, 1_024).toString('latin1'))?.[1]);
  return said?.startsWith('utf-16') === true ? 'utf-8' : said;
}
