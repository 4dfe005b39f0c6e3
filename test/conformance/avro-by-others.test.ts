import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { AvroSchema } from '../../src/codec/avro/avro-schema.ts';
import { avro } from '../../src/codec/avro/avro.ts';
import { revived } from './avro-files/revived.ts';
import byFastavro from './avro/written-by-fastavro.json' with { type: 'json' };
import byJava from './avro/written-by-java.json' with { type: 'json' };

interface Row {
  readonly schema: unknown;
  readonly value: unknown;
  readonly bytes: string;
  /** False: of the same value we write others. */
  readonly isOnlyForm?: boolean;
}

/** As few bytes as hold it, as Java writes it; fastavro writes one more. */
const shorter: Readonly<Record<string, string>> = { '04ff80': '0280' };

// what is written byte for byte as they write it, they read
describe.each<{ readonly by: string; readonly rows: readonly Row[] }>([byFastavro, byJava])('avro: what $by has written', ({ rows }) => {
  const named = rows.map(
    (row) => [`${JSON.stringify(row.schema).slice(0, 80)}: ${inspect(revived(row.value)).slice(0, 40)}`, row] as const,
  );
  it.each(named)('%s', (_, { schema, value, bytes, isOnlyForm = true }) => {
    const codec = avro(schema as AvroSchema);
    expect(codec.decode(Buffer.from(bytes, 'hex'))).toEqual(revived(value));
    const own = Buffer.from(codec.encode(revived(value)) ?? []).toString('hex');
    if (isOnlyForm) expect(own).toBe(shorter[bytes] ?? bytes);
  });
});

it('every logical type of Avro 1.12 is among what Java has written', () => {
  const found = new Set(JSON.stringify(byJava.rows).match(/(?<="logicalType":")[^"]+/g));
  const local = ['local-timestamp-millis', 'local-timestamp-micros', 'local-timestamp-nanos'];
  const at = ['timestamp-millis', 'timestamp-micros', 'timestamp-nanos', 'time-millis', 'time-micros', 'date'];
  expect(found).toEqual(new Set(['decimal', 'big-decimal', 'uuid', 'duration', ...at, ...local]));
});
