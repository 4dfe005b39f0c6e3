import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { AvroSchema } from '../../src/codec/avro/avro-schema.ts';
import { avro } from '../../src/codec/avro/avro.ts';
import { revived } from './avro-files/revived.ts';
import written from './avro/written-by-fastavro.json' with { type: 'json' };

describe(`avro: what ${written.by} has written`, () => {
  const rows = written.rows.map(
    ({ schema, value, bytes }) =>
      [`${JSON.stringify(schema).slice(0, 80)}: ${inspect(revived(value)).slice(0, 40)}`, schema, revived(value), bytes] as const,
  );
  it.each(rows)('%s', (_, schema, value, bytes) => {
    const codec = avro(schema as AvroSchema);
    expect(codec.decode(Buffer.from(bytes, 'hex'))).toEqual(value);
    const own = Buffer.from(codec.encode(value) ?? []).toString('hex');
    if (value === '-1.28')
      expect([own, bytes]).toEqual(['0280', '04ff80']); // as few bytes as hold it, as Java writes it; fastavro writes one more
    else expect(own).toBe(bytes);
  });
});
