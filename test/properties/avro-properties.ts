import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { systemClock } from '../../src/clock.ts';
import { avroFile } from '../../src/codec/avro/avro-file.ts';
import { avro } from '../../src/codec/avro/avro.ts';
import { compileSchema } from '../../src/codec/avro/compile-schema.ts';
import { readerOf } from '../../src/codec/avro/read-write.ts';
import type { AvroFileDamage } from '../../src/codec/avro/file-options.ts';
import { jsonSchema } from '../../src/codec/json-schema/json-schema.ts';
import { memoryRegistry } from '../../src/codec/memory-registry.ts';
import { openCodec } from '../../src/codec/open-codec.ts';
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

/** The same of what is waited for. */
async function refusedLater(read: () => Promise<void>): Promise<void> {
  const startedMs = performance.now();
  try {
    await read();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
  }
  const ms = performance.now() - startedMs;
  if (ms > slowMs) throw new Error(`reading took ${ms.toFixed(0)} ms`);
}

const changes = fc.array(fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }) }), { minLength: 1, maxLength: 4 });
const change = fc.record({ changes, end: fc.option(fc.nat({ max: 400 })), behind: fc.uint8Array({ maxLength: 12 }) });

/** With some of them replaced, and cut off or with more behind. */
function changed(given: Uint8Array, { changes: all, end, behind }: typeof change extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const bytes = Buffer.from(given);
  if (bytes.length > 0) for (const { at, to } of all) bytes[at % bytes.length] = to;
  return end === null ? Buffer.concat([bytes, behind]) : bytes.subarray(0, end);
}

/** Whether damage ends the reading or is told, and then what is told. */
async function readFile(bytes: Buffer, goesOn: boolean): Promise<void> {
  let from = -1;
  const onDamage = ({ atByte, resumedAtByte = bytes.length }: AvroFileDamage): void => {
    if (atByte < from || resumedAtByte < atByte || resumedAtByte > bytes.length)
      throw new Error(`goes back from ${String(from)} to ${String(atByte)}`);
    from = resumedAtByte;
  };
  const limits = { maxBlockBytes: bounds.maxBytes, maxItems: bounds.maxItems };
  let values = 0;
  for await (const value of avroFile({ ...limits, ...(goesOn && { onDamage }) }).read(Readable.from([bytes]))) {
    values += value === undefined ? 0 : 1;
    if (values > 100_000) throw new Error('a file of some hundred bytes has 100,000 values');
  }
}

const reviewSchema = {
  ...{
    type: 'object',
    required: ['stars'],
    properties: { stars: { type: 'integer' }, tags: { type: 'array', items: { type: 'string', pattern: '^(a+)+$' } } },
  },
};

/** Any schema, any value of it; each throws with the smallest case that does not hold. */
export const avroProperties: Readonly<Record<string, (runs: number) => void | Promise<void>>> = {
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
    const property = fc.property(schemaAndValue, change, ({ schema, value }, to) => {
      const codec = avro(schema, bounds);
      const given = changed(codec.encode(value) ?? new Uint8Array(), to);
      refused(() => codec.decode(given));
      const read = readerOf(compileSchema(schema, 'writer'), compileSchema(schema, 'reader'), bounds);
      refused(() => read(given));
    });
    fc.assert(property, { numRuns });
  },
  'changed bytes of an Avro file are values, damage that is told, or an error of ours, soon': async (numRuns) => {
    const codec = fc.constantFrom('null' as const, 'deflate' as const, 'zstandard' as const);
    const property = fc.asyncProperty(schemaAndValue, codec, change, fc.boolean(), async ({ schema, value }, packed, to, goesOn) => {
      const file = avroFile({ schema, codec: packed, blockBytes: 40, sync: Buffer.from('0123456789abcdef') });
      const pieces: Uint8Array[] = [];
      for await (const piece of file.write([value, value, value] as never)) pieces.push(piece);
      await refusedLater(() => readFile(changed(Buffer.concat(pieces), to), goesOn));
    });
    await fc.assert(property, { numRuns });
  },
  'changed bytes of JSON behind a frame are a value or an error of ours, soon': async (numRuns) => {
    const registry = memoryRegistry();
    const { id } = await registry.register('reviews-value', { schema: JSON.stringify(reviewSchema), schemaType: 'JSON' });
    const use = {
      topic: 'reviews',
      part: 'value',
      direction: 'in',
      clock: systemClock,
      signal: new AbortController().signal,
      log: () => undefined,
    } as const;
    const opened = await openCodec(jsonSchema({ registry }), use);
    const value = fc.record({
      stars: fc.integer(),
      tags: fc.array(fc.string({ maxLength: 40 }), { maxLength: 4 }),
      more: fc.jsonValue({ maxDepth: 4 }),
    });
    const property = fc.asyncProperty(value, change, async (one, to) => {
      const given = changed(Buffer.concat([Buffer.of(0, 0, 0, 0, id), Buffer.from(JSON.stringify(one))]), to);
      await refusedLater(async () => {
        await opened.pending?.(given);
        opened.decode(given);
      });
    });
    await fc.assert(property, { numRuns });
    await opened.close?.();
  },
};
