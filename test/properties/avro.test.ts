import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { avro } from '../../src/codec/avro/avro.ts';
import { CodecError } from '../../src/errors.ts';
import { schemaAndValue } from './any-avro.ts';

/** Records come back as objects of a class of their own. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

const runs = Number(process.env['MILLRACE_PROPERTY_RUNS'] ?? 300);

describe('avro: any schema, any value', () => {
  it('comes back as it was', { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(schemaAndValue, ({ schema, value }) => {
        const codec = avro(schema);
        const bytes = codec.encode(value);
        expect(plain(codec.decode(bytes))).toEqual(plain(value));
        expect(codec.encode(codec.decode(bytes))).toEqual(bytes);
      }),
      { numRuns: runs },
    );
  });

  it('is a value or an error of ours, whatever the bytes', { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(
        schemaAndValue,
        fc.array(fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }) }), { minLength: 1, maxLength: 4 }),
        fc.option(fc.nat({ max: 40 })),
        fc.uint8Array({ maxLength: 12 }),
        ({ schema, value }, changes, cut, behind) => {
          const codec = avro(schema, { maxItems: 1_000 });
          const bytes = Buffer.from(codec.encode(value) ?? []);
          if (bytes.length > 0) for (const { at, to } of changes) bytes[at % bytes.length] = to;
          const given = cut === null ? Buffer.concat([bytes, behind]) : bytes.subarray(0, cut);
          try {
            codec.decode(given);
          } catch (error) {
            if (!(error instanceof CodecError)) throw error;
          }
        },
      ),
      { numRuns: 3 * runs },
    );
  });
});
