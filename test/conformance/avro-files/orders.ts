import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AvroFile, avroFile } from '../../../src/codec/avro/avro-file.ts';
import type { AvroSchema } from '../../../src/codec/avro/avro-schema.ts';
import type { AvroFileCodec } from '../../../src/codec/avro/file-blocks.ts';
import { allOf } from '../../helpers/all-of.ts';
import { revived } from './revived.ts';
import made from './values.json' with { type: 'json' };

export const packings: readonly AvroFileCodec[] = ['null', 'deflate', 'zstandard'];
export const madeBy = made.by;
export const orderValues = revived(made.values) as readonly unknown[];

/** Files of them, of several blocks; the same byte by byte each time. */
export const ordersFile = (codec: AvroFileCodec): AvroFile<unknown> =>
  avroFile({
    schema: made.schema as AvroSchema,
    codec,
    blockBytes: 1_000,
    sync: Buffer.from('0123456789abcdef'),
    metadata: { 'made.by': 'millrace' },
  });

if (import.meta.main)
  for (const codec of packings) {
    const bytes = Buffer.concat(await allOf(ordersFile(codec).write(orderValues)));
    await writeFile(join(import.meta.dirname, `by-millrace-${codec}.avro`), bytes);
  }
