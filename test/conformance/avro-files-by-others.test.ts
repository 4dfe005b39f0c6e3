import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { avroFile } from '../../src/codec/avro/avro-file.ts';
import { allOf } from '../helpers/all-of.ts';
import { madeBy, ordersFile, orderValues, packings } from './avro-files/orders.ts';
import checked from './avro-files/read-by-fastavro.json' with { type: 'json' };

const pathOf = (name: string): string => join(import.meta.dirname, 'avro-files', name);

describe.each(packings)(`avroFile, packed with %s`, (codec) => {
  it(`reads what ${madeBy} has written`, async () => {
    const reading = avroFile().read(createReadStream(pathOf(`by-fastavro-${codec}.avro`)));
    expect(await allOf(reading)).toEqual(orderValues);
    const header = await reading.header();
    expect([header.codec, [...header.metadata].map(([name, value]) => [name, Buffer.from(value).toString()])]).toEqual([
      codec,
      [['made.by', 'fastavro']],
    ]);
  });

  it('has written what fastavro has read as these values', async () => {
    const name = `by-millrace-${codec}.avro` as const;
    const bytes = await readFile(pathOf(name));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(checked[name]);
    const own = Buffer.concat(await allOf(ordersFile(codec).write(orderValues)));
    if (codec === 'null') expect(own.equals(bytes)).toBe(true); // what packs differs by the versions of Node
    expect(await allOf(avroFile().read(chunks(own)))).toEqual(orderValues);
  });
});

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
