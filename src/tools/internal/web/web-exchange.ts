import type { ClientRequest, IncomingMessage } from 'node:http';
import { isIP, type LookupFunction } from 'node:net';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { abortReason } from '../../../clock.ts';
import { isAbortError, isStreamError, messageOf, ToolError } from '../../../errors.ts';
import type { WebNetwork } from './web-network.ts';

export interface WebQuestion {
  readonly url: URL;
  readonly method?: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Of the answer, packed and unpacked. */
  readonly maxBytes: number;
  /** What becomes of a longer answer. @defaultValue refused */
  readonly overflow?: 'refuse' | 'cut';
}

export interface WebAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const mostAddresses = 16;

/**
 * One question over HTTP to one host: its name is resolved here, once, each address is asked of the network's policy, and the connection goes to no other address, so that a name that means something else a moment later
 * changes nothing. On Node's own client, which follows no redirects; without cookies, kept connections and the environment's proxies. Ends with the signal, which bounds the time.
 *
 * Holds the answer, `maxBytes` at most, also of one that is packed.
 * @throws ToolError `tool_refused` for an address that is not public or an answer that is too long, `tool_failed` where there was no whole answer; the signal's reason
 */
export async function askWeb(question: WebQuestion, network: WebNetwork, signal: AbortSignal): Promise<WebAnswer> {
  const { url } = question;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = await unlessAborted(addressesOf(host, network), signal);
  const lookup: LookupFunction = (_name, options, callback) => {
    const all = addresses.map((address) => ({ address, family: isIP(address) }));
    const [first] = all;
    if (options.all === true) callback(null, all);
    else callback(null, first?.address ?? '', first?.family);
  };
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http'); // loading it takes 30 ms, of each process that only could ask
  const asked = request(url, {
    method: question.method ?? 'GET',
    agent: false,
    lookup,
    headers: { 'accept-encoding': 'gzip, br', ...question.headers },
  });
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      fail(abortReason(signal));
    };
    const end = (): void => {
      signal.removeEventListener('abort', onAbort);
      asked.destroy();
    };
    const fail = (error: unknown): void => {
      end();
      reject(asFailure(error, host));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    asked.on('error', fail);
    asked.on('response', (response) => {
      readBody(response, question).then((answer) => {
        end();
        resolve(answer);
      }, fail);
    });
    send(asked, question.body, signal);
  });
}

function send(asked: ClientRequest, body: string | undefined, signal: AbortSignal): void {
  if (signal.aborted) asked.destroy(abortReason(signal));
  else asked.end(body);
}

async function addressesOf(host: string, network: WebNetwork): Promise<readonly string[]> {
  const found = isIP(host) === 0 ? await network.resolve(host).catch((cause: unknown) => Promise.reject(asFailure(cause, host))) : [host];
  if (found.length === 0) throw new ToolError('tool_failed', `${host} has no address`);
  for (const address of found) {
    const why = network.whyForbidden(address);
    if (why !== undefined)
      throw new ToolError('tool_refused', `${host} is not asked: expected public addresses alone, got one that is ${why}`);
  }
  return found.slice(0, mostAddresses);
}

async function readBody(response: IncomingMessage, { url, maxBytes, overflow = 'refuse' }: WebQuestion): Promise<WebAnswer> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) if (typeof value === 'string') headers[name] = value;
  const answer = (parts: readonly Buffer[]): WebAnswer => ({
    status: response.statusCode ?? 0,
    headers,
    body: Buffer.concat(parts).subarray(0, maxBytes),
  });
  const unpacked = unpack(response, headers['content-encoding']);
  const parts: Buffer[] = [];
  let [bytes, packed] = [0, 0];
  response.on('data', (part: Buffer) => {
    packed += part.length;
    // what unpacks to nothing must end, too
    if (packed > maxBytes && unpacked !== response) unpacked.destroy(tooLong(url, maxBytes));
  });
  for await (const part of unpacked as AsyncIterable<Buffer>) {
    bytes += part.length;
    parts.push(part);
    if (bytes <= maxBytes) continue;
    response.destroy();
    if (overflow === 'cut') return answer(parts);
    throw tooLong(url, maxBytes);
  }
  if (!response.complete) throw new ToolError('tool_failed', `the connection to ${url.hostname} was cut within the answer`);
  return answer(parts);
}

const tooLong = (url: URL, maxBytes: number): ToolError =>
  new ToolError('tool_refused', `the answer of ${url.hostname} is longer than ${String(maxBytes)} bytes`);

function unpack(response: IncomingMessage, encoding = 'identity'): IncomingMessage | Transform {
  const name = encoding.trim().toLowerCase();
  if (name === 'identity' || name === '') return response;
  const unpacker = name === 'gzip' || name === 'x-gzip' ? createGunzip() : name === 'br' ? createBrotliDecompress() : undefined;
  if (unpacker === undefined) {
    throw new ToolError('tool_failed', `expected an answer packed with gzip, br or not at all, got ${JSON.stringify(name.slice(0, 40))}`);
  }
  response.on('error', (error) => unpacker.destroy(error));
  response.on('close', () => {
    if (!response.complete) unpacker.destroy(new Error('the connection was cut within the answer'));
  });
  return response.pipe(unpacker);
}

/** What came from the network names no address of it: a model's conversation is no place for a map of ours. */
function asFailure(error: unknown, host: string): Error {
  if (error instanceof Error && (isStreamError(error) || isAbortError(error))) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : messageOf(error);
  return new ToolError('tool_failed', `${host} could not be asked: ${code}`, { cause: error });
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortReason(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
