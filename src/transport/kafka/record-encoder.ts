import type { RecordHeaders } from '../../record/record.ts';
import { sizeOfVarlong, writeVarlong } from './varint.ts';

interface RecordToEncode {
  readonly offsetDelta?: number;
  /** Milliseconds. */
  readonly timestampDelta?: number;
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers?: RecordHeaders | Readonly<Record<string, unknown>>;
}

/** What kafkajs asks of an encoded record. */
interface EncodedRecord {
  readonly buf: Buffer;
  readonly buffer: Buffer;
  size(): number;
}

/**
 * Instead of kafkajs's record encoder: headers as ordered pairs (null values too, at which the original throws), in one piece
 * of memory instead of one a field. Also takes what other users of kafkajs in this process give: texts, and headers as an object.
 */
export function recordEncoder({ offsetDelta = 0, timestampDelta = 0, key, value, headers = [] }: RecordToEncode): EncodedRecord {
  const [keyBytes, valueBytes] = [asBytes(key), asBytes(value)];
  const pairs = (isPairs(headers) ? headers : pairsOf(headers)).map(([name, bytes]) => [Buffer.from(name), asBytes(bytes)] as const);
  const delta = Number.isFinite(timestampDelta) ? Math.trunc(timestampDelta) : 0;
  let size = 1 + sizeOfVarlong(delta) + sizeOfVarlong(offsetDelta) + sizeOf(keyBytes) + sizeOf(valueBytes) + sizeOfVarlong(pairs.length);
  for (const [name, bytes] of pairs) size += sizeOf(name) + sizeOf(bytes);
  const record = Buffer.allocUnsafe(sizeOfVarlong(size) + size);
  let at = writeVarlong(record, size, 0);
  record[at] = 0; // attributes: none are defined
  at = writeVarlong(record, delta, at + 1);
  at = writeVarlong(record, offsetDelta, at);
  at = writeBytes(record, keyBytes, at);
  at = writeBytes(record, valueBytes, at);
  at = writeVarlong(record, pairs.length, at);
  for (const [name, bytes] of pairs) at = writeBytes(record, bytes, writeBytes(record, name, at));
  return { buf: record, buffer: record, size: () => record.length };
}

const sizeOf = (bytes: Uint8Array | null): number => (bytes === null ? 1 : sizeOfVarlong(bytes.length) + bytes.length);

function writeBytes(target: Buffer, bytes: Uint8Array | null, at: number): number {
  if (bytes === null) return writeVarlong(target, -1, at);
  const start = writeVarlong(target, bytes.length, at);
  target.set(bytes, start);
  return start + bytes.length;
}

const asBytes = (value: unknown): Uint8Array | null => {
  if (value === null || value === undefined) return null;
  return value instanceof Uint8Array ? value : Buffer.from(value as string);
};

const isPairs = (headers: object): headers is RecordHeaders => Array.isArray(headers);

/** For other users of kafkajs in this process, who know nothing of the patch. */
const pairsOf = (headers: Readonly<Record<string, unknown>>): readonly (readonly [string, unknown])[] =>
  Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? (value as readonly unknown[]) : [value]).map((one) => [name, one] as const),
  );
