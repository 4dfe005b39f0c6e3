import { longestToldMs, retryAfterOf } from '../retry-after.ts';
import type { Unit } from './call-amounts.state.ts';
import type { Observation } from './token-budget.state.ts';

/** As much of a response's headers as is needed: a `Headers` object. */
export interface ResponseHeaders {
  get(name: string): string | null;
}

/** Where providers write what is left; each name with `limit`, `remaining` and `reset` in its place. */
const forms: readonly { readonly unit: Unit; readonly remaining: string; readonly reset: string }[] = [
  ...(['requests', 'tokens', 'input-tokens', 'output-tokens'] as const).map((what) => ({
    unit: unitOf(what),
    remaining: `anthropic-ratelimit-${what}-remaining`,
    reset: `anthropic-ratelimit-${what}-reset`,
  })),
  ...(['requests', 'tokens', 'input-tokens', 'output-tokens'] as const).map((what) => ({
    unit: unitOf(what),
    remaining: `x-ratelimit-remaining-${what}`,
    reset: `x-ratelimit-reset-${what}`,
  })),
  { unit: 'requests', remaining: 'x-ratelimit-remaining', reset: 'x-ratelimit-reset' },
];

function unitOf(what: 'requests' | 'tokens' | 'input-tokens' | 'output-tokens'): Unit {
  return what === 'input-tokens' ? 'inputTokens' : what === 'output-tokens' ? 'outputTokens' : what;
}

const longestResetMs = 24 * 3_600_000; // a reset that is further off is a mistake in somebody's clock
const partMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/**
 * What a response's headers say of its provider's limits: `retry-after-ms`, `retry-after`, `anthropic-ratelimit-*`,
 * `x-ratelimit-*`. A reset is a length (`6m0s`, `20ms`, seconds) or a time (RFC 3339, seconds or milliseconds since 1970), which is
 * read against the provider's own clock where it tells it. What cannot be read is left out.
 *
 * @see https://platform.openai.com/docs/guides/rate-limits, https://docs.anthropic.com/en/api/rate-limits
 */
export function readProviderHeaders(headers: ResponseHeaders, nowMs: number): Observation {
  const read = (name: string): string | undefined => headers.get(name)?.trim();
  const date = Date.parse(read('date') ?? '');
  const theirNowMs = Number.isNaN(date) ? nowMs : date;
  const asked = { 'retry-after-ms': read('retry-after-ms'), 'retry-after': read('retry-after'), date: read('date') };
  return {
    dateMs: Number.isNaN(date) ? undefined : date,
    retryAfterMs: retryAfterOf({ headers: asked }, nowMs, longestToldMs),
    left: forms.flatMap(({ unit, remaining, reset }) => {
      const left = read(remaining) ?? '';
      return /^-?\d+(\.\d+)?$/.test(left) ? [{ unit, left: Number(left), resetMs: resetOf(read(reset), theirNowMs) }] : [];
    }),
  };
}

function resetOf(given: string | undefined, theirNowMs: number): number | undefined {
  if (given === undefined || given === '') return undefined;
  const ms = lengthOf(given) ?? Date.parse(given) - theirNowMs;
  if (Number.isNaN(ms)) return undefined;
  // a number of this size is a time: in seconds, or in milliseconds
  if (/^\d{9,11}(\.\d+)?$/.test(given)) return Math.min(Number(given) * 1000 - theirNowMs, longestResetMs);
  if (/^\d{12,}$/.test(given)) return Math.min(Number(given) - theirNowMs, longestResetMs);
  return Math.min(ms, longestResetMs);
}

function lengthOf(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!/^(\d+(\.\d+)?(ms|d|h|m|s))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, number = '0', unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ms|d|h|m|s)/g)) ms += Number(number) * (partMs[unit] ?? 0);
  return ms;
}
