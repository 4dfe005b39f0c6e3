import type { RecordHeaders } from '../../record/record.ts';
import type { DecoderInternals, EncoderClass, EncoderInternals } from './internals.ts';

/** What kafkajs hands to the record decoder beside the bytes. */
interface BatchContext {
  readonly firstOffset: string;
  readonly firstTimestamp: string;
  readonly maxTimestamp: string;
  readonly magicByte: number;
  readonly timestampType: number;
  readonly isControlBatch?: boolean;
}

const logAppendTime = 1; // the broker's clock instead of the producer's

/**
 * kafkajs gathers headers in an object: repeated names lose their order among others, integer-like names move to the
 * front, `__proto__` disappears. This decoder differs from the original in nothing but that headers stay ordered pairs.
 */
export function recordDecoder(decoder: DecoderInternals, batchContext: BatchContext): object {
  const attributes = decoder.readInt8();
  const timestampDelta = decoder.readVarLong();
  const { timestampType, maxTimestamp, firstTimestamp, firstOffset, magicByte, isControlBatch = false } = batchContext;
  const timestamp = timestampType === logAppendTime ? maxTimestamp : String(BigInt(firstTimestamp) + BigInt(timestampDelta.toString()));
  const offset = String(BigInt(firstOffset) + BigInt(decoder.readVarInt()));
  const key = decoder.readVarIntBytes();
  const value = decoder.readVarIntBytes();
  const headers = decoder.readVarIntArray(readHeader);
  return { magicByte, attributes, timestamp, offset, key, value, headers, isControlRecord: isControlBatch, batchContext };
}

const readHeader = (decoder: DecoderInternals): RecordHeaders[number] => [decoder.readVarIntString() ?? '', decoder.readVarIntBytes()];

interface EncodedRecord {
  readonly offsetDelta?: number;
  readonly timestampDelta?: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: RecordHeaders | Readonly<Record<string, unknown>>;
}

/** The way back: headers as ordered pairs (null values too, at which the original throws). Also takes the original's object. */
export function recordEncoder(Encoder: EncoderClass): (record: EncodedRecord) => EncoderInternals {
  return ({ offsetDelta = 0, timestampDelta = 0, key, value, headers = [] }) => {
    const pairs = isPairs(headers) ? headers : pairsOf(headers);
    const encodedHeaders = new Encoder().writeVarInt(pairs.length);
    let headersSize = Encoder.sizeOfVarInt(pairs.length);
    for (const [name, headerValue] of pairs) {
      encodedHeaders.writeVarIntString(name).writeVarIntBytes(headerValue);
      const nameSize = Buffer.byteLength(name);
      headersSize += Encoder.sizeOfVarInt(nameSize) + nameSize + Encoder.sizeOfVarIntBytes(headerValue);
    }
    const size =
      1 + // the attributes
      Encoder.sizeOfVarLong(timestampDelta) +
      Encoder.sizeOfVarInt(offsetDelta) +
      Encoder.sizeOfVarIntBytes(key) +
      Encoder.sizeOfVarIntBytes(value) +
      headersSize;
    return new Encoder()
      .writeVarInt(size)
      .writeInt8(0)
      .writeVarLong(timestampDelta)
      .writeVarInt(offsetDelta)
      .writeVarIntBytes(key)
      .writeVarIntBytes(value)
      .writeEncoder(encodedHeaders);
  };
}

const isPairs = (headers: object): headers is RecordHeaders => Array.isArray(headers);

/** For other users of kafkajs in this process, who know nothing of the patch. */
const pairsOf = (headers: Readonly<Record<string, unknown>>): RecordHeaders =>
  Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? (value as readonly unknown[]) : [value]).map((one) => [name, one as Uint8Array | null] as const),
  );
