import { CodecError } from '../../errors.ts';

/** Bytes before the value: a zero, and the id of the writer's schema, big endian. */
export const frameBytes = 5;

const magic = 0;

/**
 * The id of the schema that a framed value was written with. Ids in a header of the record (Confluent's newer form, by GUID) are not read.
 * @throws CodecError `decode_failed` for bytes without a frame.
 */
export function framedId(bytes: Uint8Array): number {
  if (bytes.length >= frameBytes && bytes[0] === magic) {
    const id = idAt(bytes);
    if (id >= 0) return id;
  }
  throw new CodecError('decode_failed', `not framed for a schema registry: ${whatIs(bytes)}`);
}

/** The same without throwing: undefined for bytes without a frame. */
export function framedIdOf(bytes: Uint8Array): number | undefined {
  if (bytes.length < frameBytes || bytes[0] !== magic) return undefined;
  const id = idAt(bytes);
  return id < 0 ? undefined : id;
}

/** Writes the frame into the first bytes of `target`. */
export function writeFrame(target: Uint8Array, id: number): void {
  target[0] = magic;
  target[1] = id >>> 24;
  target[2] = id >>> 16;
  target[3] = id >>> 8;
  target[4] = id;
}

const idAt = (bytes: Uint8Array): number => ((bytes[1] ?? 0) << 24) | ((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0);

function whatIs(bytes: Uint8Array): string {
  if (bytes.length < frameBytes)
    return `expected ${String(frameBytes)} bytes (0, and a schema's id) before the value, got ${String(bytes.length)}`;
  if (bytes[0] === magic) return 'expected the id of a schema, got a negative number';
  const [first = 0] = bytes;
  const likely = first === 0x7b || first === 0x5b ? '; it may be plain JSON: read it with json()' : '';
  return `expected 0 as the first of ${String(bytes.length)} bytes, got ${String(first)}${likely}`;
}
