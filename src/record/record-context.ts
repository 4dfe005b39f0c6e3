import { OptionError } from '../errors.ts';
import { withoutSecrets } from '../without-secrets.ts';
import { type Header, type RecordHeaders, textHeader } from './record.ts';

/**
 * What a record tells of the request that it belongs to. It arrives in the record's headers or is set by code, goes with every call
 * (to servers as HTTP headers), and leaves on outputs and dead letters. Who asked is named, what proves it never is: credentials
 * do not belong in a topic.
 */
export interface RecordContext {
  /** When nobody wants the answer any more, in milliseconds since 1970: from then on no call is made for the record. */
  readonly deadlineMs?: number;
  /** Visible ASCII, 1 to 256 characters. */
  readonly requestId?: string;
  /** Who asked; 1 to 256 characters without control characters. What looks like a key or a token does not fit. */
  readonly identity?: string;
  /** On whose account; as `identity`. */
  readonly tenant?: string;
  /** An integer from -1,000 to 1,000; a higher one is more urgent. What has none is of priority 0. */
  readonly priority?: number;
  /** Of W3C Trace Context. */
  readonly traceparent?: string;
  /** Of W3C Trace Context, at most 512 characters; only beside a `traceparent`. */
  readonly tracestate?: string;
}

export type ContextField = keyof RecordContext;

/** What code sets: undefined takes a field away. */
export type ContextChange = { readonly [F in ContextField]?: RecordContext[F] | undefined };

/** The headers of records, and of HTTP requests, that carry a context. Where a name stands twice the last one counts. */
export const contextHeaderNames = {
  deadlineMs: 'millrace-deadline',
  requestId: 'millrace-request-id',
  identity: 'millrace-identity',
  tenant: 'millrace-tenant',
  priority: 'millrace-priority',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
} as const satisfies Record<ContextField, string>;

/** Of a record that tells nothing. */
export const noContext: RecordContext = Object.freeze({});

const fieldOf: ReadonlyMap<string, ContextField> = new Map(
  Object.entries(contextHeaderNames).map(([field, name]) => [name, field as ContextField]),
);
const longestHeader = 1_024;
const longestText = 256;
const lastMs = 8.64e15; // of a Date

const hasControl = (text: string): boolean => /\p{Cc}/u.test(text);
const isText = (text: unknown): boolean =>
  typeof text === 'string' && text.trim() !== '' && text.length <= longestText && !hasControl(text) && text.isWellFormed();

/** Who asked is told to every service that is called; what proves it must not be. */
const isName = (text: unknown): boolean => isText(text) && withoutSecrets(String(text)) === text;

/** A version beyond 00 may have more fields behind these. */
const isTraceparent = (text: unknown): boolean => {
  if (typeof text !== 'string' || text.length > longestText) return false;
  const [, version, trace, span, more] = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}(-[\x21-\x7e]*)?$/.exec(text) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return false;
  return /[1-9a-f]/.test(trace ?? '') && /[1-9a-f]/.test(span ?? '');
};

const isInteger = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;

/** Whether a value may stand in a field. */
const fits: { readonly [F in ContextField]: (value: unknown) => boolean } = {
  deadlineMs: (value) => typeof value === 'number' && value >= 0 && value <= lastMs,
  requestId: (value) => typeof value === 'string' && /^[\x21-\x7e]{1,256}$/.test(value),
  identity: isName,
  tenant: isName,
  priority: (value) => isInteger(value, -1_000, 1_000),
  traceparent: isTraceparent,
  tracestate: (value) => typeof value === 'string' && /^[\x20-\x7e]{1,512}$/.test(value) && value.includes('='),
};

const expected: { readonly [F in ContextField]: string } = {
  deadlineMs: 'milliseconds since 1970',
  requestId: '1 to 256 visible ASCII characters',
  identity: '1 to 256 characters without control characters, and no credential: a name, never a key or a token',
  tenant: '1 to 256 characters without control characters, and no credential: a name, never a key or a token',
  priority: 'an integer from -1000 to 1000',
  traceparent: 'a traceparent of W3C Trace Context',
  tracestate: 'a tracestate of W3C Trace Context, at most 512 characters',
};

/** What a header's text says in a field; undefined where it does not fit. */
function parsed(field: ContextField, text: string): string | number | undefined {
  const value = field === 'deadlineMs' ? instant(text) : field === 'priority' && /^-?\d{1,4}$/.test(text) ? Number(text) : text;
  return fits[field](value) ? value : undefined;
}

/** Milliseconds since 1970, or ISO 8601 with its offset: without one it would mean another moment on each machine. */
function instant(text: string): number | undefined {
  if (/^\d{1,16}$/.test(text)) return Number(text);
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function textOf(bytes: Uint8Array | null): string | undefined {
  if (bytes === null || bytes.length > longestHeader) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Reads the context from a record's headers. What is malformed is left out and counted: whoever wrote it must not be able to
 * fail a record by it. A `tracestate` without a good `traceparent` means nothing, and is left out too.
 */
export function readContext(headers: RecordHeaders): { readonly context: RecordContext; readonly ignored: number } {
  let found: Map<ContextField, string | number | undefined> | undefined;
  for (const [name, value] of headers) {
    const field = fieldOf.get(name);
    if (field === undefined) continue;
    const text = textOf(value);
    (found ??= new Map()).set(field, text === undefined ? undefined : parsed(field, text));
  }
  if (found === undefined) return { context: noContext, ignored: 0 };
  const good = [...found].filter(
    ([field, value]) => value !== undefined && (field !== 'tracestate' || found.get('traceparent') !== undefined),
  );
  return { context: Object.freeze(Object.fromEntries(good)), ignored: found.size - good.length };
}

/** What is wrong with fields that code sets; undefined when nothing is. */
export function contextProblem(context: ContextChange): string | undefined {
  for (const [name, value] of Object.entries(context)) {
    const field = name as ContextField;
    if (!Object.hasOwn(contextHeaderNames, field))
      return `context has no field ${name}; it takes ${Object.keys(contextHeaderNames).join(', ')}`;
    if (value !== undefined && !fits[field](value)) return `context.${field} must be ${expected[field]}`;
  }
  return undefined;
}

/** `context` as `change` leaves it. */
export function changedContext(context: RecordContext, change: ContextChange): RecordContext {
  const next = Object.entries({ ...context, ...change }).filter(([, value]) => value !== undefined);
  return Object.freeze(Object.fromEntries(next));
}

/** Some of a context's fields. */
export const fieldsOf = (context: RecordContext, fields: readonly ContextField[]): RecordContext =>
  Object.fromEntries(Object.entries(context).filter(([field]) => fields.includes(field as ContextField)));

/**
 * The headers that carry `context` on a record, for whoever produces one.
 * @throws OptionError for a value that does not fit.
 */
export function contextHeaders(context: RecordContext): Header[] {
  const problem = contextProblem(context);
  if (problem !== undefined) throw new OptionError(problem);
  return Object.entries(context).flatMap(([field, value]): Header[] =>
    value === undefined
      ? []
      : [textHeader(contextHeaderNames[field as ContextField], String(typeof value === 'number' ? Math.trunc(value) : value))],
  );
}

/** `headers` with `context` instead of what they say of it. */
export const withContextHeaders = (headers: RecordHeaders, context: RecordContext): RecordHeaders => [
  ...headers.filter(([name]) => !fieldOf.has(name)),
  ...contextHeaders(context),
];

/** `headers` with what they do not say of `context`. */
export function completedBy(headers: RecordHeaders, context: RecordContext): RecordHeaders {
  const said = new Set(headers.map(([name]) => name));
  return [...headers, ...contextHeaders(context).filter(([name]) => !said.has(name))];
}
