import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { avro } from '../../src/codec/avro/avro.ts';
import { compileSchema } from '../../src/codec/avro/compile-schema.ts';
import { readerOf } from '../../src/codec/avro/read-write.ts';
import { CodecError } from '../../src/errors.ts';
import { schemaAndValue } from './any-avro.ts';

const bounds = { maxBytes: 1_000_000, maxItems: 1_000 };
const slowMs = 2_000; // for a record of some hundred bytes: what takes so long hangs

/** Records come back as objects of a class of their own. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

/** A value of ours, or an error of ours. @throws whatever else it is */
function refused(decode: () => unknown): void {
  const startedMs = performance.now();
  try {
    decode();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
  }
  const ms = performance.now() - startedMs;
  if (ms > slowMs) throw new Error(`decoding took ${ms.toFixed(0)} ms`);
}

/** Any schema, any value of it; each throws with the smallest case that does not hold. */
export const avroProperties: Readonly<Record<string, (runs: number) => void>> = {
  'what is encoded is decoded as it was, and encoded again to the same bytes': (numRuns) => {
    const property = fc.property(schemaAndValue, ({ schema, value }) => {
      const codec = avro(schema);
      const bytes = codec.encode(value);
      if (!isDeepStrictEqual(plain(codec.decode(bytes)), plain(value))) throw new Error('another value came back');
      if (!isDeepStrictEqual(codec.encode(codec.decode(bytes)), bytes)) throw new Error('another time there were other bytes');
    });
    fc.assert(property, { numRuns });
  },
  'a schema is read as itself by resolution, too': (numRuns) => {
    const property = fc.property(schemaAndValue, ({ schema, value }) => {
      const read = readerOf(compileSchema(schema, 'writer'), compileSchema(schema, 'reader'), bounds);
      if (!isDeepStrictEqual(plain(read(avro(schema).encode(value) ?? new Uint8Array())), plain(value)))
        throw new Error('another value came back');
    });
    fc.assert(property, { numRuns });
  },
  'changed bytes are a value or an error of ours, soon': (numRuns) => {
    const changes = fc.array(fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }) }), { minLength: 1, maxLength: 4 });
    const [cut, behind] = [fc.option(fc.nat({ max: 40 })), fc.uint8Array({ maxLength: 12 })];
    const property = fc.property(schemaAndValue, changes, cut, behind, ({ schema, value }, changed, end, more) => {
      const codec = avro(schema, bounds);
      const bytes = Buffer.from(codec.encode(value) ?? []);
      if (bytes.length > 0) for (const { at, to } of changed) bytes[at % bytes.length] = to;
      const given = end === null ? Buffer.concat([bytes, more]) : bytes.subarray(0, end);
      refused(() => codec.decode(given));
      const read = readerOf(compileSchema(schema, 'writer'), compileSchema(schema, 'reader'), bounds);
      refused(() => read(given));
    });
    fc.assert(property, { numRuns });
  },
};
