import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type OptionNames, requireOptions } from '../check-options.ts';
import { CodecError, type ErrorCode, requireInteger } from '../errors.ts';
import { describePaths, requireStandardSchema } from '../standard-schema.ts';
import type { Codec } from './codec.ts';
import { requireBounded } from './internal/json-bounds.ts';
import { jsonErrorOffset } from './internal/json-error-offset.ts';
import { decodeUtf8, encodeUtf8 } from './internal/utf8.ts';

export interface JsonOptions {
  /** Most bytes of one record's JSON, at least 1. What it becomes is bounded by it: at most 4 times as much. @defaultValue 8 MiB */
  readonly maxBytes?: number;
  /** Objects and lists within each other, at most; at least 1. @defaultValue 1,000 */
  readonly maxDepth?: number;
  /** Most members and items in the objects and lists of one record, those of all added up; at least 1. @defaultValue 40,000 */
  readonly maxItems?: number;
}

const names: OptionNames<JsonOptions> = { maxBytes: true, maxDepth: true, maxItems: true };

/**
 * So that no record takes over 100 ms or 64 MiB: 40,000 values that a schema of zod refuses one by one take about 80 ms and 34 MB, and so many different keys 20 ms. 1,000 deep is what code that calls itself can
 * walk through.
 */
const defaults: Required<JsonOptions> = { maxBytes: 8 * 1024 * 1024, maxDepth: 1_000, maxItems: 40_000 };

/**
 * JSON in UTF-8; with a schema (any Standard Schema: zod, valibot, arktype, …) values are checked in both directions and
 * have its type.
 *
 * Decoding gives what the schema makes of the JSON (its output). Encoding takes that same type and writes only what
 * decoding would accept: the text is read back and checked, so a value of a schema that transforms (text → Date) is
 * written when its JSON form (the date as text) is the schema's input, and refused when it is not. What is written is the
 * value, not the schema's output: additional properties stay.
 *
 * Refused rather than changed in silence: bytes that are not UTF-8 (a byte order mark is let pass); the key `__proto__`, which
 * replaces prototypes in code that merges objects; on encoding NaN, Infinity, invalid dates and holes, all of which JSON turns
 * into null, Map, Set, Promise, Error and RegExp, which it empties, BigInt and cycles. As everywhere in JSON, numbers beyond ± 2^53 lose digits when
 * decoded, those beyond ± 1.8e308 become Infinity (which a schema's number refuses), -0 becomes 0, and properties that are undefined or functions are left out.
 * Bounded, in both directions: more bytes, depth or members than `options` let pass are refused before anything is made of them. What a schema's own code does
 * with a value (a pattern that takes for ever, say) is the schema's.
 * Holds a few copies of one record's value during a call, nothing between calls.
 * @throws OptionError at the call for what is not a schema, and for options out of range.
 * @throws CodecError `decode_failed` (with the position, never the text), `schema_violation` (with the paths, never the
 * values; also for a schema that answers with a promise, since codecs are synchronous), `unexpected_tombstone`, `encode_failed`.
 */
export function json(schema?: undefined, options?: JsonOptions): Codec<unknown>;
export function json<S extends StandardSchemaV1>(schema: S, options?: JsonOptions): Codec<StandardSchemaV1.InferOutput<S>>;
export function json(schema?: StandardSchemaV1, options: JsonOptions = {}): Codec<unknown> {
  if (schema !== undefined) requireStandardSchema('schema of json()', schema);
  const bounds = boundsOf(options);
  return {
    name: 'json',
    decode: (bytes) => {
      if (bytes === null)
        throw new CodecError('unexpected_tombstone', 'expected JSON, got a null value; wrap the codec in nullable() to allow it');
      requireSize(bytes, bounds, 'decode_failed');
      const text = decodeUtf8(bytes);
      requireBounded(text, bounds, 'decode_failed');
      const value = parse(text);
      return schema === undefined ? value : validated(schema, value, 'decode_failed');
    },
    encode: (value) => {
      const text = stringify(value);
      requireBounded(text, bounds, 'encode_failed');
      if (schema !== undefined) validated(schema, parse(text), 'encode_failed');
      const bytes = encodeUtf8(text);
      requireSize(bytes, bounds, 'encode_failed');
      return bytes;
    },
  };
}

function boundsOf(options: JsonOptions): Required<JsonOptions> {
  requireOptions('json', options, names);
  const bounds = { ...defaults, ...options };
  for (const name of ['maxBytes', 'maxDepth', 'maxItems'] as const) requireInteger(`json.${name}`, bounds[name], 1);
  return bounds;
}

function requireSize({ length }: Uint8Array, { maxBytes }: Required<JsonOptions>, code: ErrorCode): void {
  if (length > maxBytes)
    throw new CodecError(
      code,
      `expected at most ${String(maxBytes)} bytes of JSON, got ${String(length)}: raise maxBytes of json() if they are meant`,
    );
}

/** A key `__proto__`, each of its characters perhaps escaped; strings that merely look like one are told apart below. */
const mayHoldProto = /"(?:_|\\u005[fF]){2}(?:p|\\u0070)(?:r|\\u0072)(?:o|\\u006[fF])(?:t|\\u0074)(?:o|\\u006[fF])(?:_|\\u005[fF]){2}"\s*:/;

const mostSearched = 1024 * 1024; // for what is wrong: 8 MB of backslashes would take longer than all else

function parse(marked: string): unknown {
  const text = marked.startsWith('\uFEFF') ? marked.slice(1) : marked;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // no cause: the parser's message quotes the payload
    if (text.length > mostSearched)
      throw new CodecError('decode_failed', `expected JSON, got ${String(text.length)} characters that are not`);
    const at = jsonErrorOffset(text);
    const what = at >= text.length ? 'text that ends too early' : 'text that is not';
    throw new CodecError('decode_failed', `expected JSON, got ${what}, at character ${String(at)} of ${String(text.length)}`);
  }
  if (mayHoldProto.test(text)) refuseProto(value, 'decode_failed');
  return value;
}

/** Without recursion, since the depth of the value is the sender's choice. */
function refuseProto(value: unknown, code: ErrorCode): void {
  const left = [value];
  while (left.length > 0) {
    const one = left.pop();
    if (typeof one !== 'object' || one === null) continue;
    if (Object.hasOwn(one, '__proto__'))
      throw new CodecError(code, 'expected JSON without the key __proto__, which replaces prototypes in code that merges objects');
    for (const child of Object.values(one)) left.push(child);
  }
}

function stringify(value: unknown): string {
  try {
    const text: unknown = JSON.stringify(value); // not text for undefined, functions and symbols
    if (typeof text !== 'string') throw new CodecError('encode_failed', `expected a value that JSON can hold, got ${typeof value}`);
    if (mayHoldProto.test(text)) refuseProto(JSON.parse(text), 'encode_failed');
    // a replacer costs several times the rest, so it looks only where something may have been changed
    if (text.includes('null') || text.includes('{}')) JSON.stringify(value, refuseChanged);
    return text;
  } catch (cause) {
    if (cause instanceof CodecError) throw cause;
    const message = `expected a value that JSON can hold, got ${whyNot(cause)}`;
    throw new CodecError('encode_failed', message, { cause: cause instanceof RangeError ? undefined : cause });
  }
}

function whyNot(error: unknown): string {
  if (error instanceof RangeError) return 'one that nests too deep, or is too long for a string';
  if (error instanceof TypeError && error.message.includes('BigInt')) return 'a BigInt; write it as text';
  return error instanceof TypeError && error.message.includes('circular') ? 'one that contains itself' : 'one whose toJSON throws';
}

function refuseChanged(this: unknown, key: string, value: unknown): unknown {
  const before: unknown = typeof this === 'object' && this !== null ? Reflect.get(this, key) : value; // toJSON not yet applied
  const wrong = before instanceof Date && value === null ? 'an invalid date' : changed(value, Array.isArray(this));
  if (wrong === undefined) return value;
  throw new CodecError('encode_failed', `expected a value that JSON can hold, got ${wrong}, which it would change in silence`);
}

function changed(value: unknown, inList: boolean): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : String(value);
  const emptied = [Map, Set, Promise, Error, RegExp].find((one) => value instanceof one);
  if (emptied !== undefined) return `an instance of ${emptied.name}`;
  const left = value === undefined || typeof value === 'function' || typeof value === 'symbol';
  return inList && left ? `${typeof value} in a list` : undefined;
}

function validated(schema: StandardSchemaV1, value: unknown, tooDeep: ErrorCode): unknown {
  let result: ReturnType<StandardSchemaV1['~standard']['validate']>;
  try {
    result = schema['~standard'].validate(value);
  } catch (cause) {
    if (cause instanceof CodecError) throw cause;
    if (cause instanceof RangeError)
      throw new CodecError(tooDeep, 'expected a value that the schema can walk through, got one that nests too deep');
    throw new CodecError('schema_violation', 'expected the schema to judge the value, but its validator threw', { cause });
  }
  if ('then' in result) {
    // zod answers with a promise not only when it must, but also when a check threw or the stack ran out: a record's fault
    result.then(undefined, () => undefined);
    throw new CodecError(
      'schema_violation',
      'expected the schema to judge the value at once, got a promise: codecs are synchronous, so checks that wait belong into the pipeline (or a check of the schema threw)',
    );
  }
  if (result.issues === undefined) return result.value;
  throw new CodecError('schema_violation', `expected JSON that fits the schema, but it does not at ${describePaths(result.issues)}`);
}
