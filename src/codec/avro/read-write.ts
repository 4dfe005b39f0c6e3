import { CodecError } from '../../errors.ts';
import { frameBytes, writeFrame } from '../internal/framing.ts';
import { type AvroBounds, requireSize } from './avro-bounds.ts';
import { type AvscType, tapOf } from './avsc.ts';
import { allowItems } from './blocks.ts';
import { compiledRead, type Read } from './compiled-read.ts';
import { resolve } from './resolve.ts';
import { endsTooEarly } from './text.ts';

/** Reads all of some bytes, from the `from`th on. @throws CodecError @throws Unreadable where the schemas do not fit */
export function readerOf(writer: AvscType, reader: AvscType, bounds: AvroBounds, from = 0): (bytes: Uint8Array) => unknown {
  const read = readOf(writer, reader);
  return (bytes) => {
    requireSize(bytes.length, bounds, 'decode_failed');
    try {
      allowItems(bounds.maxItems);
      const tap = tapOf(bufferOf(bytes), from);
      const value = read(tap);
      if (!tap.isValid()) throw endsTooEarly();
      if (tap.pos < bytes.length) throw new CodecError('decode_failed', 'expected nothing behind the value');
      return value;
    } catch (error) {
      throw undecodable(error, bytes.length);
    }
  };
}

/** Reads so many values that stand one behind the other and are all of the bytes. @throws CodecError @throws Unreadable where the schemas do not fit */
export function sequenceReaderOf(
  writer: AvscType,
  reader: AvscType,
  { maxItems }: AvroBounds,
): (bytes: Buffer, values: number) => Generator<unknown, void> {
  const read = readOf(writer, reader);
  return function* (bytes, values) {
    const tap = tapOf(bytes, 0);
    for (let left = values; left > 0; left -= 1) {
      let value: unknown;
      try {
        allowItems(maxItems); // for each value: others may be read while this one is looked at
        value = read(tap);
        if (!tap.isValid()) throw endsTooEarly();
      } catch (error) {
        throw undecodable(error, bytes.length);
      }
      yield value;
    }
    if (tap.pos < bytes.length)
      throw new CodecError('decode_failed', `expected nothing behind the last value (in ${String(bytes.length)} bytes of Avro)`);
  };
}

const readOf = (writer: AvscType, reader: AvscType): Read => (writer === reader ? compiledRead(reader) : resolve(writer, reader));

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** No cause: avsc's messages quote the payload. */
function undecodable(error: unknown, bytes: number): CodecError {
  const of = `in ${String(bytes)} bytes of Avro`;
  if (error instanceof CodecError) return new CodecError(error.code, `${error.message} (${of})`);
  if (error instanceof RangeError) return new CodecError('decode_failed', `expected a value that nests less deep, ${of}`);
  return new CodecError('decode_failed', `expected a value of the schema, got what is none, ${of}`);
}

export function encode(type: AvscType, value: unknown, bounds: AvroBounds): Uint8Array {
  let bytes: Buffer;
  try {
    bytes = type.toBuffer(value);
  } catch (error) {
    throw unencodable(error, type, value);
  }
  requireSize(bytes.length, bounds, 'encode_failed');
  return bytes;
}

const keptBytes = 16 * 1024;
let kept: Buffer | undefined;

/** The same behind a frame. */
export function encodeFramed(type: AvscType, id: number, value: unknown, bounds: AvroBounds): Uint8Array {
  try {
    let written = (kept ??= Buffer.alloc(keptBytes));
    let end = type.encode(value, written, frameBytes);
    if (end < 0) {
      requireSize(written.length - end, bounds, 'encode_failed');
      written = Buffer.alloc(written.length - end); // so many were missing
      end = type.encode(value, written, frameBytes);
    }
    requireSize(end, bounds, 'encode_failed');
    writeFrame(written, id);
    return Buffer.from(written.subarray(0, end)); // a copy
  } catch (error) {
    throw unencodable(error, type, value);
  }
}

function unencodable(error: unknown, type: AvscType, value: unknown): CodecError {
  if (error instanceof CodecError) return error;
  if (error instanceof RangeError) return new CodecError('encode_failed', 'expected a value that nests less deep');
  return new CodecError('schema_violation', `expected a value of the schema, but it is none${misfit(type, value)}`);
}

function misfit(type: AvscType, value: unknown): string {
  let found = '';
  try {
    type.isValid(value, {
      errorHook: (path, at, expected) => {
        found ||= ` at ${path.join('.') || 'its root'}: expected ${expectedOf(expected)}, got ${kindOf(at)}`;
      },
    });
  } catch {
    return '';
  }
  return found;
}

/** What the names alone do not say. */
const inJavaScript: Readonly<Record<string, string>> = {
  ...{ int: 'int (an integer of 32 bits)', long: 'long (a bigint of 64 bits)', map: 'map (a plain object without the key __proto__)' },
  ...{
    bytes: 'bytes (a Uint8Array)',
    date: "date (text, as '2026-11-22')",
    'big-decimal': "big-decimal (text, as '-12.30', of at most 2,465 characters)",
    uuid: 'uuid (text)',
    'timestamp-millis': 'timestamp-millis (a Date)',
  },
  ...{ 'time-millis': 'time-millis (a number of milliseconds since midnight)', 'time-micros': 'time-micros (a bigint since midnight)' },
  'local-timestamp-millis': "local-timestamp-millis (text, as '2026-11-22T10:15:30.000')",
};

function expectedOf({ logicalName, branchName, isPlain, types }: AvscType): string {
  if (logicalName?.startsWith('decimal') === true)
    return `${logicalName} (text, as '-12.30', of no more digits than its precision and scale)`;
  const name = logicalName ?? branchName;
  if (name !== undefined) return inJavaScript[name] ?? name;
  const names = (types ?? []).map((one) => (isPlain === true ? (one.logicalName ?? one.branchName) : one.branchName) ?? 'a union');
  const shown = `${names.slice(0, mostBranches).join(', ')}${names.length > mostBranches ? ', …' : ''}`;
  return isPlain === true ? `a branch of its union (${shown})` : `a branch of its union, as { name: value } or null (${shown})`;
}

const mostBranches = 12;

/** Never the value. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : `a ${typeof value}`;
}
