import { open, rm, stat } from 'node:fs/promises';
import { abortReason, type Clock } from '../clock.ts';

/** How long a server may take to answer, and to send its next bytes. */
const answerMs = 5_000;
const stallMs = 30_000;

export interface DownloadOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly totalBytes?: number | undefined;
  readonly onBytes?: (bytes: number, totalBytes: number | undefined) => void;
  /** @defaultValue globalThis.fetch */
  readonly fetch?: typeof fetch;
}

/**
 * Downloads `url` to `partial`; what an earlier try has left there is kept and asked for no more, where the server can do
 * that. The file may be wrong in content: whoever publishes it checks it.
 *
 * Gives up when the server has not answered within 5 s, or has sent nothing for 30 s; what has come stays for the next try.
 */
export async function httpDownload(url: string, partial: string, options: DownloadOptions): Promise<void> {
  const have = (await stat(partial).catch(() => undefined))?.size ?? 0;
  if (have > 0 && have === options.totalBytes) return; // it ended between the last byte and the check
  const watch = watchdog(options.clock, options.signal);
  try {
    watch.expect(answerMs, `no answer within ${String(answerMs / 1_000)} s`);
    const { response, from } = await request(url, partial, have, options, watch.signal);
    const total = options.totalBytes ?? totalOf(response, from);
    const file = await open(partial, from === 0 ? 'w' : 'a');
    try {
      let bytes = from;
      options.onBytes?.(bytes, total);
      watch.expect(stallMs, `nothing came for ${String(stallMs / 1_000)} s`);
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        await file.writeFile(chunk);
        bytes += chunk.byteLength;
        if (total !== undefined && bytes > total) throw new Error(`it sent more than the ${String(total)} bytes expected`);
        options.onBytes?.(bytes, total);
        watch.expect(stallMs, `nothing came for ${String(stallMs / 1_000)} s`);
      }
      if (total !== undefined && bytes < total) throw new Error(`it broke off after ${String(bytes)} of ${String(total)} bytes`);
    } finally {
      await file.close();
    }
  } catch (error) {
    watch.signal.throwIfAborted(); // fetch reports an abort in words of its own
    throw error;
  } finally {
    watch.stop();
  }
}

/** What Hugging Face says of a large file before it redirects to where it is kept; nothing from other servers. */
export async function linkedFile(
  url: string,
  options: Pick<DownloadOptions, 'clock' | 'signal' | 'fetch'>,
): Promise<{ readonly bytes?: number; readonly sha256?: string }> {
  const watch = watchdog(options.clock, options.signal);
  try {
    watch.expect(answerMs, `no answer within ${String(answerMs / 1_000)} s`);
    const { headers } = await (options.fetch ?? fetch)(url, { method: 'HEAD', redirect: 'manual', signal: watch.signal });
    const sha256 = /^"?([0-9a-f]{64})"?$/.exec(headers.get('x-linked-etag') ?? '')?.[1];
    const bytes = Number(headers.get('x-linked-size') ?? Number.NaN);
    return { ...(sha256 === undefined ? {} : { sha256 }), ...(Number.isSafeInteger(bytes) ? { bytes } : {}) };
  } catch (error) {
    watch.signal.throwIfAborted();
    throw error;
  } finally {
    watch.stop();
  }
}

async function request(
  url: string,
  partial: string,
  have: number,
  options: DownloadOptions,
  signal: AbortSignal,
): Promise<{ response: Response; from: number }> {
  const get = options.fetch ?? fetch;
  if (have > 0 && have < (options.totalBytes ?? Number.POSITIVE_INFINITY)) {
    const response = await get(url, { signal, headers: { range: `bytes=${String(have)}-`, 'accept-encoding': 'identity' } });
    if (response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${String(have)}-`) === true)
      return { response, from: have };
    if (response.status === 200) return { response, from: 0 };
    await response.body?.cancel();
    if (response.status !== 416 && response.status !== 206) throw new Error(`it answered ${String(response.status)}`);
  }
  await rm(partial, { force: true });
  const response = await get(url, { signal, headers: { 'accept-encoding': 'identity' } });
  if (response.status === 200) return { response, from: 0 };
  await response.body?.cancel();
  throw new Error(`it answered ${String(response.status)}`);
}

function totalOf(response: Response, from: number): number | undefined {
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  return Number.isSafeInteger(length) ? from + length : undefined;
}

interface Watchdog {
  readonly signal: AbortSignal;
  /** Aborts with `why` unless called again, or stopped, within `ms`. */
  expect(ms: number, why: string): void;
  stop(): void;
}

function watchdog(clock: Clock, outer: AbortSignal | undefined): Watchdog {
  const controller = new AbortController();
  let cancel = (): void => undefined;
  const onAbort = (): void => {
    if (outer) controller.abort(abortReason(outer));
  };
  if (outer?.aborted === true) onAbort();
  outer?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    expect: (ms, why) => {
      cancel();
      cancel = clock.schedule(ms, () => {
        controller.abort(new Error(why));
      });
    },
    stop: () => {
      cancel();
      outer?.removeEventListener('abort', onAbort);
    },
  };
}
