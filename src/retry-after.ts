/** What is told at most: longer is a mistake in somebody's clock. */
export const longestToldMs = 24 * 3_600_000;

/**
 * What is heeded at most, unless an option says otherwise. Providers ask for seconds, and for a minute's window; one absurd header would
 * stop everything for a day, while whoever means hours is asked in vain four times an hour.
 */
export const defaultMaxPauseMs = 15 * 60_000;

/** As much of a `Headers` object as is needed; clients that have objects of their own mostly offer it. */
type Reader = (name: string) => string | undefined;

/**
 * How long the other side asks to be left alone, in ms, at most `mostMs`; undefined when it does not say. Read from what HTTP
 * clients throw: `retryAfterMs` in milliseconds, else the headers `retry-after-ms` and `retry-after` (seconds, or a date that is
 * read against the server's own clock where it tells it) of the error or of its `response`.
 *
 * @see RFC 9110, 10.2.3
 */
export function retryAfterOf(error: unknown, nowMs: number, mostMs: number = defaultMaxPauseMs): number | undefined {
  const askedMs = rawRetryAfter(error, nowMs);
  return askedMs === undefined ? undefined : Math.min(askedMs, mostMs);
}

function rawRetryAfter(error: unknown, nowMs: number): number | undefined {
  if (!isObject(error)) return undefined;
  const asked = error['retryAfterMs'];
  if (typeof asked === 'number') return bounded(asked);
  const { response } = error;
  const read = readerOf(error['headers']) ?? (isObject(response) ? readerOf(response['headers']) : undefined);
  return read && askedBy(read, nowMs);
}

function askedBy(read: Reader, nowMs: number): number | undefined {
  const exact = read('retry-after-ms')?.trim();
  if (exact !== undefined && /^\d+(\.\d+)?$/.test(exact)) return bounded(Number(exact));
  const given = read('retry-after')?.trim();
  if (given === undefined || given === '') return undefined;
  if (/^\d+(\.\d+)?$/.test(given)) return bounded(Number(given) * 1000);
  if (!/^[A-Za-z]+,? .*:\d\d/.test(given)) return undefined; // Date.parse takes "-5" for a day in 2001
  const theirs = Date.parse(read('date') ?? '');
  return bounded(Date.parse(given) - (Number.isNaN(theirs) ? nowMs : theirs));
}

const bounded = (ms: number): number | undefined =>
  Number.isFinite(ms) ? Math.min(Math.max(0, Math.round(ms)), longestToldMs) : undefined;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

function readerOf(headers: unknown): Reader | undefined {
  if (!isObject(headers)) return undefined;
  if (headers instanceof Headers) return (name) => headers.get(name) ?? undefined;
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return (name) => {
    const value = byName.get(name);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  };
}
