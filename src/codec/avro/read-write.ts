import { CodecError } from '../../errors.ts';
import { frameBytes, writeFrame } from '../internal/framing.ts';
import { type AvroBounds, requireSize } from './avro-bounds.ts';
import { type AvscType, tapOf } from './avsc.ts';
import { allowItems } from './blocks.ts';
import { type Read, resolve } from './resolve.ts';
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

const readOf = (writer: AvscType, reader: AvscType): Read => (writer === reader ? (tap) => reader._read(tap) : resolve(writer, reader));

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
      errorHook: (path, _, expected) => {
        found ||= ` at ${path.join('.') || 'its root'}: expected ${expected.branchName ?? 'a branch of its union'}`;
      },
    });
  } catch {
    return '';
  }
  return found;
}
