import { isObject } from '../../check-options.ts';
import { type ErrorCode, RegistryError } from '../../errors.ts';
import { retryAfterOf } from '../../retry-after.ts';
import { formsOf, withoutSecrets } from '../../without-secrets.ts';
import type { HttpAnswer } from './http-exchange.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Statuses that may be another one soon: time-outs, too early, and all of 5xx below. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);
const longestWaitMs = 5_000;
const longestQuote = 300;
const isUrlRight =
  'is the url right? Apicurio has the contract at …/apis/ccompat/v7, and a proxy or a sign-in page answers for no registry';

/**
 * What a registry's answer is worth: its JSON, or why there is none. Registries agree on the statuses, and on `error_code` and `message`, mostly: of a conflict Karapace says 409
 * where Confluent says 40901, and of a path that nobody knows some say 404 as of a schema. `shown` names the place; `secrets` are in no message.
 * @throws RegistryError
 */
export function judgeAnswer(answer: HttpAnswer, shown: string, asked: string, nowMs: number, secrets: readonly string[] = []): JsonObject {
  const { status } = answer;
  const body = jsonOf(answer.text);
  const says = wordsOf(body, secrets);
  const fail = (code: ErrorCode, message: string, retryAfterMs?: number): RegistryError =>
    new RegistryError(code, `the schema registry at ${shown} ${message}`, { status, ...(retryAfterMs !== undefined && { retryAfterMs }) });
  if (status >= 200 && status < 300) {
    if (body) return body;
    throw fail('registry_failed', `answered ${asked} with ${typeOf(answer)} and no JSON object; ${isUrlRight}`);
  }
  if (status >= 500 || passing.has(status))
    throw fail('registry_unavailable', `answers with status ${String(status)}${says}`, retryAfterOf(answer, nowMs, longestWaitMs));
  if (status === 401 || status === 403)
    throw fail(
      'authentication_failed',
      `refuses ${asked} with status ${String(status)}${says}; look at registry.auth and at what it may do there`,
    );
  if (status === 404 && isAboutSchemas(body)) throw fail('schema_not_found', `has none: ${asked}${says}`);
  if (status === 409) throw fail('schema_incompatible', `refuses ${asked}${says}`);
  if (status >= 300 && status < 400)
    throw fail(
      'registry_failed',
      `points elsewhere${targetOf(answer)}; set registry.url to where it is: redirects are not followed, they would take credentials along`,
    );
  if (status === 404) throw fail('registry_failed', `does not know the path of ${asked}; ${isUrlRight}`);
  throw fail('registry_failed', `refuses ${asked} with status ${String(status)}${says}`);
}

/** Of a path that they do not know, servers say `HTTP 404 Not Found`, and most no JSON, or one without a code. */
function isAboutSchemas(body: JsonObject | undefined): boolean {
  const code = body?.['error_code'];
  if (typeof code !== 'number') return false;
  return (code > 40_400 && code < 40_500) || (code === 404 && !/^HTTP 404/i.test(String(body?.['message'])));
}

function jsonOf(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

/** Of a server's message as much as a line bears. */
function wordsOf(body: JsonObject | undefined, secrets: readonly string[]): string {
  const message = body?.['message'];
  if (typeof message !== 'string' || message.trim() === '') return '';
  const known = secrets.flatMap(formsOf).reduce((text, form) => text.replaceAll(form, '[redacted]'), message);
  const line = withoutSecrets(known.replaceAll(/\s+/g, ' ').trim());
  const code = body?.['error_code'];
  return ` (${typeof code === 'number' ? `${String(code)}: ` : ''}${line.length > longestQuote ? `${line.slice(0, longestQuote)}…` : line})`;
}

const typeOf = ({ headers }: HttpAnswer): string => headers.get('content-type')?.slice(0, 60) ?? 'no content type';

function targetOf({ headers }: HttpAnswer): string {
  const target = headers.get('location') ?? '';
  return URL.canParse(target) ? ` (to ${new URL(target).host})` : '';
}
