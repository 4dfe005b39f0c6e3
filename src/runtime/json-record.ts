import { isUtf8 } from 'node:buffer';
import type { Header, RecordHeaders } from '../record/record.ts';
import { jsonMembers } from './json-members.ts';
import { nearest } from '../nearest.ts';

/** A record as bytes, with what `consume --json` adds to it. */
export interface RawRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: RecordHeaders;
  readonly timestampMs?: number;
}

/** Records that are written together. */
export interface RecordBatch {
  readonly records: readonly RawRecord[];
  /** Of what was read for them. */
  readonly bytes: number;
  /** Empty lines between them. */
  readonly skipped?: number;
}

export interface PlacedRecord extends RawRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

const utf8 = new TextEncoder();
const known = ['key', 'keyBase64', 'value', 'valueBase64', 'headers', 'timestampMs', 'topic', 'partition', 'offset'];

/**
 * A record as one line of JSON: `key` and `value` as text, or `keyBase64` and `valueBase64` where the bytes are not
 * UTF-8; a value that is a JSON object or array stands there as it is, character by character. Null is null. Headers keep their order
 * and may repeat: `[["name", "text"], ["other", {"base64": "…"}]]`. {@link fromJsonRecord} reads it back, byte by byte.
 * @param hasJsonKey a key that is a JSON object or array stands there as it is, too. @defaultValue false
 */
export function toJsonRecord({ topic, partition, offset, timestampMs, key, value, headers }: PlacedRecord, hasJsonKey = false): string {
  const place = { topic, partition, offset: String(offset), ...(timestampMs === undefined ? {} : { timestampMs }) };
  const named = headers.map(([name, bytes]) => [name, bytes === null || isUtf8(bytes) ? textOf(bytes) : { base64: base64(bytes) }]);
  return `${JSON.stringify(place).slice(0, -1)},${field('key', key, hasJsonKey)},${field('value', value, true)},"headers":${JSON.stringify(named)}}`;
}

function field(name: string, bytes: Uint8Array | null, structured: boolean): string {
  if (bytes !== null && !isUtf8(bytes)) return `"${name}Base64":${JSON.stringify(base64(bytes))}`;
  const text = textOf(bytes);
  const inline = structured && text !== null ? inlineJson(text) : undefined;
  return `"${name}":${inline ?? JSON.stringify(text)}`;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const textOf = (bytes: Uint8Array | null): string | null => (bytes === null ? null : decoder.decode(bytes));

/** The text of an object or array, as it stands: parsing and writing it again would round long numbers. */
function inlineJson(text: string): string | undefined {
  if (!/^[{[][^\n\r]*[}\]]$/.test(text)) return undefined;
  try {
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

/**
 * Reads what {@link toJsonRecord} writes; where the record stood is ignored. A text becomes its UTF-8 bytes, any other
 * value its JSON as it is written here. Headers may also be an object. Messages name what is wrong, never the content.
 * @throws Error saying what was expected
 */
export function fromJsonRecord(text: string): RawRecord {
  const found = parseObject(text);
  for (const name of Object.keys(found)) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    throw new Error(
      `unknown field ${JSON.stringify(name)}${meant === undefined ? `, expected ${known.join(', ')}` : `, did you mean ${meant}?`}`,
    );
  }
  const { timestampMs } = found;
  if (timestampMs !== undefined && !(typeof timestampMs === 'number' && Number.isSafeInteger(timestampMs) && timestampMs >= 0))
    throw new Error('timestampMs must be milliseconds since 1970');
  if (!('value' in found) && !('valueBase64' in found))
    throw new Error('no value: expected {"key": …, "value": …, "headers": …}; null is a tombstone');
  return {
    key: bytesOf(found, text, 'key'),
    value: bytesOf(found, text, 'value'),
    headers: headersOf(found['headers']),
    ...(timestampMs === undefined ? {} : { timestampMs }),
  };
}

/** Whether a line is meant as a record: an object with a value and nothing that a record does not have. */
export function isJsonRecord(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  try {
    const names = Object.keys(parseObject(text));
    return (names.includes('value') || names.includes('valueBase64')) && names.every((name) => known.includes(name));
  } catch {
    return false;
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not a JSON object');
  return value as Readonly<Record<string, unknown>>;
}

function bytesOf(found: Readonly<Record<string, unknown>>, text: string, name: 'key' | 'value'): Uint8Array | null {
  const [given, encoded] = [found[name], found[`${name}Base64`]];
  if (given !== undefined && encoded !== undefined) throw new Error(`${name} and ${name}Base64 exclude each other`);
  if (encoded !== undefined) return fromBase64(`${name}Base64`, encoded);
  if (given === undefined || given === null) return null;
  return utf8.encode(typeof given === 'string' ? given : (jsonMembers(text).get(name) ?? ''));
}

function fromBase64(name: string, given: unknown): Uint8Array {
  if (typeof given !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(given) || given.length % 4 !== 0)
    throw new Error(`${name} must be base64`);
  return Buffer.from(given, 'base64');
}

function headersOf(given: unknown): RecordHeaders {
  if (given === undefined || given === null) return [];
  if (typeof given !== 'object') throw new Error('headers must be pairs [["name", "text"], …], or an object');
  const pairs: readonly unknown[] = Array.isArray(given) ? given : Object.entries(given);
  return pairs.map((pair): Header => {
    const [name, value] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    if (typeof name !== 'string') throw new Error('each header must be a pair ["name", "text"]');
    if (value === null) return [name, null];
    if (typeof value === 'string') return [name, utf8.encode(value)];
    if (typeof value === 'object' && 'base64' in value) return [name, fromBase64(`header ${name}`, value.base64)];
    throw new Error(`header ${name} must be text, null or {"base64": …}`);
  });
}
