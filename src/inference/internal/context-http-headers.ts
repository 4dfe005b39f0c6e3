import { type ContextField, contextHeaderNames, type RecordContext } from '../../record/record-context.ts';

/** As in records; only the request id has a name that servers know. */
const httpNames: Readonly<Record<ContextField, string>> = { ...contextHeaderNames, requestId: 'x-request-id' };
const allFields = Object.keys(contextHeaderNames) as readonly ContextField[];

/**
 * The HTTP headers that carry a context: those of `fields`, or all. What HTTP does not allow in a header, and the percent sign, is
 * percent-encoded as UTF-8.
 */
export function contextHttpHeaders(context: RecordContext, fields = allFields): Readonly<Record<string, string>> {
  return Object.fromEntries(
    fields.flatMap((field) => {
      const { [field]: value } = context;
      return value === undefined ? [] : [[httpNames[field], encoded(field, value)]];
    }),
  );
}

function encoded(field: ContextField, value: string | number): string {
  if (typeof value === 'number') return String(Math.trunc(value));
  return field === 'identity' || field === 'tenant' ? value.replace(/[^\x21-\x7e]|%/gu, encodeURIComponent) : value;
}
