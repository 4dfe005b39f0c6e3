import type { IncomingHttpHeaders } from 'node:http';
import { fieldsOf, readContext, type RecordContext } from '../record/record-context.ts';
import { textHeader } from '../record/record.ts';
import type { Caller } from './callers.ts';
import { RequestError } from './openai/api-error.ts';

/** Who asks, how urgently, and until when it is wanted. */
export interface Asking {
  readonly caller: Caller;
  readonly priority: number;
  /** In the clock's milliseconds. */
  readonly deadlineMs: number;
  /** What goes with the call to servers behind the model. */
  readonly context: RecordContext;
}

/** The priority of a request, and how long it is wanted, in ms from now. */
const askingHeaders = { priority: 'millrace-priority', timeout: 'millrace-timeout-ms' } as const;

/** @throws RequestError for headers of ours that are not as they have to be. */
export function askingOf(headers: IncomingHttpHeaders, caller: Caller, nowMs: number, requestTimeoutMs: number): Asking {
  const priority = numberIn(headers, askingHeaders.priority, -1_000, 1_000) ?? 0;
  const timeoutMs = numberIn(headers, askingHeaders.timeout, 1, 86_400_000) ?? requestTimeoutMs;
  const deadlineMs = nowMs + Math.min(timeoutMs, requestTimeoutMs);
  return { caller, priority, deadlineMs, context: { ...traceOf(headers), priority, deadlineMs } };
}

/** What is malformed is left out. */
function traceOf({ traceparent, tracestate }: IncomingHttpHeaders): RecordContext {
  const given = Object.entries({ traceparent, tracestate }).flatMap(([name, value]) =>
    typeof value === 'string' ? [textHeader(name, value)] : [],
  );
  return fieldsOf(readContext(given).context, ['traceparent', 'tracestate']);
}

function numberIn(headers: IncomingHttpHeaders, name: string, min: number, max: number): number | undefined {
  const { [name]: given } = headers;
  if (given === undefined) return undefined;
  const number = Number(given);
  if (typeof given === 'string' && /^-?\d+$/.test(given) && number >= min && number <= max) return number;
  throw new RequestError(`the header ${name} must be an integer from ${String(min)} to ${String(max)}`, { param: name });
}
